/**
 * Samplers that give each rank its share of one common order. Every rank computes the whole order from the
 * same seed and keeps its own part, so nothing is sent. Semantics: `torch.utils.data.DistributedSampler`
 * and Lightning's `UnrepeatedDistributedSampler` and `DistributedSamplerWrapper`; the order itself is ours
 * (see rng.ts).
 */
import { RondoError } from '@rondo/protocol'
import { permutation, range } from './rng.ts'
import { type Sampler, wholeNumber } from './sampler.ts'
import { type Layout, type Padding, shardIndices, shardLength } from './shard.ts'

export interface DistributedSamplerOptions {
  /** Shuffle by `seed + epoch`; default `true`. */
  shuffle?: boolean
  /** Integer ≥ 0, the same on every rank; default 0. */
  seed?: number
  /** Cut the tail so that ranks are equal, instead of repeating samples; default `false`. */
  dropLast?: boolean
  /** `strided` (default) or `contiguous` slices, as fastai deals them. */
  layout?: Layout
}

/**
 * Rank `rank`'s share of 0..length-1 among `worldSize` ranks. Every rank gets the same number: by default the
 * order is repeated from its start as often as needed, with `dropLast` its tail is cut. Without `setEpoch`
 * every epoch has the same order.
 * Errors: BAD_ARGUMENT for an empty data set or a rank outside 0..worldSize-1.
 */
export class DistributedSampler implements Sampler {
  readonly rank: number
  readonly worldSize: number
  readonly #samples: number
  readonly #shuffle: boolean
  readonly #seed: number
  readonly #padding: Padding
  readonly #layout: Layout
  #epoch = 0
  /** Where the next iteration begins in the common order. */
  #from = 0

  constructor(length: number, worldSize: number, rank: number, options: DistributedSamplerOptions = {}) {
    this.#samples = wholeNumber('DistributedSampler(length)', length, 1)
    checkRank('DistributedSampler', worldSize, rank)
    this.worldSize = worldSize
    this.rank = rank
    this.#shuffle = options.shuffle ?? true
    this.#seed = wholeNumber('DistributedSampler: seed', options.seed ?? 0, 0)
    this.#padding = this.padding(options.dropLast ?? false)
    this.#layout = options.layout ?? 'strided'
  }

  /** Indices of this rank in an epoch, or in what is left of one after `startAt`. */
  get length(): number {
    return shardLength(Math.max(0, this.#samples - this.#from), this.worldSize, this.rank, this.#padding)
  }

  setEpoch(epoch: number): void {
    this.#epoch = wholeNumber('setEpoch(epoch)', epoch, 0)
  }

  startAt(position: number): void {
    this.#from = wholeNumber('startAt(position)', position, 0)
  }

  /** This rank's indices of the next epoch. */
  [Symbol.iterator](): Iterator<number> {
    const from = this.#from
    this.#from = 0
    const order = this.#shuffle ? permutation(this.#samples, this.#seed + this.#epoch) : range(this.#samples)
    return shardIndices(order, this.worldSize, this.rank, this.#padding, this.#layout, from).values()
  }

  /** What happens where the ranks do not divide the list. */
  protected padding(dropLast: boolean): Padding {
    return dropLast ? 'drop' : 'wrap'
  }
}

/**
 * The exact form, for evaluation: every sample on exactly one rank, in the data set's order unless `shuffle`.
 * Some ranks have one sample less than others, with few samples none at all.
 */
export class UnrepeatedDistributedSampler extends DistributedSampler {
  constructor(
    length: number,
    worldSize: number,
    rank: number,
    options: Omit<DistributedSamplerOptions, 'dropLast'> = {},
  ) {
    super(length, worldSize, rank, { shuffle: false, ...options })
  }

  /** Nothing is repeated and nothing dropped. */
  protected override padding(): Padding {
    return 'exact'
  }
}

/**
 * A rank's share of whatever another sampler gives: its list is taken anew on each iteration and every
 * worldSize-th index kept. The inner sampler must give the same list on every rank.
 * Errors: BAD_ARGUMENT for an inner sampler without a finite length, or a rank out of range.
 */
export class DistributedSamplerWrapper implements Sampler {
  readonly #inner: Sampler
  readonly #padding: Padding
  readonly #worldSize: number
  readonly #rank: number
  /** Where the next iteration begins in the inner sampler's list. */
  #from = 0

  /** `exact`: no sample twice (evaluation); default `false`: padded so that all ranks have the same number. */
  constructor(inner: Sampler, worldSize: number, rank: number, options: { exact?: boolean } = {}) {
    checkRank('DistributedSamplerWrapper', worldSize, rank)
    if (!Number.isSafeInteger(inner.length)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `sampler ${inner.constructor.name} has length ${String(inner.length)}; only samplers with a finite length can be shared among ranks. Give it a length, or use an iterable data set that shards itself.`,
      )
    }
    this.#inner = inner
    this.#worldSize = worldSize
    this.#rank = rank
    this.#padding = options.exact ? 'exact' : 'wrap'
  }

  get length(): number {
    return shardLength(Math.max(0, this.#inner.length - this.#from), this.#worldSize, this.#rank, this.#padding)
  }

  startAt(position: number): void {
    this.#from = wholeNumber('startAt(position)', position, 0)
  }

  setEpoch(epoch: number): void {
    this.#inner.setEpoch?.(epoch)
  }

  /** This rank's indices of the next epoch. */
  [Symbol.iterator](): Iterator<number> {
    const from = this.#from
    this.#from = 0
    return shardIndices([...this.#inner], this.#worldSize, this.#rank, this.#padding, 'strided', from).values()
  }
}

function checkRank(who: string, worldSize: number, rank: number): void {
  wholeNumber(`${who}: worldSize`, worldSize, 1)
  if (Number.isInteger(rank) && rank >= 0 && rank < worldSize) return
  throw new RondoError(
    'BAD_ARGUMENT',
    `${who}: rank is ${String(rank)}; allowed are whole numbers in the interval [0, ${worldSize - 1}]. Pass fabric.globalRank.`,
  )
}
