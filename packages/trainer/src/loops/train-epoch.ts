/**
 * One pass over the training data: steps, accumulation, validation when it is due. Ranks whose data ends before the
 * others' go on with empty steps, so that every sample counts once and nobody waits for ever.
 */

import { type DataLoader, getShuffleSeed } from '@rondo/data'
import { tf } from '@rondo/engine'
import type { FabricModel, FabricOptimizer } from '@rondo/fabric'
import { RondoError } from '@rondo/protocol'
import { BatchCursor, type DrawnBatch } from '../loaders/batches.ts'
import { publishStep, showStep, wantsStepSync } from '../logging/publish.ts'
import type { LrSchedule } from '../module/lr-schedule.ts'
import type { RondoModule } from '../module/module.ts'
import type { Run } from '../run.ts'
import type { FitProgress } from '../state/progress.ts'
import { type EpochPlan, planEpoch } from './epoch-plan.ts'
import { giveWay } from './give-way.ts'

export interface Training {
  run: Run
  model: FabricModel
  optimizer: FabricOptimizer
  schedule: LrSchedule | null
  /** The loader as it was given, before it was shared. */
  source: DataLoader
  /** This rank's share. */
  loader: DataLoader
  /** Batches of this rank at most. */
  limit: number
  /** Batches of the rank that has most; null when unknown. */
  total: number | null
  /** Validate after so many batches. */
  interval: number
  /** `performance.now()` at which training has to end. */
  deadline: number
  validate: (() => Promise<void>) | null
  /** Where a checkpoint left the epoch that comes first; null in all others. */
  resume: FitProgress | null
}

/** Flags of one agreement of all ranks. */
const STOP = 0
const SYNC = 1

/** Runs the epoch that `trainer.currentEpoch` says. Returns true when training has to stop. */
export async function trainEpoch(training: Training): Promise<boolean> {
  const { run, loader } = training
  const { trainer, context } = run
  const plan = await planEpoch(training)
  const { first, total } = plan
  const stepsPerEpoch = total === null ? null : Math.ceil((total - first) / trainer.accumulateGradBatches)
  context.reporter.startEpoch({ epoch: trainer.currentEpoch, stepsPerEpoch, startedAt: performance.now() })
  const cursor = new BatchCursor(loader, plan.limit)
  try {
    for (let index = first; ; index++) {
      run.checkInterrupt()
      const batch = await cursor.next()
      const more = await cursor.hasNext()
      const { anybody, last } = await lookAround(run, plan, index, batch !== null, more)
      if (!anybody) return false
      const inGroup = (index - first) % trainer.accumulateGradBatches
      const stepped = inGroup + 1 === trainer.accumulateGradBatches || last
      await runBatch(training, batch, index, { opens: inGroup === 0, stepped })
      const stop = await finishBatch(training, batch, stepped)
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

/** @param group whether the batch opens a group of accumulated ones, and whether it ends it with a step */
async function runBatch(
  training: Training,
  batch: DrawnBatch | null,
  index: number,
  { opens, stepped }: { opens: boolean; stepped: boolean },
): Promise<void> {
  const { run, model, optimizer, schedule } = training
  const { trainer, trainResults: results } = run
  run.scope = { stage: 'train', dataloaderIndex: null, batchSize: batch?.samples ?? 1 }
  if (batch) await run.hook('onTrainBatchStart', batch.tensors, index)
  if (opens) {
    await run.hook('onBeforeZeroGrad')
    optimizer.zeroGrad()
  }
  const lossFn = batch ? (): tf.Scalar => lossOf(run, batch.tensors, index) : (): tf.Scalar => emptyLoss(run.module)
  // A rank without data has nothing to add, but must be there when gradients are exchanged.
  if (batch || stepped) {
    const samples = batch?.samples ?? 0
    trainer.lastLoss = await run.fabric.noBackwardSync(
      model,
      () => run.fabric.backward(lossFn, { samples, model: model }),
      { enabled: !stepped },
    )
  }
  await results.settle(trainer.lastLoss)
  if (batch) await run.hook('onAfterBackward')
  if (stepped) {
    await run.hook('onBeforeOptimizerStep')
    await optimizer.step()
    trainer.globalStep += 1
    if (schedule?.interval === 'step') await schedule.advance(() => run.watched(schedule))
  }
  noteProgress(training, index + 1)
  if (!batch) return
  results.batches += 1
  showStep(run, results)
  await run.hook('onTrainBatchEnd', { loss: trainer.lastLoss }, batch.tensors, index)
  await results.settle()
}

/** Writes down where training is, for checkpoints: after so many batches of the epoch under way. */
export function noteProgress({ run, loader, source, schedule }: Training, batches: number): void {
  run.trainer.progress = {
    epochDone: false,
    batches,
    position: batches * loader.batchSize * run.worldSize,
    samples: source.sampler?.length ?? null,
    batchSize: loader.batchSize,
    schedule: schedule?.state() ?? null,
    shuffleSeed: getShuffleSeed(),
    dataModule: run.data.dataModule?.stateDict?.() ?? null,
  }
}

/** Calls trainingStep; runs inside of the gradient's function. */
function lossOf(run: Run, batch: tf.Tensor[], index: number): tf.Scalar {
  const { module, runtime } = run
  runtime.training = true
  try {
    const output: unknown = run.within('trainingStep', () => module.trainingStep?.(batch, index))
    const loss = output instanceof tf.Tensor ? output : (output as { loss?: unknown } | null | undefined)?.loss
    if (!(loss instanceof tf.Tensor)) throw noLoss(output)
    run.trainResults.markLoss(loss)
    return loss as tf.Scalar
  } finally {
    runtime.training = false
  }
}

/** Depends on every parameter, and is 0. */
function emptyLoss(module: RondoModule): tf.Scalar {
  const parts = Object.values(module.parameters()).flatMap((variable) =>
    variable.trainable ? [tf.mul(tf.sum(variable), 0)] : [],
  )
  return tf.addN(parts) as tf.Scalar
}

/** Agrees with the other ranks and publishes what was logged. Returns true when training has to stop. */
async function finishBatch(training: Training, batch: DrawnBatch | null, stepped: boolean): Promise<boolean> {
  const { run, deadline } = training
  const { trainer, options, trainResults: results } = run
  if (!stepped) return false
  const flags = Int32Array.of(0, wantsStepSync(results) ? 1 : 0)
  flags[STOP] = trainer.shouldStop || performance.now() >= deadline ? 1 : 0
  const several = run.worldSize > 1
  const { group, signal } = run.context
  const agreed = several ? await group.allReduce(flags, { op: 'max', name: 'end of step', signal }) : flags
  const toLoggers = options.logEveryNSteps > 0 && trainer.globalStep % options.logEveryNSteps === 0
  await publishStep(run, results, { sync: several && agreed[SYNC] === 1, took: batch !== null, toLoggers })
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

function noLoss(output: unknown): RondoError {
  const got =
    output instanceof Promise
      ? 'a promise; it must not be async, because TensorFlow.js records operations only while a function runs'
      : output === undefined || output === null
        ? 'nothing'
        : `a ${typeof output} without a loss tensor`
  return new RondoError(
    'BAD_ARGUMENT',
    `trainingStep returned ${got}. Allowed is the mean loss as a scalar tensor, or { loss }. Return it, for example with return tf.losses.softmaxCrossEntropy(y, this.forward(x)).`,
  )
}
