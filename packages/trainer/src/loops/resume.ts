/**
 * Going on from a checkpoint: finding and reading it, refusing what cannot be gone on from, and putting everything
 * back. Rank 0 reads and the others get the same bytes, so that no machine needs the file. Semantics of `ckptPath` are
 * Lightning's. Not for: what is in a file (state/).
 */

import { setShuffleSeed } from '@rondo/data'
import { type OptimizerState, restoreRandomState } from '@rondo/engine'
import { fromWireError, RondoError, toWireError } from '@rondo/protocol'
import { checkpointFolder, isThere, joined } from '../callbacks/checkpoint-folder.ts'
import type { ModelCheckpoint } from '../callbacks/model-checkpoint.ts'
import type { Run } from '../run.ts'
import { decodeCheckpoint } from '../state/checkpoint.ts'
import { hpcCheckpoint } from '../state/hpc-checkpoint.ts'
import type { FitProgress } from '../state/progress.ts'
import { announceLoaded, restoreProgress, restoreWeights, type TrainerState } from '../state/state.ts'
import type { Trainer } from '../trainer.ts'
import { advanceEpochSchedules, type Training } from './training.ts'

export interface Resumed {
  path: string
  state: TrainerState
  progress: FitProgress
}

/**
 * Reads what `ckptPath` names and puts the weights back; null when there is nothing to go on from. Collective.
 * @throws BAD_ARGUMENT and BAD_FILE on all ranks, naming the path and what is wrong with it
 */
export async function readResume(run: Run, ckptPath: string): Promise<Resumed | null> {
  const path = await decidedByRankZero(run, () => checkpointPath(run, ckptPath))
  if (path === null) {
    run.print(
      'fit(…, { ckptPath: "last" }): no last checkpoint is there, so training starts from the beginning. With new ModelCheckpoint({ saveLast: true }) there will be one.',
    )
    return null
  }
  run.print(`Going on from ${path}.`)
  const { state, weightsOnly } = await readCheckpoint(run, path)
  if (weightsOnly || state.progress === null) {
    throw new RondoError(
      'BAD_FILE',
      `${path} has weights only (it was made with saveWeightsOnly), and fit needs the optimizer's state too. Use a full checkpoint, or load it with trainer.test(…, { ckptPath }).`,
    )
  }
  const { progress } = state
  const next = state.currentEpoch + (progress.epochDone ? 1 : 0)
  const { maxEpochs } = run.options
  if (next >= maxEpochs) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `${path} is of epoch ${state.currentEpoch} and has ${next} epochs behind it, and maxEpochs is ${maxEpochs}: nothing is left to train. Raise maxEpochs to train on.`,
    )
  }
  restoreWeights(run.module, state.weights, path)
  setShuffleSeed(progress.shuffleSeed)
  if (progress.dataModule) run.data.dataModule?.loadStateDict?.(progress.dataModule)
  return { path, state, progress }
}

/** Optimizers, schedulers and what the strategy keeps, once they are there. Collective. */
export async function restoreTraining({ path, state, progress }: Resumed, training: Training): Promise<void> {
  const { optimizers, schedules } = training
  if (state.optimizers.length !== optimizers.length) {
    throw new RondoError(
      'BAD_FILE',
      `${path} holds ${state.optimizers.length} optimizers, and configureOptimizers() gives ${optimizers.length}. Both must be equally many. Return the optimizers that the file was made with.`,
    )
  }
  const own = state.rankOptimizers[training.run.rank - 1] ?? state.optimizers
  optimizers.forEach(({ optimizer }, i) => {
    optimizer.restore(own[i] as OptimizerState)
    const schedule = progress.schedules[i]
    if (schedule) schedules[i]?.restore(schedule)
  })
  if (state.lossScaler) training.run.context.precision?.scaler?.loadStateDict(state.lossScaler)
  // Another strategy's state is of no use, and no reason to refuse the weights.
  for (const [i, { replica }] of training.models.entries()) await replica.restore?.(state.replicas[i] ?? null)
}

