/**
 * Batches of indices: which samples go together, over an order that a sampler gives. The interface that own batch
 * samplers follow so that they can be rebuilt with one rank's share (torch's `BatchSampler`). Not for: the order.
 */
import { RondoError } from '@rondo/protocol'
import { type Sampler, wholeNumber } from './sampler.ts'

/** Anything that gives lists of indices, and says of what it is made. */
export interface BatchSamplerLike extends Iterable<readonly number[]> {
  /** The order that is cut into batches. */
  readonly sampler: Sampler
  /** Samples of a full batch. */
  readonly batchSize: number
  /** Whether a last batch that is smaller is left out. */
  readonly dropLast: boolean
  /** Batches of an epoch; without it they are counted from the sampler's length. */
  readonly length?: number
}

/** Consecutive indices of `sampler`, `batchSize` at a time. Constructor arguments as torch's. */
export class BatchSampler implements BatchSamplerLike {
  readonly sampler: Sampler
  readonly batchSize: number
  readonly dropLast: boolean

  constructor(sampler: Sampler, batchSize: number, dropLast = false) {
    this.sampler = sampler
    this.batchSize = wholeNumber('BatchSampler: batchSize', batchSize, 1)
    this.dropLast = dropLast
  }

  /** Lists of indices, a batch each. */
  *[Symbol.iterator](): Iterator<number[]> {
    let batch: number[] = []
    for (const index of this.sampler) {
      batch.push(index)
      if (batch.length < this.batchSize) continue
      yield batch
      batch = []
    }
    if (batch.length > 0 && !this.dropLast) yield batch
  }
}

/**
 * The same batch sampler over another order: made by its own constructor with `(sampler, batchSize, dropLast)`.
 * Throws BAD_ARGUMENT for one that cannot be made so.
 */
export function rebuildBatchSampler(batchSampler: BatchSamplerLike, sampler: Sampler): BatchSamplerLike {
  const Kind = batchSampler.constructor as new (...args: unknown[]) => BatchSamplerLike
  let rebuilt: BatchSamplerLike | null = null
  try {
    rebuilt = new Kind(sampler, batchSampler.batchSize, batchSampler.dropLast)
  } catch {}
  // A class that ignores its first argument would deal every rank all samples.
  if (rebuilt !== null && rebuilt.sampler === sampler && Symbol.iterator in rebuilt) return rebuilt
  throw new RondoError(
    'BAD_ARGUMENT',
    `batchSampler ${Kind.name} cannot be made again for one rank's share. Allowed is the batch sampler interface: a constructor (sampler, batchSize, dropLast) and fields of these names. Follow it, or set useDistributedSampler: false and let it deal each rank its own share.`,
  )
}
