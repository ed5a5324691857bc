/** Schedules in a fit: when they move, equal on all ranks, and what a watched metric has to be. */
import { ReduceLROnPlateau, SequentialLR, StepLR, sgd } from '@rondo/engine'
import { describe, expect, it } from 'vitest'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import type { Trainer } from '../trainer.ts'
import type { RondoModule } from './module.ts'

const rate = (trainer: Trainer): number => trainer.optimizers[0]?.learningRate as number

/** Learning rates that training saw, batch by batch. */
async function ratesOf(worldSize: number, configure: () => unknown, options = {}): Promise<number[][]> {
  return onRanks(
    worldSize,
    async (trainer) => {
      const rates: number[] = []
      class Scheduled extends Line {
        override configureOptimizers() {
          return configure() as never
        }
        override onTrainBatchStart(): void {
          rates.push(rate(trainer))
        }
        override validationStep(): void {
          // Each rank sees another value; what counts is their mean, which never gets better.
          this.log('val_loss', 1 + trainer.globalRank)
        }
      }
      const module: RondoModule = new Scheduled()
      await trainer.fit(module, lineLoader(16, { batchSize: 4 }), lineLoader(8, { batchSize: 4 }))
      return rates
    },
    { maxEpochs: 4, numSanityValSteps: 0, ...options },
  )
}

describe('lrScheduler', () => {
  it('moves by epochs, or by steps, once in `frequency`', async () => {
    const byEpoch = () => {
      const optimizer = sgd({ learningRate: 0.8 })
      return { optimizer, lrScheduler: new StepLR(optimizer, { stepSize: 1, gamma: 0.5 }) }
    }
    const [epochs] = await ratesOf(1, byEpoch, { maxEpochs: 2 })
    expect(epochs).toEqual([0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.4])
    const bySteps = () => {
      const { optimizer, lrScheduler } = byEpoch()
      return { optimizer, lrScheduler: { scheduler: lrScheduler, interval: 'step', frequency: 3 } }
    }
    const [steps] = await ratesOf(1, bySteps, { maxEpochs: 2 })
    expect(steps).toEqual([0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2])
  })

  it('lowers the rate on all ranks alike when the watched metric stands still', async () => {
    const ranks = await ratesOf(2, () => {
      const optimizer = sgd({ learningRate: 0.8 })
      const scheduler = new ReduceLROnPlateau(optimizer, { patience: 1, factor: 0.25 })
      return { optimizer, lrScheduler: { scheduler, monitor: 'val_loss' } }
    })
    expect(ranks[0]).toEqual([0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.2, 0.2])
    expect(ranks[1]).toEqual(ranks[0])
  })

  it('refuses a watched metric that nobody logs, or waits for it when strict is false', async () => {
    const watching = (strict: boolean) => () => {
      const optimizer = sgd({ learningRate: 0.8 })
      const scheduler = new ReduceLROnPlateau(optimizer, { patience: 0 })
      return { optimizer, lrScheduler: { scheduler, monitor: 'accuracy', strict } }
    }
    await expect(ratesOf(1, watching(true))).rejects.toThrow(/monitor: "accuracy".*Present are .*val_loss/)
    const [rates] = await ratesOf(1, watching(false))
    expect(new Set(rates)).toEqual(new Set([0.8]))
  })

  it('takes a sequence of schedulers', async () => {
    const [rates] = await ratesOf(
      1,
      () => {
        const optimizer = sgd({ learningRate: 0.8 })
        const [first, second] = [0.5, 0.25].map((gamma) => new StepLR(optimizer, { stepSize: 1, gamma }))
        const lrScheduler = new SequentialLR(optimizer, { schedulers: [first, second] as StepLR[], milestones: [2] })
        return { optimizer, lrScheduler: { scheduler: lrScheduler, interval: 'step' } }
      },
      { maxEpochs: 1 },
    )
    expect(rates).toEqual([0.8, 0.4, 0.8, 0.2])
  })
})