/** Counters, metrics, callbacks and random states, right before training; after the sanity check, which clears some. */
export async function enterResumed({ path, state, progress }: Resumed, training: Training): Promise<void> {
  const { run } = training
  const { trainer } = run
  restoreProgress(trainer, state)
  await announceLoaded(trainer, run.module, state)
  const samples = training.source.sampler?.length ?? null
  if (progress.samples !== samples) {
    run.print(
      `${path} was made with ${progress.samples ?? 'a stream of'} training samples, and there are ${samples ?? 'a stream of them'} now: the place in the epoch is counted in samples, ${progress.position} of them are left out.`,
    )
  }
  if (progress.epochDone) {
    trainer.currentEpoch += 1
    await advanceEpochSchedules(training)
  } else {
    training.resume = progress
  }
  const random = progress.ranks[run.rank]?.random
  if (random) restoreRandomState(random)
  run.print(
    `Went on from ${path}: epoch ${trainer.currentEpoch}, step ${trainer.globalStep}${progress.epochDone ? '' : `, ${progress.position} samples into the epoch`}.`,
  )
}

async function readCheckpoint(run: Run, path: string): Promise<ReturnType<typeof decodeCheckpoint>> {
  const { group, signal } = run.context
  const read = async (): Promise<Uint8Array<ArrayBuffer> | string> => {
    try {
      const bytes = await run.trainer.files.read(path)
      decodeCheckpoint(path, bytes)
      return bytes
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return why.includes(path) ? why : `${path}: ${why}`
    }
  }
  const mine = run.rank === 0 ? await read() : ''
  const outcome = await run.trainer.fromRankZero(() =>
    typeof mine === 'string' ? { problem: mine, length: 0 } : { problem: null, length: mine.byteLength },
  )
  if (outcome.problem !== null) throw new RondoError('BAD_FILE', outcome.problem)
  const bytes = typeof mine === 'string' ? new Uint8Array(outcome.length) : mine
  if (run.worldSize > 1) await group.broadcast(bytes, { src: 0, name: 'checkpoint', signal })
  return decodeCheckpoint(path, bytes)
}

/** As rank 0 decides; its refusal is everyone's. Collective. */
async function decidedByRankZero<T>(run: Run, decide: () => Promise<T>): Promise<T> {
  const outcome = await run.trainer.fromRankZero(async () => {
    try {
      return { value: await decide(), problem: null }
    } catch (error) {
      return { value: null, problem: toWireError(error) }
    }
  })
  if (outcome.problem !== null) throw fromWireError(outcome.problem)
  return outcome.value as T
}

/** What another process left, in the folder of this one's callback. */
async function lastOfBefore(trainer: Trainer, { options }: ModelCheckpoint): Promise<string | null> {
  const path = joined(checkpointFolder(trainer, options.dirpath), 'last.ckpt')
  return (await isThere(trainer, path)) ? path : null
}

/** null for "last" when there is none. */
async function checkpointPath({ trainer }: Run, ckptPath: string): Promise<string | null> {
  const callback = trainer.checkpointCallback
  switch (ckptPath) {
    case 'last':
      return callback?.lastModelPath || (callback ? lastOfBefore(trainer, callback) : null)
    case 'best':
      if (callback?.bestModelPath) return callback.bestModelPath
      throw new RondoError(
        'BAD_ARGUMENT',
        `trainer.fit(…, { ckptPath: "best" }): ${callback ? 'nothing was saved as best yet' : 'the trainer has no ModelCheckpoint'}. Allowed are "best" after a fit that saved, "last", or a path. ${callback ? 'Train first, or give a path.' : 'Add new ModelCheckpoint({ monitor: "val_loss" }) to the callbacks.'}`,
      )
    case 'hpc':
      return hpcCheckpoint(trainer)
    default:
      return ckptPath
  }
}
