/**
 * What a checkpoint holds and who goes on with it: another world, the middle of accumulated batches, several
 * optimizers, DiLoCo's outer momentum, files of clusters and of other versions.
 */
import { adam, OneCycleLR, selectAccelerator, sgd, tf, unseedEverything } from '@rondo/engine'
import { DiLoCoStrategy } from '@rondo/strategies'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { runRanks } from '../../../fabric/src/testing/ranks.ts'
import { ModelCheckpoint } from '../callbacks/model-checkpoint.ts'
import type { ManualOptimizer } from '../module/manual-optimizer.ts'
import { decodeCheckpoint, encodeCheckpoint } from '../state/checkpoint.ts'
import { Learner, leg, shelf } from '../testing/legs.ts'
import { Line, lineLoader, trainerOn } from '../testing/line.ts'

beforeAll(async () => {
  await selectAccelerator('cpu')
})
afterEach(() => {
  unseedEverything()
  vi.restoreAllMocks()
})

describe('killed at step 7 of 20 on 4 ranks and resumed on 2', () => {
  const once = { samples: 80, options: { maxEpochs: 1 } }

  it('visits each remaining sample once, with the loss of a run that switched world without a kill', async () => {
    const died = await leg({ ...once, worldSize: 4, batchSize: 1, diesAfter: 7 })
    const rest = await leg({ ...once, worldSize: 2, batchSize: 2, from: 'step=7.ckpt' })
    expect(died.seen.flat()).toHaveLength(28)
    expect([...died.seen.flat(), ...rest.seen.flat()].sort((a, b) => a - b)).toEqual(range(80))
    expect(rest.steps).toBe(20)
    // Switched by will: the first world ends by itself after 7 steps and saves.
    shelf.clear()
    await leg({ ...once, worldSize: 4, batchSize: 1, options: { maxEpochs: 1, maxSteps: 7 } })
    const switched = await leg({ ...once, worldSize: 2, batchSize: 2, from: 'step=7.ckpt' })
    expect(rest.losses).toEqual(switched.losses)
    expect(rest.weights).toEqual(switched.weights)
    // And one rank with the same global batches.
    const alone = await leg({ ...once, worldSize: 1, batchSize: 4 })
    rest.weights[0]?.forEach((weight, i) => {
      expect(weight).toBeCloseTo(alone.weights[0]?.[i] as number, 4)
    })
  })
})

