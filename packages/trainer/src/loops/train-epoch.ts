/**
 * One pass over the training data: steps, accumulation, validation when it is due. Ranks whose data ends before the
 * others' go on with empty steps, so that every sample counts once and nobody waits for ever.
 */
import { BatchCursor, type DrawnBatch } from '../loaders/batches.ts'
import { publishStep, stepSyncKeys } from '../logging/publish.ts'
import { listFlags, listsAgree } from '../logging/sync.ts'
import { profiled } from '../profilers/profiler.ts'
import type { Run } from '../run.ts'
import { type EpochPlan, planEpoch } from './epoch-plan.ts'
import { giveWay } from './give-way.ts'
import { trainBatch } from './train-batch.ts'
import type { Training } from './training.ts'

/** Flags of one agreement of all ranks. */
const STOP = 0
const SYNC = 1
/** From here on, what the lists of logged keys are compared by. */
const LIST = 2

/** Runs the epoch that `trainer.currentEpoch` says. Returns true when training has to stop. */
export async function trainEpoch(training: Training): Promise<boolean> {
  const { run, loader } = training
  const { trainer, context } = run
  const plan = await planEpoch(training)
  const { first, total } = plan
  const stepsPerEpoch = total === null ? null : Math.ceil((total - first) / trainer.accumulateGradBatches)
  context.accumulation = trainer.accumulateGradBatches
  context.reporter.startEpoch({ epoch: trainer.currentEpoch, stepsPerEpoch, startedAt: performance.now() })
  const cursor = new BatchCursor(loader, plan.limit)
  try {
    for (let index = first; ; index++) {
      run.checkInterrupt()
      const batch = await profiled(run.profiler, 'trainDataloaderNext', () => cursor.next())
      const more = await cursor.hasNext()
      const { anybody, last } = await lookAround(run, plan, index, batch !== null, more)
      if (!anybody) return false
      const inGroup = (index - first) % trainer.accumulateGradBatches
      const stepped = inGroup + 1 === trainer.accumulateGradBatches || last
      const before = trainer.globalStep
      await profiled(run.profiler, 'runTrainingBatch', () =>
        trainBatch(training, batch, { index, opens: inGroup === 0, stepped }),
      )
      const stop = await finishBatch(training, batch, index, stepped ? before : null)
      if (stepped) await training.balancer?.afterStep(training.models)
      if (await validateIfDue(training, index, last)) return true
      if (stop) return true
      if (last) return false
      await giveWay()
    }
  } finally {
    await cursor.close()
  }
}

/** Whether any rank has a batch now, and whether it is the last one of all ranks. */
async function lookAround(
  run: Run,
  { total }: EpochPlan,
  index: number,
  mine: boolean,
  more: boolean,
): Promise<{ anybody: boolean; last: boolean }> {
  if (run.worldSize === 1) return { anybody: mine, last: !more }
  if (total !== null) return { anybody: index < total, last: index === total - 1 }
  const { group, signal } = run.context
  const flags = Int32Array.of(mine ? 1 : 0, more ? 1 : 0)
  const [anybody, anyMore] = await group.allReduce(flags, { op: 'max', name: 'batches left', signal })
  return { anybody: anybody === 1, last: anyMore === 0 }
}

/**
 * Agrees with the other ranks and publishes what was logged. Returns true when training has to stop.
 * @param before the global step before the batch; null when it only accumulated
 */
async function finishBatch(
  training: Training,
  batch: DrawnBatch | null,
  index: number,
  before: number | null,
): Promise<boolean> {
  const { run, deadline } = training
  const { trainer, options, trainResults: results } = run
  if (before === null) return false
  const synced = stepSyncKeys(results)
  const flags = Int32Array.of(0, 0, ...listFlags(synced, batch !== null))
  flags[STOP] = trainer.shouldStop || performance.now() >= deadline ? 1 : 0
  flags[SYNC] = synced.length > 0 ? 1 : 0
  const several = run.worldSize > 1
  const { group, signal } = run.context
  const agreed = several ? await group.allReduce(flags, { op: 'max', name: 'end of step', signal }) : flags
  const toLoggers = passesMultiple(before, trainer.globalStep, options.logEveryNSteps)
  await publishStep(run, results, {
    sync: several && agreed[SYNC] === 1,
    took: batch !== null,
    agreed: listsAgree(agreed.subarray(LIST)),
    toLoggers,
  })
  await run.hookWatchers('onTrainBatchEnd', batch && { loss: trainer.lastLoss }, batch?.tensors ?? null, index)
  if (agreed[STOP] === 1) trainer.shouldStop = true
  return trainer.globalStep >= options.maxSteps || trainer.mayStop()
}

/** Returns true when training has to stop after the validation. */
async function validateIfDue({ run, interval, validate }: Training, index: number, last: boolean): Promise<boolean> {
  const due = Number.isFinite(interval) ? (index + 1) % interval === 0 : last
  if (!validate || !due) return false
  await validate()
  run.scope = { stage: 'train', dataloaderIndex: null, batchSize: 1 }
  run.trainer.shouldStop = await run.anyRank(run.trainer.shouldStop, 'stop after validation')
  return !last && run.trainer.mayStop()
}

/** Whether a multiple of `every` lies after `before`, up to `now`; never for 0. By hand, a batch may make many steps. */
function passesMultiple(before: number, now: number, every: number): boolean {
  return every > 0 && Math.floor(now / every) > Math.floor(before / every)
}
