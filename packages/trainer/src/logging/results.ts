/**
 * The values that one loop logged: last step values, and sums and counts in float64 for exact epoch means. Tensors
 * are kept on the device until `settle`, which reads all of them in one go. Not for: other ranks (sync.ts).
 */
import { tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { Metric } from '../metrics/metric.ts'
import type { LogValue, ResolvedLog } from './log-options.ts'

/** One name in one hook (and of one loader). */
export interface Result {
  readonly name: string
  readonly hook: string
  readonly options: ResolvedLog
  /** The last value and its weight; null before the first and after it was taken. */
  step: { value: number; weight: number } | null
  /** Σ value·weight (mean), Σ value (sum), or the extreme so far. */
  total: number
  /** Σ weight. */
  weight: number
}

/** A metric object in one hook (and of one loader). */
export interface LoggedMetric {
  readonly name: string
  readonly metric: Metric<unknown>
  readonly options: ResolvedLog
}

interface Pending {
  result: Result
  weight: number
  /** A kept copy, a number, or the loss of the step, whose number comes later. */
  value: tf.Tensor | number | 'loss'
  /** The tensor that was logged, to recognise the loss. */
  original: LogValue
}

export class Results {
  private readonly results = new Map<string, Result>()
  private readonly metrics = new Map<string, LoggedMetric>()
  private pending: Pending[] = []
  /** Loop's batches on this rank since the last reset: a rank without any is not asked for its keys. */
  batches = 0

  /** Takes a value; a tensor is kept until it is read. Throws BAD_ARGUMENT when options differ from the last call's. */
  add(name: string, hook: string, value: LogValue, options: ResolvedLog): void {
    const key = `${hook}\n${name}${options.suffix}`
    let result = this.results.get(key)
    if (result === undefined) {
      result = { name, hook, options, step: null, total: startOf(options), weight: 0 }
      this.results.set(key, result)
    } else if (differ(result.options, options)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `log("${name}", …) was called in ${hook} before with other options (${differ(result.options, options)}). A name has the same options everywhere in one hook. Use another name, or the same options.`,
      )
    }
    const kept = typeof value === 'number' ? value : tf.keep(tf.clone(value))
    this.pending.push({ result, weight: options.batchSize, value: kept, original: value })
  }

  /** Keeps a metric object until the epoch ends. Throws BAD_ARGUMENT when the name stands for another one. */
  addMetric(name: string, hook: string, metric: Metric<unknown>, options: ResolvedLog): void {
    const key = `${hook}\n${name}${options.suffix}`
    const before = this.metrics.get(key)
    if (before !== undefined && before.metric !== metric) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `log("${name}", metric): this name stands for another metric object in ${hook}. A name has one metric, made once (in the constructor) and updated each step. Use that one, or another name.`,
      )
    }
    this.metrics.set(key, { name, metric, options })
  }

  /** Says which tensor is the loss of this step: it is read anyway, so its copies are not needed. */
  markLoss(loss: tf.Tensor): void {
    for (const pending of this.pending) {
      if (pending.original !== loss) continue
      tf.dispose(pending.value as tf.Tensor)
      pending.value = 'loss'
    }
  }

  /** How many values wait to be read. */
  get unsettled(): number {
    return this.pending.length
  }

  /** Forgets the values after the first `count` of those that wait: they will be logged again. */
  rollback(count: number): void {
    for (const { value } of this.pending.splice(count)) if (value instanceof tf.Tensor) value.dispose()
  }

  /** Reads what waits, with one readback for floats and one for integers, and adds it up in order. */
  async settle(loss = Number.NaN): Promise<void> {
    const taken = this.pending
    if (taken.length === 0) return
    this.pending = []
    const floats = taken.filter(({ value }) => value instanceof tf.Tensor && value.dtype === 'float32')
    const others = taken.filter(({ value }) => value instanceof tf.Tensor && value.dtype !== 'float32')
    const [readFloats, readOthers] = await Promise.all([readAll(floats, 'float32'), readAll(others, 'int32')])
    for (const entry of taken) {
      const { value, result, weight } = entry
      if (value === 'loss') accumulate(result, loss, weight)
      else if (typeof value === 'number') accumulate(result, value, weight)
      else accumulate(result, (readFloats.get(entry) ?? readOthers.get(entry)) as number, weight)
    }
  }

  /** Everything logged since the last reset, in order of first appearance. */
  all(): Result[] {
    return [...this.results.values()]
  }

  /** Every metric object, by a key that is equal on all ranks. */
  allMetrics(): ReadonlyMap<string, LoggedMetric> {
    return this.metrics
  }

  /** Forgets all values and frees what was never read; metric objects start again. */
  reset(): void {
    for (const { value } of this.pending) if (value instanceof tf.Tensor) value.dispose()
    this.pending = []
    this.results.clear()
    for (const { metric } of this.metrics.values()) metric.reset()
    this.metrics.clear()
    this.batches = 0
  }
}

/** The value of a whole epoch. */
export function epochValue(reduction: ResolvedLog['reduceFx'], total: number, weight: number): number {
  return reduction === 'mean' ? total / weight : total
}

/** Joins two totals of one result, from other batches or other ranks. */
export function joinTotals(reduction: ResolvedLog['reduceFx'], a: number, b: number): number {
  switch (reduction) {
    case 'mean':
    case 'sum':
      return a + b
    case 'min':
      // A NaN must not be lost: it tells that training went wrong.
      return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.min(a, b)
    case 'max':
      return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b)
    default:
      return reduction satisfies never
  }
}

function accumulate(result: Result, value: number, weight: number): void {
  result.step = { value, weight }
  if (!result.options.onEpoch) return
  const { reduceFx } = result.options
  result.total = joinTotals(reduceFx, result.total, reduceFx === 'mean' ? value * weight : value)
  result.weight += weight
}

function startOf({ reduceFx }: ResolvedLog): number {
  if (reduceFx === 'min') return Number.POSITIVE_INFINITY
  return reduceFx === 'max' ? Number.NEGATIVE_INFINITY : 0
}

async function readAll(entries: readonly Pending[], dtype: 'float32' | 'int32'): Promise<Map<Pending, number>> {
  const read = new Map<Pending, number>()
  if (entries.length === 0) return read
  const tensors = entries.map(({ value }) => value as tf.Tensor)
  const stacked = tf.tidy(() => tf.concat1d(tensors.map((tensor) => tensor.reshape([1]).cast(dtype) as tf.Tensor1D)))
  tf.dispose(tensors)
  const values = await stacked.data()
  stacked.dispose()
  entries.forEach((entry, i) => {
    read.set(entry, values[i] as number)
  })
  return read
}

/** Names of the options that differ, or an empty text. The batch size may change from call to call. */
function differ(a: ResolvedLog, b: ResolvedLog): string {
  const keys = ['progBar', 'logger', 'onStep', 'onEpoch', 'reduceFx', 'syncDist', 'rankZeroOnly'] as const
  const found: string[] = keys.filter((key) => a[key] !== b[key])
  if (String(a.syncDistGroup) !== String(b.syncDistGroup)) found.push('syncDistGroup')
  return found.join(', ')
}
