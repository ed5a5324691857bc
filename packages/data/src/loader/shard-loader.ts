/**
 * Puts the right distributed sampler into a loader: the table of what each kind of source sampler becomes
 * in a world of many ranks. Which rank this is, is told from outside.
 */
import { BalancedSampler } from '../order/balanced-sampler.ts'
import { rebuildBatchSampler } from '../order/batch-sampler.ts'
import {
  DistributedSampler,
  DistributedSamplerWrapper,
  UnrepeatedDistributedSampler,
} from '../order/distributed-sampler.ts'
import { RandomSampler, type Sampler, SequentialSampler } from '../order/sampler.ts'
import type { Columns } from '../sets/column.ts'
import type { DataLoader } from './loader.ts'

export interface ShardOptions {
  /** How many shares there are, usually the world size. */
  worldSize: number
  /** Which share is wanted, 0..worldSize-1. */
  rank: number
  /** Every sample on exactly one rank, for evaluation; default `false`: equal shares, padded by repeating. */
  exact?: boolean
}

/**
 * The loader restricted to one rank's share. Random and sequential samplers become a `DistributedSampler` with the
 * same order, other samplers are wrapped, distributed ones are kept; a batch sampler is made anew over the share. An iterable data set is left untouched:
 * every rank sees all of it.
 * Errors: BAD_ARGUMENT for a rank out of range, an empty data set, or a sampler without a finite length.
 */
export function shardLoader<C extends Columns>(loader: DataLoader<C>, options: ShardOptions): DataLoader<C> {
  const { sampler, batchSampler } = loader
  if (sampler === undefined || isDistributed(sampler)) return loader
  const share = shardSampler(sampler, options)
  return batchSampler ? loader.withBatchSampler(rebuildBatchSampler(batchSampler, share)) : loader.withSampler(share)
}

/** True for samplers that already give one rank's share only. */
export function isDistributed(sampler: Sampler): boolean {
  return [DistributedSampler, DistributedSamplerWrapper, BalancedSampler].some((Kind) => sampler instanceof Kind)
}

function shardSampler(sampler: Sampler, { worldSize, rank, exact = false }: ShardOptions): Sampler {
  if (!(sampler instanceof RandomSampler || sampler instanceof SequentialSampler)) {
    return new DistributedSamplerWrapper(sampler, worldSize, rank, { exact })
  }
  const order = sampler instanceof RandomSampler ? { shuffle: true, seed: sampler.seed } : { shuffle: false }
  const Kind = exact ? UnrepeatedDistributedSampler : DistributedSampler
  return new Kind(sampler.length, worldSize, rank, order)
}
