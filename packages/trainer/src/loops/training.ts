/** What the loops of a fit share: models, optimizers, loaders, limits. Not for: running anything. */
import { getShuffleSeed } from '@rondo/data'
import type { FabricModel, FabricOptimizer } from '@rondo/fabric'
import type { LrSchedule } from '../module/lr-schedule.ts'
import type { Run } from '../run.ts'
import type { FitProgress } from '../state/progress.ts'
import type { Backward } from './backward.ts'
import type { FitLoaders } from './fit-loaders.ts'
import type { ManualOptimization } from './manual.ts'

export interface Training extends FitLoaders {
  run: Run
  /** One for each optimizer: the module, or the part of it that the optimizer moves. */
  models: readonly FabricModel[]
  optimizers: readonly FabricOptimizer[]
  /** By optimizer. */
  schedules: Array<LrSchedule | null>
  backward: Backward
  /** null where the trainer steps. */
  manual: ManualOptimization | null
  /** `performance.now()` at which training has to end. */
  deadline: number
  validate: (() => Promise<void>) | null
  /** Where a checkpoint left the epoch that comes first; null in all others. */
  resume: FitProgress | null
}

/**
 * Writes down where training is, for checkpoints: after so many batches of the epoch under way. In the middle of a
 * group of accumulated batches nothing is written: their gradients are not saved, so they will be trained on again.
 */
export function noteProgress({ run, loader, source, schedules }: Training, batches: number): void {
  run.trainer.progress = {
    epochDone: false,
    batches,
    position: batches * loader.batchSize * run.worldSize,
    samples: source.sampler?.length ?? null,
    batchSize: loader.batchSize,
    accumulateGradBatches: run.trainer.accumulateGradBatches,
    schedules: schedules.map((schedule) => schedule?.state() ?? null),
    shuffleSeed: getShuffleSeed(),
    dataModule: run.data.dataModule?.stateDict?.() ?? null,
  }
  run.trainer.randomInGroup = undefined
}

/** An epoch is over. A module that optimizes by hand moves its schedulers itself. Collective. */
export async function advanceEpochSchedules({ run, schedules, manual }: Training): Promise<void> {
  if (manual) return
  for (const schedule of schedules) {
    if (schedule?.interval === 'epoch') await schedule.advance(() => run.watched(schedule))
  }
}