describe('bit for bit at the same world size', () => {
  it.each([1, 2])('in the middle of a group of accumulated batches, on %i ranks', async (worldSize) => {
    const common = {
      worldSize,
      batchSize: 2,
      samples: 24,
      noisy: worldSize === 1,
      options: { accumulateGradBatches: 3, maxEpochs: 2 },
    }
    const whole = await leg(common)
    // The first group ends with batch 3: the second one begins again, its gradients were not saved.
    const died = await leg({ ...common, diesAfterBatch: 5 / worldSize > 4 ? 5 : 4 })
    expect(died.steps).toBe(1)
    const rest = await leg({ ...common, from: 'batch.ckpt' })
    expect(rest.weights).toEqual(whole.weights)
    expect(rest.seen).toEqual(whole.seen.map((seen) => seen.slice(3 * 2)))
  })

  it('with several optimizers that the module steps', async () => {
    class Two extends Learner {
      override automaticOptimization = false
      bias = tf.variable(tf.scalar(0.5))
      override trainingStep(batch: tf.Tensor[]): never {
        return this.byHand(batch) as never
      }
      async byHand([x, y]: tf.Tensor[]): Promise<void> {
        for (const optimizer of this.optimizers() as ManualOptimizer[]) {
          optimizer.zeroGrad()
          this.toggleOptimizer(optimizer)
          await this.manualBackward(() =>
            tf.losses.meanSquaredError(y as tf.Tensor, tf.add(this.forward(x), this.bias)),
          )
          await optimizer.step()
        }
      }
      override configureOptimizers(): never {
        return [
          { optimizer: adam({ learningRate: 0.1 }), parameters: this.net },
          { optimizer: sgd({ learningRate: 0.01, momentum: 0.9 }), parameters: [this.bias] },
        ] as never
      }
    }
    const common = { worldSize: 2, batchSize: 2, module: () => new Two(), options: { maxEpochs: 1 } }
    const whole = await leg(common)
    await leg({ ...common, diesAfter: 6 })
    const rest = await leg({ ...common, from: 'step=6.ckpt' })
    expect(rest.steps).toBe(10)
    expect(rest.weights).toEqual(whole.weights)
    expect(whole.weights[0]).toEqual(whole.weights[1])
  })

  it('with a schedule that moves the momentum too', async () => {
    class Cycle extends Learner {
      override configureOptimizers(): never {
        const optimizer = adam({ learningRate: 0.01 })
        const scheduler = new OneCycleLR(optimizer, { maxLr: 0.1, totalSteps: 15 })
        return { optimizer, lrScheduler: { scheduler, interval: 'step' } } as never
      }
    }
    const common = { worldSize: 1, batchSize: 4, module: () => new Cycle() }
    const whole = await leg(common)
    await leg({ ...common, diesAfter: 4 })
    expect((await leg({ ...common, from: 'step=4.ckpt' })).weights).toEqual(whole.weights)
  })

  it('with DiLoCo: its outer momentum comes back', async () => {
    const strategy = () => new DiLoCoStrategy({ syncEvery: 2 })
    const common = { worldSize: 2, batchSize: 2 }
    const whole = await leg({ ...common, options: { strategy: strategy() } })
    await leg({ ...common, diesAfter: 6, options: { strategy: strategy() } })
    const bytes = shelf.get('step=6.ckpt') as Uint8Array<ArrayBuffer>
    const { state } = decodeCheckpoint('step=6.ckpt', bytes)
    expect(state.replicas.map((replica) => replica.strategy)).toEqual(['diloco'])
    expect(state.replicas[0]?.tensors.length).toBeGreaterThan(0)
    const rest = await leg({ ...common, from: 'step=6.ckpt', options: { strategy: strategy() } })
    expect(rest.weights).toEqual(whole.weights)
    // Without it the run would end elsewhere.
    shelf.set('bare.ckpt', encodeCheckpoint({ ...state, replicas: [] }, false))
    const bare = await leg({ ...common, from: 'bare.ckpt', options: { strategy: strategy() } })
    expect(bare.weights).not.toEqual(whole.weights)
  })
})

it('holds everything that the next run needs', async () => {
  await leg({
    worldSize: 2,
    batchSize: 2,
    diesAfter: 3,
    noisy: true,
    module: () => {
      const module = new Learner(true)
      module.saveHyperparameters({ width: 3 })
      return module
    },
  })
  const { state } = decodeCheckpoint('step=3.ckpt', shelf.get('step=3.ckpt') as Uint8Array<ArrayBuffer>)
  expect(state).toMatchObject({
    format: 3,
    currentEpoch: 0,
    globalStep: 3,
    worldSize: 2,
    hyperParameters: { width: 3 },
    progress: { batches: 3, position: 12, samples: 20, batchSize: 2, accumulateGradBatches: 1 },
  })
  expect(state.weights.map(({ name }) => name)).toContain('parameters.net.layers[0].kernel')
  expect(state.optimizers[0]?.hyperparameters).toMatchObject({ kind: 'adam' })
  expect(state.progress?.schedules).toHaveLength(1)
  expect(Object.keys(state.callbacks)[0]).toMatch(/^ModelCheckpoint/)
  expect(state.progress?.ranks).toHaveLength(2)
  for (const { sampler, random } of state.progress?.ranks ?? []) {
    expect(sampler).toMatchObject({ epoch: 0, position: 6 })
    expect(random).not.toBeNull()
  }
})

