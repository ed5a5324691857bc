/** Where a fit is, so that another one can go on from there: part of every full checkpoint. Plain data. */
import type { RandomState } from '@rondo/engine'
import type { LrScheduleState } from '../module/lr-schedule.ts'

/** What one rank goes on with. */
export interface RankProgress {
  sampler: {
    /** Seed of shuffles that were given none. */
    seed: number
    epoch: number
    /** Samples that this rank has had in the epoch. */
    position: number
  }
  /** The rank's generator, null where nothing was seeded. */
  random: RandomState | null
}

export interface FitProgress {
  /** Whether the epoch's training and its end are over. */
  epochDone: boolean
  /** Batches of the epoch that each rank has had. */
  batches: number
  /** Samples at the start of the epoch's common order that the ranks together have had. */
  position: number
  /** Samples of the training data; null for a stream. */
  samples: number | null
  batchSize: number
  /** By optimizer. */
  schedules: Array<LrScheduleState | null>
  /** Seed of shuffles that were given none. */
  shuffleSeed: number
  /** Batches behind a step. */
  accumulateGradBatches: number
  /** By rank. */
  ranks: RankProgress[]
  /** What the data module's `stateDict` gave. */
  dataModule: Record<string, unknown> | null
}
