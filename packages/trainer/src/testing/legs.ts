/** Fits that die and go on: each leg is one process, the shelf is the disk between them. For tests only. */
import { adam, StepLR, seedEverything, tf } from '@rondo/engine'
import { runRanks } from '../../../fabric/src/testing/ranks.ts'
import { ModelCheckpoint } from '../callbacks/model-checkpoint.ts'
import type { TrainerOptions } from '../options/options.ts'
import type { Trainer } from '../trainer.ts'
import { Line, lineLoader, trainerOn } from './line.ts'

export const SAMPLES = 20

/** Learns with everything that has a state: Adam, a schedule, shuffles, and noise where it is asked for. */
export class Learner extends Line {
  readonly seen: number[] = []
  readonly noisy: boolean
  constructor(noisy = false) {
    super()
    this.noisy = noisy
  }
  override trainingStep(batch: tf.Tensor[]): tf.Tensor {
    const loss = super.trainingStep(batch)
    return this.noisy ? tf.mul(loss, 1 + Math.random()) : loss
  }
  override onTrainBatchStart([x]: tf.Tensor[]): void {
    this.seen.push(...Array.from(x?.dataSync() ?? [], (value) => value * 4))
  }
  override configureOptimizers(): never {
    const optimizer = adam({ learningRate: 0.1 })
    const lrScheduler = { scheduler: new StepLR(optimizer, { stepSize: 2, gamma: 0.7 }), interval: 'step' as const }
    return { optimizer, lrScheduler } as never
  }
}

export interface Outcome {
  weights: number[][]
  /** Samples by rank, in the order of training. */
  seen: number[][]
  steps: number
  /** Of the last batch, by rank. */
  losses: number[]
  trainer: Trainer
}

export interface Leg {
  worldSize: number
  batchSize: number
  noisy?: boolean
  /** Samples of the data set. */
  samples?: number
  /** Ends as if killed when this step is saved. */
  diesAfter?: number
  /** Saved by hand after so many batches, and killed then. */
  diesAfterBatch?: number
  from?: string
  options?: TrainerOptions
  module?: () => Learner
}

class Killed extends Error {}

/** What the disk holds between two processes. */
export const shelf = new Map<string, Uint8Array<ArrayBuffer>>()

/** One process: trains until its end, or until it dies right after a checkpoint. */
export async function leg(plan: Leg): Promise<Outcome> {
  const { worldSize, batchSize, noisy = false, samples = SAMPLES, from, options = {} } = plan
  if (noisy) seedEverything(11)
  const ranks = await runRanks(worldSize, async (rank) => {
    const checkpoint = new ModelCheckpoint({ everyNTrainSteps: 1, dirpath: '', filename: '{step}', saveTopK: -1 })
    const defaults = { maxEpochs: 3, enableModelSummary: false, callbacks: [checkpoint], enableCheckpointing: true }
    const trainer = trainerOn(rank, { ...defaults, ...options })
    rank.context.files.read = async (name) => shelf.get(name) ?? Promise.reject(new Error(`${name} is not there`))
    rank.context.files.write = async (name, bytes) => void shelf.set(name, bytes)
    const module = plan.module?.() ?? new Learner(noisy)
    let batches = 0
    trainer.callbacks.push({
      // Those that watch are called after steps alone.
      watchesMetrics: plan.diesAfterBatch === undefined,
      async onTrainBatchEnd(at: Trainer) {
        batches += 1
        if (batches === plan.diesAfterBatch) await at.saveCheckpoint('batch.ckpt')
        if (at.globalStep === plan.diesAfter || batches === plan.diesAfterBatch) throw new Killed('power cut')
      },
    } as object)
    try {
      const loader = lineLoader(samples, { batchSize, shuffle: true })
      await trainer.fit(module, loader, from === undefined ? {} : { ckptPath: from })
    } catch (error) {
      if (!(error instanceof Killed)) throw error
    }
    return { weights: module.weights(), seen: module.seen, trainer }
  })
  return {
    weights: ranks.map(({ weights }) => weights),
    seen: ranks.map(({ seen }) => seen),
    losses: ranks.map(({ trainer }) => trainer.lastLoss),
    steps: ranks[0]?.trainer.globalStep ?? 0,
    trainer: ranks[0]?.trainer as Trainer,
  }
}
