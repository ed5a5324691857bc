/**
 * One common order dealt in global batches whose cut among the ranks may change on the way: a faster rank gets more of
 * each, and every sample comes once an epoch. Not for: who is faster (the trainer measures) or equal shares
 * (distributed-sampler.ts).
 */
import { invariant, RondoError } from '@rondo/protocol'
import { type Sampler, wholeNumber } from './sampler.ts'

export interface BalancedSamplerOptions {
  /** Samples of one step over all ranks, at least one a rank. */
  globalBatch: number
  worldSize: number
  rank: number
  /** Leave out the last step when it has fewer samples; default `false`. */
  dropLast?: boolean
}

/** Shares that hold from a step on, by rank. */
interface Cut {
  fromStep: number
  shares: readonly number[]
}

export class BalancedSampler implements Sampler {
  readonly #inner: Sampler
  readonly #globalBatch: number
  readonly #worldSize: number
  readonly #rank: number
  readonly #dropLast: boolean
  /** Ascending; the first holds from the epoch's start. */
  #cuts: Cut[]
  #from = 0
  /** Where the iteration under way began in the common order. */
  #begun = 0
  /** Steps of the iteration under way whose size was asked for. */
  #drawn = 0

  /**
   * `inner`: the order of the whole data set, the same on every rank.
   * Errors: BAD_ARGUMENT for an order without a finite length, or a global batch smaller than the world.
   */
  constructor(inner: Sampler, { globalBatch, worldSize, rank, dropLast = false }: BalancedSamplerOptions) {
    if (!Number.isSafeInteger(inner.length)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `BalancedSampler: sampler ${inner.constructor.name} has length ${String(inner.length)}; allowed are samplers with a finite length. Give it one, or leave balancing out.`,
      )
    }
    this.#inner = inner
    this.#globalBatch = wholeNumber('BalancedSampler: globalBatch', globalBatch, worldSize)
    this.#worldSize = wholeNumber('BalancedSampler: worldSize', worldSize, 1)
    this.#rank = wholeNumber('BalancedSampler: rank', rank, 0)
    this.#dropLast = dropLast
    this.#cuts = [
      {
        fromStep: 0,
        shares: splitBy(
          globalBatch,
          Array.from({ length: worldSize }, () => 1),
        ),
      },
    ]
  }

  /** Steps of an epoch, or of what is left of one after `startAt`; the same on every rank. */
  get batches(): number {
    const steps = Math.max(0, this.#inner.length - this.#from) / this.#globalBatch
    return this.#dropLast ? Math.floor(steps) : Math.ceil(steps)
  }

  /** Indices of this rank, by the shares that hold now. */
  get length(): number {
    let sum = 0
    for (let step = 0; step < this.batches; step++) sum += this.#piece(step, this.#from).size
    return sum
  }

  /** Steps of the iteration under way that can no longer be cut otherwise. */
  get drawn(): number {
    return this.#drawn
  }

  /** Samples of each rank in a full step, from the latest cut on. */
  get shares(): readonly number[] {
    return (this.#cuts.at(-1) as Cut).shares
  }

  /**
   * From step `fromStep` of this epoch on, and in later ones, a full step is cut by `shares`. Call it with the same
   * values on all ranks, and with a step that no rank has drawn yet.
   */
  rebalance(shares: readonly number[], fromStep: number): void {
    invariant(
      shares.length === this.#worldSize && shares.reduce((sum, share) => sum + share, 0) === this.#globalBatch,
      'the shares of a step must make the global batch',
    )
    invariant(fromStep >= this.#drawn, 'a step that is drawn cannot be cut anew')
    this.#cuts = [...this.#cuts.filter((cut) => cut.fromStep < fromStep), { fromStep, shares }]
  }

  setEpoch(epoch: number): void {
    this.#inner.setEpoch?.(epoch)
  }

  startAt(position: number): void {
    this.#from = wholeNumber('startAt(position)', position, 0)
  }

  /** Samples of this rank's next batch; 0 where it has none. Asked once for each batch, in turn. */
  nextBatchSize(): number {
    this.#drawn += 1
    return this.#piece(this.#drawn - 1, this.#begun).size
  }

  [Symbol.iterator](): Iterator<number> {
    this.#begun = this.#from
    this.#from = 0
    this.#drawn = 0
    // What was decided in the epoch before holds from the start.
    this.#cuts = [{ fromStep: 0, shares: this.shares }]
    return this.#walk([...this.#inner], this.#begun)
  }

  *#walk(order: readonly number[], from: number): Generator<number, void, undefined> {
    for (let step = 0; ; step++) {
      const { start, size } = this.#piece(step, from)
      if (size === 0) return
      for (let at = start; at < start + size; at++) yield order[at] as number
    }
  }

  /** This rank's piece of a step: where it starts in the order, and its size. */
  #piece(step: number, from: number): { start: number; size: number } {
    const start = from + step * this.#globalBatch
    const samples = Math.min(this.#globalBatch, this.#inner.length - start)
    if (samples <= 0 || (this.#dropLast && samples < this.#globalBatch)) return { start, size: 0 }
    const { shares } = this.#cuts.findLast((cut) => cut.fromStep <= step) as Cut
    const sizes = samples === this.#globalBatch ? shares : splitBy(samples, shares)
    const before = sizes.slice(0, this.#rank).reduce((sum, size) => sum + size, 0)
    return { start: start + before, size: sizes[this.#rank] as number }
  }
}

/**
 * Whole numbers in proportion to `weights` that add up to `total`: the largest remainders are rounded up, and nobody
 * goes without while there is enough for all.
 */
export function splitBy(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0)
  const exact = weights.map((weight) => (sum > 0 ? (total * weight) / sum : total / weights.length))
  const sizes = exact.map(Math.floor)
  const left = total - sizes.reduce((all, size) => all + size, 0)
  const byRemainder = exact
    .map((value, rank) => ({ rank, remainder: value - Math.floor(value) }))
    .sort((a, b) => b.remainder - a.remainder || a.rank - b.rank)
  for (const { rank } of byRemainder.slice(0, left)) sizes[rank] = (sizes[rank] as number) + 1
  if (total < weights.length) return sizes
  for (let empty = sizes.indexOf(0); empty >= 0; empty = sizes.indexOf(0)) {
    const largest = sizes.indexOf(Math.max(...sizes))
    sizes[largest] = (sizes[largest] as number) - 1
    sizes[empty] = 1
  }
  return sizes
}
