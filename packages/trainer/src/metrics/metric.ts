/**
 * A metric with state: updated batch by batch, merged over ranks exactly, computed at the end (after torchmetrics'
 * `Metric`). Each state says how ranks' values become one. Not for: the formulas (one file a family).
 */
import { tf } from '@rondo/engine'
import { currentRankContext, type RankContext } from '@rondo/fabric'
import { RondoError } from '@rondo/protocol'

/** How two values of a state become one: element by element, or one after the other. */
export type StateReduction = 'sum' | 'min' | 'max' | 'cat'

/** States by name, as plain data that may travel. */
export type MetricStates = Readonly<Record<string, Float64Array>>

/** What `update` takes: a tensor, or its numbers in row-major order (nested arrays too). */
export type MetricInput = tf.TensorLike | tf.Tensor

/** Numbers of an input with their shape. */
export interface Values {
  data: ArrayLike<number>
  shape: number[]
}

/** The ranks of a run, or of a group of one's own. */
type Ranks = Pick<RankContext, 'group' | 'signal'>

interface State {
  reduction: StateReduction
  initial: Float64Array
  /** One array; for `cat` one for each update. */
  parts: Float64Array[]
}

/**
 * State that is updated batch by batch and merges over ranks exactly, whatever the split. Log it with `this.log(name,
 * metric)`, or call `update`, `compute` and `reset`. `T` is what `compute` gives. Semantics follow torchmetrics.Metric.
 */
export abstract class Metric<T = number> {
  /** Fields are plain data: a metric in a module crosses to the ranks of a launch with it. */
  private readonly declared = new Map<string, State>()
  /** Updates whose tensors are being read, in order. */
  private reading: Promise<void> | null = null
  /** Grows with each reset: an update that was under way then must not count. */
  private resets = 0

  /** Declares a state; to be called in the constructor. `initial` is its value before any update. */
  protected addState(name: string, reduction: StateReduction, initial: readonly number[]): void {
    const values = Float64Array.from(initial)
    this.declared.set(name, { reduction, initial: values, parts: [values.slice()] })
  }

  /** The state, to be changed in place; not for `cat`. */
  protected state(name: string): Float64Array {
    return this.stateOf(name).parts[0] as Float64Array
  }

  /** Adds to the end of a `cat` state. */
  protected append(name: string, values: ArrayLike<number>): void {
    this.stateOf(name).parts.push(Float64Array.from(values))
  }

  /** The value of merged states. */
  protected abstract valueOf(states: MetricStates): T

  /**
   * Reads inputs without blocking the device and hands them to `add` in the order of the calls. Reading begins at
   * once, so tensors may be disposed of afterwards.
   */
  protected enqueue(inputs: readonly MetricInput[], add: (values: Values[]) => void): Promise<void> {
    const { resets } = this
    const reads = Promise.all(inputs.map(read))
    const before = this.reading
    const done = reads.then(async (values) => {
      await before
      if (resets === this.resets) add(values)
    })
    this.reading = done
    // `compute` tells of a failure; one that nobody asks for is no unhandled rejection.
    done.catch(() => {})
    return done
  }

  /** This rank's states, after all updates. */
  async states(): Promise<MetricStates> {
    await this.reading
    this.reading = null
    return Object.fromEntries([...this.declared].map(([name, { parts }]) => [name, joined(parts)]))
  }

  /**
   * The value over all ranks. Collective: every rank must call it; each gets the same.
   * @param ranks whose states are merged; those of the run by default
   */
  async compute({ group, signal }: Ranks = currentRankContext()): Promise<T> {
    const own = await this.states()
    if (group.worldSize === 1) return this.valueOf(own)
    return this.merged(await group.allGatherObject(own, { name: `metric ${this.constructor.name}`, signal }))
  }

  /** The value of these ranks' states, in rank order. */
  merged(ranks: readonly MetricStates[]): T {
    const all = [...this.declared].map(([name, { reduction }]) => {
      const values = ranks.map((states) => states[name] as Float64Array)
      return [name, values.reduce((a, b) => merge(reduction, a, b))] as const
    })
    return this.valueOf(Object.fromEntries(all))
  }

  /** Forgets all updates. */
  reset(): void {
    this.resets += 1
    this.reading = null
    for (const state of this.declared.values()) state.parts = [state.initial.slice()]
  }

  private stateOf(name: string): State {
    const state = this.declared.get(name)
    if (state) return state
    throw new RondoError(
      'BAD_ARGUMENT',
      `${this.constructor.name}: there is no state "${name}". Those that are: ${[...this.declared.keys()].join(', ') || 'none'}. Declare it with addState in the constructor.`,
    )
  }
}

/** @throws BAD_ARGUMENT naming the metric, what it got and what is allowed */
export function badInput(metric: object, got: string, allowed: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `${metric.constructor.name}.update: ${got}. Allowed is ${allowed}. Correct what is passed.`,
  )
}

async function read(input: MetricInput): Promise<Values> {
  if (input instanceof tf.Tensor) {
    const { shape } = input
    return { data: (await input.data()).slice(), shape }
  }
  // A host array passes through a tensor for its shape; nothing is read from a device.
  const tensor = tf.tensor(input)
  try {
    return { data: (await tensor.data()).slice(), shape: tensor.shape }
  } finally {
    tensor.dispose()
  }
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

function merge(reduction: StateReduction, a: Float64Array, b: Float64Array): Float64Array {
  switch (reduction) {
    case 'cat':
      return joined([a, b])
    case 'sum':
      return a.map((value, i) => value + (b[i] as number))
    // Math.min and Math.max let NaN win: it tells that training went wrong.
    case 'min':
      return a.map((value, i) => Math.min(value, b[i] as number))
    case 'max':
      return a.map((value, i) => Math.max(value, b[i] as number))
    default:
      return reduction satisfies never
  }
}
