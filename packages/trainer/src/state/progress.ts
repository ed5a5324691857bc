/** Where a fit is, so that another one can go on from there: part of every full checkpoint. Plain data. */
import type { RandomState } from '@rondo/engine'
import type { LrScheduleState } from '../module/lr-schedule.ts'

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
  /** Each rank's generator, null where nothing was seeded. */
  random: Array<RandomState | null>
  /** What the data module's `stateDict` gave. */
  dataModule: Record<string, unknown> | null
}
