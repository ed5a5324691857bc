/**
 * A verb launched from a notebook: ranks in this thread stand for those of a session, each gets copies of trainer,
 * module and data, and what they leave must be in the caller's own objects.
 */
import { adam, selectAccelerator, tf } from '@rondo/engine'
import { callLaunched, type LaunchRequest, setLauncher } from '@rondo/fabric'
import { RondoError } from '@rondo/protocol'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { runRanks } from '../../fabric/src/testing/ranks.ts'
import { Callback } from './callbacks/callback.ts'
import { EarlyStopping } from './callbacks/early-stopping.ts'
import { ModelCheckpoint } from './callbacks/model-checkpoint.ts'
import { trainerCodecs } from './state/codecs.ts'
import { Line, lineLoader } from './testing/line.ts'
import { Trainer } from './trainer.ts'

class AdamLine extends Line {
  override configureOptimizers() {
    return adam({ learningRate: 0.05 })
  }
}

class Remembers extends Callback {
  losses: number[] = []
  override onTrainEpochEnd(trainer: Trainer): void {
    this.losses.push(trainer.callbackMetrics['train_loss'] as number)
  }
}

/** A copy as a rank would get it: our objects by their codecs, the test's own by class and fields. */
function copyOf<T>(value: T): T {
  if (value instanceof AdamLine) {
    const copy = new AdamLine()
    copy.net.setWeights(value.net.getWeights().map((weight) => weight.clone()))
    return copy as T
  }
  if (value instanceof Remembers) return Object.assign(new Remembers(), structuredClone({ ...value })) as T
  if (typeof value !== 'object' || value === null) return value
  const codec = trainerCodecs.find((candidate) => candidate.test(value))
  if (codec) return codec.decode(copyOf(codec.encode(value))) as T
  if (Array.isArray(value)) return value.map(copyOf) as T
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copyOf(part)])) as T
}

const requests: LaunchRequest[] = []

/** Launches on `slots` ranks of this thread. */
function startRanks(slots: number): void {
  setLauncher({
    slots: async () => slots,
    async launch(request) {
      requests.push(request)
      const count = typeof request.devices === 'number' ? request.devices : slots
      const results = await runRanks(count, async ({ context }) => {
        const args = request.args.map(copyOf)
        // What nextRankContext says of a rank that runs a launch.
        ;(args[0] as Trainer).context = Object.assign(context, { job: 'launch' as const })
        return callLaunched(request.fn, args)
      })
      return structuredClone(results[0])
    },
  })
}

beforeAll(async () => {
  await selectAccelerator('cpu')
})

afterEach(() => {
  setLauncher(null)
  requests.length = 0
})