describe('ckptPath', () => {
  const saved = async (
    worldSize: number,
    ckptPath: string,
    change: (files: Map<string, Uint8Array<ArrayBuffer>>) => void,
  ) =>
    runRanks(worldSize, async (rank) => {
      const first = trainerOn(rank, { maxEpochs: 1 })
      await first.fit(new Line(), lineLoader(8))
      const files = new Map<string, Uint8Array<ArrayBuffer>>()
      const { context } = rank
      context.files.write = async (name, bytes) => void files.set(name, bytes)
      context.files.read = async (name) => files.get(name) ?? Promise.reject(new Error('no such file'))
      for (const number of [1, 2, 10]) await first.saveCheckpoint(`hpc_ckpt_${number}.ckpt`)
      change(files)
      context.files.list = async () => [...files.keys()]
      const second = trainerOn(rank, { maxEpochs: 2 })
      const lines: string[] = []
      vi.spyOn(console, 'info').mockImplementation((line: unknown) => void lines.push(String(line)))
      await second.fit(new Line(), lineLoader(12), { ckptPath })
      return { steps: second.globalStep, lines }
    })

  it('"hpc" is the highest hpc_ckpt_N.ckpt; a line before and one after name the file, and a changed length', async () => {
    const [outcome] = await saved(1, 'hpc', () => {})
    const named = outcome?.lines.filter((line) => line.includes('hpc_ckpt_10.ckpt')) ?? []
    expect(named[0]).toMatch(/^Going on from/)
    expect(named.at(-1)).toMatch(/^Went on from/)
    expect(named.find((line) => /8 training samples, and there are 12/.test(line))).toBeDefined()
    expect(outcome?.steps).toBe(5)
  })

  it('"hpc" without one is refused on all ranks', async () => {
    await expect(saved(2, 'hpc', (files) => files.clear())).rejects.toThrow(/hpc_ckpt_N\.ckpt/)
  })

  it('"last" is the last.ckpt that an earlier process left in the folder', async () => {
    await runRanks(1, async (rank) => {
      const make = () =>
        trainerOn(rank, {
          maxEpochs: 2,
          callbacks: [new ModelCheckpoint({ saveLast: true, dirpath: 'here' })],
          enableCheckpointing: true,
        })
      const files = new Map<string, Uint8Array<ArrayBuffer>>()
      rank.context.files.write = async (name, bytes) => void files.set(name, bytes)
      rank.context.files.read = async (name) => files.get(name) ?? Promise.reject(new Error('no such file'))
      rank.context.files.list = async (folder) =>
        [...files.keys()].flatMap((name) => (name.startsWith(`${folder}/`) ? [name.slice(folder.length + 1)] : []))
      const first = make()
      first.resolved.maxEpochs = 1
      await first.fit(new Line(), lineLoader(8))
      const second = make()
      await second.fit(new Line(), lineLoader(8), { ckptPath: 'last' })
      expect([first.globalStep, second.globalStep]).toEqual([2, 4])
      const seen: number[] = []
      class Counting extends Line {
        override onTrainEpochStart(): void {
          seen.push(this.currentEpoch)
        }
      }
      const third = make()
      third.resolved.maxEpochs = 3
      await third.fit(new Counting(), lineLoader(8), { ckptPath: 'last' })
      expect(seen).toEqual([2])
    })
  })

  it('a newer format is refused with path and version', async () => {
    const newer = (files: Map<string, Uint8Array<ArrayBuffer>>): void => {
      const text = new TextDecoder('latin1').decode(files.get('hpc_ckpt_1.ckpt'))
      const bytes = Uint8Array.from(text.replace('\\"format\\":3', '\\"format\\":9'), (c) => c.charCodeAt(0))
      files.set('new.ckpt', bytes)
    }
    await expect(saved(1, 'new.ckpt', newer)).rejects.toThrow(/new\.ckpt has format 9.*up to 3/)
  })
})

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
