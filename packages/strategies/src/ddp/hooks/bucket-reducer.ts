/**
 * The way of a bucket from one rank's sums to all ranks' sums, through the communication hook when there is one. It
 * gives hooks the average's scale, so that half precision does not overflow, and keeps the order of their collectives
 * equal on all ranks. Not for: what a hook does.
 */
import type { ProcessGroup } from '@rondo/collectives'
import type { GradientBuckets, LossScaler, Parameter } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { StrategyContext } from '../../strategy.ts'
import type { BucketTensor, CommHook } from './comm-hook.ts'

/** How much of a synchronisation is this rank's. */
export interface Weights {
  /** n of this rank. */
  own: number
  /** Σn over the ranks, on its way. */
  sum: Promise<Float64Array>
}

export class BucketReducer {
  private readonly group: ProcessGroup
  private readonly signal: AbortSignal
  private readonly tensors: ReadonlyArray<readonly BucketTensor[]>
  private readonly nodeRanks: readonly number[]
  private readonly scaler: LossScaler | null
  private hook: CommHook | null
  /** The hook is not the script's choice but follows from the precision, and gives way. */
  private readonly fallback: CommHook | null
  /** This rank's gradients of this synchronisation were not finite. */
  private overflowed = false
  private synchronisations = 0
  /** End of the bucket before, for hooks whose collectives must not interleave. */
  private before: Promise<unknown> = Promise.resolve()

  /**
   * @param hook null: plain float32 sums, which need not wait for Σn
   * @param fallback until somebody registers a hook
   */
  constructor(
    { group, signal, nodeRanks, precision }: StrategyContext,
    parameters: readonly Parameter[],
    buckets: GradientBuckets,
    hook: CommHook | null,
    fallback: CommHook | null = null,
  ) {
    this.scaler = precision?.scaler ?? null
    this.fallback = fallback
    this.group = group
    this.signal = signal
    this.nodeRanks = nodeRanks ?? Array.from({ length: group.worldSize }, (_, rank) => rank)
    this.hook = hook ?? fallback
    this.tensors = buckets.plan.map((slots) =>
      slots.map(({ index, shape, size, offset }) => ({ name: parameters[index]?.name ?? '', shape, size, offset })),
    )
  }

  /** How gradients travel. One rank sends none, so no hook is asked. */
  get wire(): string {
    return this.group.worldSize === 1 ? 'f32' : (this.hook?.wire ?? 'f32')
  }

  /** Resolves when no hook will submit a collective any more for the buckets that were given. */
  get idle(): Promise<unknown> {
    return this.before
  }

  /** From now on this hook. Throws CONFLICT when the model has one: what it keeps between steps would be lost. */
  register(hook: CommHook | null): void {
    if (this.hook !== null && this.hook !== this.fallback) {
      throw new RondoError(
        'CONFLICT',
        `This model has the communication hook "${this.hook.name}" already; one is allowed. Choose it once, with ddpCommHook or with registerCommHook.`,
        { rank: this.group.rank },
      )
    }
    this.hook = hook
  }

  /**
   * Sums bucket `k` over the ranks. `values` are this rank's Σ g·n, which the call may overwrite; buckets come in
   * order, from 0, each once a synchronisation. Resolves with Σ over ranks of Σ g·n, the same bytes everywhere.
   * From the first bucket's call until the last one's result the rank submits no other collective: a hook's own
   * follow one another, and their order must be the same on all ranks.
   */
  reduceBucket(k: number, values: Float32Array, weights: Weights): Promise<Float32Array> {
    if (this.hook === null) {
      return this.group.allReduce(values, { op: 'sum', name: `gradients ${k}`, signal: this.signal })
    }
    if (k === 0) this.synchronisations += 1
    const reduced = this.throughHook(this.hook, k, values, weights, this.before)
    this.before = reduced.catch(() => {})
    return reduced
  }

  private async throughHook(
    hook: CommHook,
    k: number,
    values: Float32Array,
    weights: Weights,
    before: Promise<unknown>,
  ): Promise<Float32Array> {
    const { group, signal } = this
    const step = this.synchronisations - 1
    const sum = (await weights.sum)[0] as number
    if (!hook.overlaps) await before
    // Hooks may remember values and compress them, so they get true gradients, and no infinities.
    const lossScale = this.scaler === null || hook.isCast ? 1 : this.scaler.scale
    if (this.scaler !== null && !hook.isCast && clearNonFinite(values)) this.overflowed = true
    // Σn is 0 when every rank has run out of data: there is nothing to average then.
    scale(values, sum > 0 ? 1 / (sum * lossScale) : 0)
    const tensors = this.tensors[k] as readonly BucketTensor[]
    const average = await hook.reduce(
      { index: k, isLast: k === this.tensors.length - 1, tensors, values },
      {
        group,
        signal,
        nodeRanks: this.nodeRanks,
        step,
        weight: sum > 0 ? weights.own / sum : 0,
        allReduce: (x, name) => group.allReduce(x, { op: 'sum', name, signal }),
      },
    )
    if (!(average instanceof Float32Array) || average.length !== values.length) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `The communication hook "${hook.name}" returned ${describe(average)} for bucket ${k} of ${values.length} values. It must return the averaged bucket, a Float32Array of the same length.`,
        { rank: group.rank },
      )
    }
    return scale(average, sum * lossScale)
  }

  /**
   * Whether any rank's gradients of this synchronisation were not finite, where totals do not show it; after all its
   * buckets. Collective then.
   */
  async overflowedAnywhere(): Promise<boolean> {
    if (this.scaler === null || this.hook === null || this.hook.isCast) return false
    const { group, signal, overflowed } = this
    this.overflowed = false
    const flags = await group.allReduce(Uint8Array.of(overflowed ? 1 : 0), { op: 'max', name: 'overflow', signal })
    return flags[0] === 1
  }
}

/** Makes zeros of what is infinite or no number; true if there was any. */
function clearNonFinite(values: Float32Array): boolean {
  let found = false
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue
    values[i] = 0
    found = true
  }
  return found
}

function scale(values: Float32Array, factor: number): Float32Array {
  if (factor !== 1) for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * factor
  return values
}

function describe(value: unknown): string {
  return value instanceof Float32Array ? `${value.length} values` : `a ${typeof value}`
}