describe('a launched verb', () => {
  it('brings weights, optimizer state, metrics, callbacks and history back', async () => {
    startRanks(2)
    const stopping = new EarlyStopping({ monitor: 'val_loss', patience: 50 })
    const remembers = new Remembers()
    const checkpoint = new ModelCheckpoint({ monitor: 'val_loss' })
    const trainer = new Trainer({
      devices: 2,
      strategy: 'ddp_notebook',
      maxEpochs: 3,
      callbacks: [checkpoint, stopping, remembers],
    })
    const module = new AdamLine()
    await trainer.fit(module, lineLoader(16, { shuffle: true }), lineLoader(8))
    expect(requests[0]).toMatchObject({ call: 'trainer.fit', devices: 2, strategy: 'ddp_notebook' })
    expect(module.weights()[0]).toBeGreaterThan(0.1)
    expect([trainer.currentEpoch, trainer.globalStep]).toEqual([3, 6])
    const state = await trainer.optimizers[0]?.state()
    const step = state?.tensors.find(({ name }) => name.endsWith('kernel.step'))
    const moment = state?.tensors.find(({ name }) => name.endsWith('kernel.m'))
    expect(step?.data[0]).toBe(6)
    expect(moment?.data[0]).not.toBe(0)
    expect(trainer.callbackMetrics['val_loss']).toBeGreaterThan(0)
    expect(trainer.history.filter((row) => 'val_loss' in row)).toHaveLength(3)
    expect(stopping.bestScore).toBe(trainer.callbackMetrics['val_loss'])
    expect(remembers.losses).toHaveLength(3)
    expect(checkpoint.bestModelPath).toBe('checkpoints/epoch=2-step=6.ckpt')
    expect(tf.tidy(() => (module.forward(tf.tensor2d([[1]])) as tf.Tensor).dataSync()[0])).toBeGreaterThan(0.1)
  })

  it('tests, predicts and fits again with the same objects', async () => {
    startRanks(2)
    const trainer = new Trainer({ devices: 2, strategy: 'ddp_notebook', maxEpochs: 2, enableCheckpointing: false })
    const module = new AdamLine()
    await trainer.fit(module, lineLoader(16))
    const [metrics] = await trainer.test(module, lineLoader(10))
    expect(metrics?.['test_loss']).toBeGreaterThan(0)
    const outputs = (await trainer.predict(module, lineLoader(10))) as tf.Tensor[]
    expect(outputs.map(({ shape }) => shape)).toEqual([
      [4, 1],
      [4, 1],
      [2, 1],
    ])
    const before = module.weights()[0] as number
    await trainer.fit(module, lineLoader(16))
    expect(module.weights()[0]).toBeGreaterThan(before)
    expect(trainer.globalStep).toBe(4)
    expect(requests.map(({ call }) => call)).toEqual(['trainer.fit', 'trainer.test', 'trainer.predict', 'trainer.fit'])
  })

  it('launches where several devices are meant, and stays here for one', async () => {
    startRanks(3)
    const fit = async (options: object): Promise<void> => {
      const trainer = new Trainer({ maxEpochs: 1, enableModelSummary: false, ...options })
      await trainer.fit(new AdamLine(), lineLoader(12))
    }
    await fit({})
    await fit({ devices: 2 })
    await fit({ devices: 1, strategy: 'ddp_spawn' })
    expect(requests.map(({ devices, strategy }) => [devices, strategy])).toEqual([
      ['auto', 'ddp_notebook'],
      [2, 'ddp_notebook'],
      [1, 'ddp_spawn'],
    ])
    await fit({ devices: 1 })
    expect(requests).toHaveLength(3)
    await expect(fit({ devices: 2, strategy: 'ddp' })).rejects.toThrow(/ddp_notebook/)
    startRanks(1)
    await fit({})
    expect(requests).toHaveLength(3)
  })

  it('leaves everything as it was when a rank fails, and can be called again', async () => {
    let fail = true
    class Fragile extends AdamLine {
      override onTrainEpochEnd(): void {
        if (fail && this.globalRank === 1) throw new RondoError('BAD_ARGUMENT', 'odd data')
      }
    }
    startRanks(2)
    const trainer = new Trainer({ devices: 2, maxEpochs: 1 })
    const module = new AdamLine()
    const before = module.weights()
    const hooked = Object.assign(module, { onTrainEpochEnd: Fragile.prototype.onTrainEpochEnd })
    const original = AdamLine.prototype.onTrainEpochEnd
    AdamLine.prototype.onTrainEpochEnd = Fragile.prototype.onTrainEpochEnd
    try {
      await expect(trainer.fit(hooked, lineLoader(8))).rejects.toThrow()
      expect(module.weights()).toEqual(before)
      expect(trainer.globalStep).toBe(0)
      fail = false
      await trainer.fit(hooked, lineLoader(8))
      expect(module.weights()).not.toEqual(before)
    } finally {
      if (original) AdamLine.prototype.onTrainEpochEnd = original
      else Reflect.deleteProperty(AdamLine.prototype, 'onTrainEpochEnd')
    }
  })

  it('makes each of our objects again from what crosses', () => {
    const stopping = new EarlyStopping({ monitor: 'loss', mode: 'max', patience: 7 })
    stopping.bestScore = 5
    stopping.waitCount = 2
    const trainer = new Trainer({ maxEpochs: 4, callbacks: [stopping] })
    trainer.currentEpoch = 3
    const copy = copyOf(trainer)
    expect(copy).not.toBe(trainer)
    expect(copy.resolved.maxEpochs).toBe(4)
    expect(copy.currentEpoch).toBe(3)
    expect(copy.callbacks[0]).toEqual(stopping)
    expect(trainerCodecs.some((codec) => codec.test(new Remembers()))).toBe(false)
  })
})
