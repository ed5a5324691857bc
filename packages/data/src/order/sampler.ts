/**
 * The order in which a loader visits a data set, on one rank: in turn, or shuffled. What share of it a
 * rank sees in a world of many is in distributed-sampler.ts.
 */
import { RondoError } from '@rondo/protocol'
import { remember } from '../recipe.ts'
import { permutation, range } from './rng.ts'

/** An order of sample indices. Iterating gives the indices of one epoch. */
export interface Sampler extends Iterable<number> {
  /** How many indices one iteration gives; `Infinity` if it never ends. */
  readonly length: number
  /** Told by the loader before each iteration, so that a shuffle can differ from epoch to epoch. */
  setEpoch?(epoch: number): void
  /**
   * The next iteration, and it alone, leaves out the first `position` indices of the order that all ranks share, and
   * deals the rest: how training goes on in the middle of an epoch, also among another number of ranks. `length` is
   * that of the rest until then. Samplers without it are skipped through.
   */
  startAt?(position: number): void
  /** Batches of an epoch, and the size of the next one, where the sampler cuts batches itself; else the loader does. */
  readonly batches?: number
  /** Samples of the next batch. */
  nextBatchSize?(): number
}

/** The seed of shuffles that were given none. Set once per run by `seedEverything`, alike on every rank. */
let sharedSeed = 0

/** Sets the seed for every `RandomSampler` without its own. Whole number ≥ 0. */
export function setShuffleSeed(seed: number): void {
  sharedSeed = wholeNumber('setShuffleSeed(seed)', seed, 0)
}

/** The seed that shuffles without one of their own use now; 0 until set. */
export function getShuffleSeed(): number {
  return sharedSeed
}

/** 0, 1, 2 … length-1. */
export class SequentialSampler implements Sampler {
  readonly length: number

  constructor(length: number) {
    this.length = wholeNumber('SequentialSampler(length)', length, 0)
    remember(this, () => ({ kind: 'sequential', parts: { length } }))
  }

  /** The indices of the next epoch. */
  [Symbol.iterator](): Iterator<number> {
    return range(this.length).values()
  }
}

/**
 * Every index once, in an order drawn from `seed + epoch`. The order is that of a `DistributedSampler` of
 * one rank, so R ranks with batches of B/R visit, step by step, the samples of one rank with batches of B.
 */
export class RandomSampler implements Sampler {
  readonly length: number
  readonly #seed: number | undefined
  #epoch = 0

  /** `seed`: integer ≥ 0; without it the shared seed of the run. */
  constructor(length: number, options: { seed?: number } = {}) {
    this.length = wholeNumber('RandomSampler(length)', length, 0)
    if (options.seed !== undefined) this.#seed = wholeNumber('RandomSampler: seed', options.seed, 0)
    remember(this, () => ({ kind: 'random', parts: { length, seed: this.#seed ?? null } }))
  }

  /** Seed of the first epoch: the one given, else the run's (`setShuffleSeed`). */
  get seed(): number {
    return this.#seed ?? sharedSeed
  }

  setEpoch(epoch: number): void {
    this.#epoch = wholeNumber('setEpoch(epoch)', epoch, 0)
  }

  /** The indices of the next epoch. */
  [Symbol.iterator](): Iterator<number> {
    return permutation(this.length, this.seed + this.#epoch).values()
  }
}

/** Returns `value` if it is a whole number ≥ `least`, else refuses naming the option. */
export function wholeNumber(option: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new RondoError(
    'BAD_ARGUMENT',
    `${option} is ${String(value)}; allowed is a whole number ≥ ${least}. Correct the value.`,
  )
}
