/** Going on from a checkpoint: bit for bit at the same world size, every sample once at another, and what is refused. */
import { column, DataLoader, InMemoryDataset } from '@rondo/data'
import { selectAccelerator, unseedEverything } from '@rondo/engine'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { runRanks } from '../../../fabric/src/testing/ranks.ts'
import { ModelCheckpoint } from '../callbacks/model-checkpoint.ts'
import { DataModule } from '../module/data-module.ts'
import type { TrainerOptions } from '../options/options.ts'
import { leg, SAMPLES } from '../testing/legs.ts'
import { Line, lineLoader, trainerOn } from '../testing/line.ts'
import type { Trainer } from '../trainer.ts'

beforeAll(async () => {
  await selectAccelerator('cpu')
})
afterEach(unseedEverything)

describe('a fit that is killed and goes on', () => {
  it.each([1, 3, 5, 7, 10, 13])('after step %i ends as one that was not, bit for bit', async (step) => {
    const whole = await leg({ worldSize: 1, batchSize: 4, noisy: true })
    await leg({ worldSize: 1, batchSize: 4, noisy: true, diesAfter: step })
    const rest = await leg({ worldSize: 1, batchSize: 4, noisy: true, from: `step=${step}.ckpt` })
    expect(rest.weights).toEqual(whole.weights)
    expect(rest.steps).toBe(15)
    expect(rest.seen[0]).toEqual(whole.seen[0]?.slice(step * 4))
  })

  it.each([2, 3])('does so on %i ranks, with accumulation', async (worldSize) => {
    const common = { worldSize, batchSize: 2, options: { accumulateGradBatches: 2 } }
    const whole = await leg(common)
    await leg({ ...common, diesAfter: 3 })
    const rest = await leg({ ...common, from: 'step=3.ckpt' })
    expect(rest.weights).toEqual(whole.weights)
    expect(new Set(rest.weights.map(String)).size).toBe(1)
  })

  it('visits each remaining sample of the epoch once on another number of ranks', async () => {
    const died = await leg({ worldSize: 4, batchSize: 1, diesAfter: 3, options: { maxEpochs: 1 } })
    const rest = await leg({ worldSize: 2, batchSize: 2, from: 'step=3.ckpt', options: { maxEpochs: 1 } })
    const all = [...died.seen.flat(), ...rest.seen.flat()].sort((a, b) => a - b)
    expect(died.seen.flat()).toHaveLength(12)
    expect(all).toEqual(Array.from({ length: SAMPLES }, (_, i) => i))
    expect(rest.steps).toBe(5)
  })

  it('continues with the next epoch, in its own order, after a checkpoint of an epoch that was over', async () => {
    const epochs = (maxEpochs: number) => ({
      maxEpochs,
      callbacks: [new ModelCheckpoint({ dirpath: '', filename: '{epoch}' })],
    })
    const whole = await leg({ worldSize: 1, batchSize: 4, options: epochs(3) })
    await leg({ worldSize: 1, batchSize: 4, options: epochs(2) })
    const rest = await leg({ worldSize: 1, batchSize: 4, from: 'epoch=1.ckpt', options: epochs(3) })
    expect(rest.weights).toEqual(whole.weights)
    expect(rest.seen[0]).toEqual(whole.seen[0]?.slice(2 * SAMPLES))
  })
})

it('gives a data module its state back before it is asked for loaders', async () => {
  class Counting extends DataModule {
    fits = 0
    override setup() {
      this.fits += 1
    }
    override stateDict() {
      return { fits: this.fits }
    }
    override loadStateDict({ fits }: Record<string, unknown>) {
      this.fits = 10 * (fits as number)
    }
    override trainDataloader() {
      return new DataLoader(
        new InMemoryDataset([column(Float32Array.of(this.fits), [1, 1]), column(Float32Array.of(3), [1, 1])]),
      )
    }
  }
  await runRanks(1, async (rank) => {
    const trainer = trainerOn(rank, { maxEpochs: 1 })
    await trainer.fit(new Line(), { datamodule: new Counting() })
    await trainer.saveCheckpoint('a.ckpt')
    const data = new Counting()
    await trainerOn(rank, { maxEpochs: 2 }).fit(new Line(), { datamodule: data, ckptPath: 'a.ckpt' })
    expect(data.fits).toBe(10)
  })
})

describe('refusals', () => {
  const fit = (prepare: (trainer: Trainer) => Promise<unknown>, ckptPath: string, options: TrainerOptions = {}) =>
    runRanks(2, async (rank) => {
      const first = trainerOn(rank, { maxEpochs: 1 })
      await first.fit(new Line(), lineLoader(8))
      await prepare(first)
      const second = trainerOn(rank, { maxEpochs: 2, ...options })
      await second.fit(new Line(), lineLoader(8), { ckptPath })
      return second.globalStep
    })

  it.each<[string, (trainer: Trainer) => Promise<unknown>, string, TrainerOptions, RegExp]>([
    ['a file that is not there', async () => {}, 'gone.ckpt', {}, /gone\.ckpt/],
    [
      'no checkpoint',
      (t) => (t.isGlobalZero ? t['ranks'].files.write('x.ckpt', new Uint8Array(40)) : Promise.resolve()),
      'x.ckpt',
      {},
      /x\.ckpt/,
    ],
    ['weights alone', (t) => t.saveCheckpoint('w.ckpt', { weightsOnly: true }), 'w.ckpt', {}, /saveWeightsOnly/],
    [
      'nothing left to train',
      (t) => t.saveCheckpoint('a.ckpt'),
      'a.ckpt',
      { maxEpochs: 1 },
      /1 epochs behind it, and maxEpochs is 1/,
    ],
    ['best without a ModelCheckpoint', async () => {}, 'best', {}, /no ModelCheckpoint/],
  ])('%s', async (_, prepare, ckptPath, options, message) => {
    await expect(fit(prepare, ckptPath, options)).rejects.toThrow(message)
  })

  it('"last" without one starts from the beginning', async () => {
    expect(await fit(async () => {}, 'last')).toEqual([2, 2])
  })
})
