/**
 * What a communication hook is: the rule by which one gradient bucket becomes the average of all ranks (PyTorch's DDP
 * communication hooks). Hooks that are known by name lie beside this file. Not for: reading buckets off the device or
 * applying them (replica.ts).
 */
import type { ProcessGroup } from '@rondo/collectives'

/** One parameter's gradient inside a bucket. */
export interface BucketTensor {
  readonly name: string
  readonly shape: readonly number[]
  /** Values before this one in the bucket, and its own. */
  readonly offset: number
  readonly size: number
}

/** Gradients of some parameters of one step, flat. */
export interface GradientBucket {
  /** Position in the fixed order of buckets, from 0. */
  readonly index: number
  readonly isLast: boolean
  readonly tensors: readonly BucketTensor[]
  /** This rank's share n/Σn · gradient: the sum over all ranks is the weighted average. The hook's to overwrite. */
  readonly values: Float32Array
}

/** What a communication hook may use: the ranks, its own state, and a plain all-reduce. */
export interface CommHookContext {
  readonly group: ProcessGroup
  readonly signal: AbortSignal
  /** Ranks of this rank's node, itself included, ascending. */
  readonly nodeRanks: readonly number[]
  /** Synchronisations of this model before this one. */
  readonly step: number
  /** n/Σn of this rank. */
  readonly weight: number
  /** Sums over the ranks, as the wrapper says: the one collective that most hooks need. */
  allReduce(values: Float32Array, name: string): Promise<Float32Array>
}

/**
 * Buckets of one step are reduced in order. A hook that keeps something between steps keeps it by `bucket.index`.
 * All ranks must get the same bytes back.
 */
export interface CommHook {
  /** As people chose it. */
  readonly name: string
  /** How gradients travel, for banner and report: "f16", "int8 with error feedback". */
  readonly wire: string
  /**
   * True when a bucket may be begun before the one before it is done: the hook sees to it that all ranks submit its
   * collectives in one order.
   */
  readonly overlaps: boolean
  /** Only casts what travels: an infinity of any rank is one in all ranks' results. */
  readonly isCast?: true
  /** Returns the weighted average over all ranks, as many values as the bucket has. */
  reduce(bucket: GradientBucket, context: CommHookContext): Promise<Float32Array>
}
