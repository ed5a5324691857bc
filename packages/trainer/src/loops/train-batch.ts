/**
 * One batch of training: forward, backward, and the optimizer's step where a group of accumulated batches ends; or, in
 * a module that optimizes by hand, its own step. Not for: which batch comes next (train-epoch.ts).
 */
import { randomState, type tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { DrawnBatch } from '../loaders/batches.ts'
import { showStep } from '../logging/publish.ts'
import { profiled } from '../profilers/profiler.ts'
import { clipGradients } from './clip.ts'
import { noteProgress, type Training } from './training.ts'
import { emptyLoss, lossOf } from './training-step.ts'

export interface BatchPlace {
  index: number
  /** Whether the batch opens a group of accumulated ones. */
  opens: boolean
  /** Whether it ends one with a step. */
  stepped: boolean
}

/** Trains on a batch, or takes part with nothing where this rank has none left. */
export async function trainBatch(training: Training, batch: DrawnBatch | null, place: BatchPlace): Promise<void> {
  const { run } = training
  const { trainer, trainResults: results } = run
  const { index, stepped } = place
  run.scope = { stage: 'train', dataloaderIndex: null, batchSize: batch?.samples ?? 1, leading: batch?.leading ?? null }
  if (place.opens) trainer.randomInGroup = randomState()
  if (batch) await run.hook('onTrainBatchStart', batch.tensors, index)
  if (training.manual) await optimizeByHand(training, batch, index)
  else await optimize(training, batch, place)
  if (stepped) noteProgress(training, index + 1)
  if (!batch) return
  results.batches += 1
  showStep(run, results)
  // Who watches metrics is called once they are published, on ranks without a batch too (train-epoch.ts).
  await run.hookBeforePublishing('onTrainBatchEnd', { loss: trainer.lastLoss }, batch.tensors, index)
  await results.settle()
}

async function optimize(
  { run, backward, models: [model], optimizers: [optimizer], schedules: [schedule] }: Training,
  batch: DrawnBatch | null,
  { index, opens, stepped }: BatchPlace,
): Promise<void> {
  const { trainer, trainResults: results } = run
  if (!model || !optimizer) return
  if (opens) {
    await run.hook('onBeforeZeroGrad', optimizer.optimizer)
    optimizer.zeroGrad()
  }
  const lossFn = (): tf.Scalar => {
    if (!batch) return emptyLoss(run.module)
    const loss = lossOf(run, batch.tensors, index)
    run.beforeBackward(loss)
    return loss
  }
  // A rank without data has nothing to add, but must be there when gradients are exchanged.
  if (batch || stepped) {
    const samples = batch?.samples ?? 0
    if (!batch && backward.needsAllRanks) throw outOfData('syncBatchnorm: true', run.rank)
    trainer.lastLoss = await run.fabric.noBackwardSync(
      model,
      () => profiled(run.profiler, 'backward', () => backward.through(model, lossFn, samples)),
      {
        enabled: !stepped,
      },
    )
  }
  await backward.agree()
  await results.settle(trainer.lastLoss)
  if (batch) await run.hook('onAfterBackward')
  if (!stepped) return
  await run.hook('onBeforeOptimizerStep', optimizer.optimizer)
  await clipGradients(run, model, optimizer)
  await profiled(run.profiler, 'optimizerStep', () => optimizer.step())
  trainer.globalStep += 1
  // A loss scale leaves out steps whose gradients overflowed; the schedule waits for one that was made.
  const skipped = model.replica.lastStep?.skipped === true
  if (schedule?.interval === 'step' && !skipped) await schedule.advance(() => run.watched(schedule))
}

async function optimizeByHand({ run }: Training, batch: DrawnBatch | null, index: number): Promise<void> {
  const { module, runtime, trainer } = run
  if (!batch) throw outOfData('automaticOptimization = false', run.rank)
  runtime.training = true
  try {
    const step = (): unknown => run.within('trainingStep', () => module.trainingStep?.(batch.tensors, index))
    await run.asAction(module, 'trainingStep', step)
  } finally {
    runtime.training = false
  }
  await run.trainResults.settle(trainer.lastLoss)
}

/**
 * Nobody but the module knows how often it would step by hand, and a rank without a batch has no moments to share: no
 * empty steps can be made in its place.
 */
function outOfData(setting: string, rank: number): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `${setting}: rank ${rank} has no training data left, and other ranks have. With this setting all ranks must have equally many batches. Let useDistributedSampler deal the data, or set limitTrainBatches.`,
    { rank },
  )
}
