/**
 * Going on from a checkpoint: finding and reading it, refusing what cannot be gone on from, and putting everything
 * back. Rank 0 reads and the others get the same bytes, so that no machine needs the file. Semantics of `ckptPath` are
 * Lightning's. Not for: what is in a file (state/).
 */

import { setShuffleSeed } from '@rondo/data'
import { type OptimizerState, restoreRandomState } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { Run } from '../run.ts'
import { decodeCheckpoint } from '../state/checkpoint.ts'
import type { FitProgress } from '../state/progress.ts'
import { announceLoaded, restoreProgress, restoreWeights, type TrainerState } from '../state/state.ts'
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
  const path = await run.trainer.fromRankZero(() => checkpointPath(run, ckptPath))
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

/** Optimizer and scheduler, once they are there. */
export function restoreTraining({ path, state, progress }: Resumed, training: Training): void {
  const { optimizers, schedules } = training
  if (state.optimizers.length !== optimizers.length) {
    throw new RondoError(
      'BAD_FILE',
      `${path} holds ${state.optimizers.length} optimizers, and configureOptimizers() gives ${optimizers.length}. Both must be equally many. Return the optimizers that the file was made with.`,
    )
  }
  optimizers.forEach(({ optimizer }, i) => {
    optimizer.restore(state.optimizers[i] as OptimizerState)
    const schedule = progress.schedules[i]
    if (schedule) schedules[i]?.restore(schedule)
  })
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
  const random = progress.random[run.rank]
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

/** null for "last" when there is none. */
function checkpointPath({ trainer }: Run, ckptPath: string): string | null {
  const callback = trainer.checkpointCallback
  switch (ckptPath) {
    case 'last':
      return callback?.lastModelPath || null
    case 'best':
      if (callback?.bestModelPath) return callback.bestModelPath
      throw new RondoError(
        'BAD_ARGUMENT',
        `trainer.fit(…, { ckptPath: "best" }): ${callback ? 'nothing was saved as best yet' : 'the trainer has no ModelCheckpoint'}. Allowed are "best" after a fit that saved, "last", or a path. ${callback ? 'Train first, or give a path.' : 'Add new ModelCheckpoint({ monitor: "val_loss" }) to the callbacks.'}`,
      )
    case 'hpc':
      throw new RondoError(
        'UNSUPPORTED',
        'trainer.fit(…, { ckptPath: "hpc" }): no cluster writes hpc_ckpt files here. Allowed are "last", "best" and a path. Give the path.',
      )
    default:
      return ckptPath
  }
}
