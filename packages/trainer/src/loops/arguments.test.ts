/** Arguments of the trainer at work: what each changes in a fit. */
import type { DataLoader } from '@rondo/data'
import { tf, unseedEverything } from '@rondo/engine'
import { setLauncher } from '@rondo/fabric'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { EarlyStopping } from '../callbacks/early-stopping.ts'
import { ModelCheckpoint } from '../callbacks/model-checkpoint.ts'
import { DataModule } from '../module/data-module.ts'
import { RondoModule } from '../module/module.ts'
import type { TrainerOptions } from '../options/options.ts'
import { Line, lineLoader, onRanks, trainerOn } from '../testing/line.ts'
import { Trainer } from '../trainer.ts'

/** Counts what is called, and keeps the samples of each training step. */
class Counted extends Line {
  calls: Record<string, number> = {}
  seen: number[][] = []
  count(name: string): void {
    this.calls[name] = (this.calls[name] ?? 0) + 1
  }
  override trainingStep(batch: tf.Tensor[]): tf.Tensor {
    this.count(`train${this.trainer.currentEpoch}`)
    this.seen.push([...(batch[0] as tf.Tensor).dataSync()].map((x) => x * 4))
    return super.trainingStep(batch)
  }
  override validationStep(batch: tf.Tensor[]): void {
    this.count(this.trainer.sanityChecking ? 'sanity' : 'validation')
    super.validationStep(batch)
  }
  override testStep(batch: tf.Tensor[]): void {
    this.count('test')
    super.testStep(batch)
  }
  override predictStep([x]: tf.Tensor[]): tf.Tensor {
    this.count('predict')
    return tf.zeros([(x as tf.Tensor).shape[0] as number])
  }
}

async function fitted(options: TrainerOptions, worldSize = 1, shuffle = false): Promise<Counted[]> {
  return onRanks(
    worldSize,
    async (trainer) => {
      const module = new Counted()
      await trainer.fit(module, lineLoader(24 * worldSize, { shuffle }), lineLoader(12 * worldSize))
      return module
    },
    options,
  )
}

function heard(): string[] {
  const lines: string[] = []
  const say = (line: unknown): void => void lines.push(String(line))
  vi.spyOn(console, 'info').mockImplementation(say)
  vi.spyOn(console, 'warn').mockImplementation(say)
  onTestFinished(() => {
    vi.restoreAllMocks()
  })
  return lines
}

describe('fastDevRun', () => {
  it.each([1, 2])('runs two batches of each loop once, and leaves no trace, on %s ranks', async (worldSize) => {
    const logged = vi.fn()
    const writes = vi.fn()
    const ranks = await onRanks(worldSize, async (_, rank) => {
      rank.context.files.write = writes
      const stopping = new EarlyStopping({ monitor: 'val_loss', stoppingThreshold: 1e9 })
      const trainer = trainerOn(rank, {
        fastDevRun: 2,
        maxEpochs: 5,
        enableCheckpointing: true,
        checkValEveryNEpoch: 3,
        logger: { logMetrics: logged } as never,
        callbacks: [new ModelCheckpoint(), stopping],
      })
      const module = new Counted()
      await trainer.fit(module, lineLoader(40), lineLoader(40))
      await trainer.test(module, lineLoader(40))
      await trainer.predict(module, lineLoader(40))
      return { module, stopping, trainer }
    })
    for (const { module, stopping, trainer } of ranks) {
      expect(module.calls).toEqual({ train0: 2, validation: 2, test: 2, predict: 2 })
      expect(stopping.stoppingReason).toBe('not_stopped')
      expect([trainer.currentEpoch, trainer.globalStep]).toEqual([1, 2])
    }
    expect(logged).not.toHaveBeenCalled()
    expect(writes).not.toHaveBeenCalled()
  })
})

it.each([1, 2])(
  'overfitBatches trains on the first so many, unshuffled, and validates on the same, on %s ranks',
  async (worldSize) => {
    const options = { overfitBatches: { batches: 2 }, maxEpochs: 2, numSanityValSteps: 0 }
    const ranks = await fitted(options, worldSize, true)
    const first = Array.from({ length: 8 * worldSize }, (_, i) => i)
    const order = (epoch: number) => ranks.flatMap(({ seen }) => seen.slice(epoch * 2, epoch * 2 + 2).flat())
    for (const epoch of [0, 1]) expect(order(epoch).sort((a, b) => a - b)).toEqual(first)
    expect(ranks[0]?.calls).toEqual({ train0: 2, train1: 2, validation: 4 })
  },
)

it.each<[TrainerOptions, Record<string, number>]>([
  [{ numSanityValSteps: -1 }, { sanity: 3, train0: 6, validation: 3 }],
  [{ numSanityValSteps: 0 }, { train0: 6, validation: 3 }],
  [{}, { sanity: 2, train0: 6, validation: 3 }],
  [
    { limitTrainBatches: 0.5, limitValBatches: 0.34 },
    { sanity: 1, train0: 3, validation: 1 },
  ],
  [{ maxSteps: 4 }, { sanity: 2, train0: 4 }],
  [
    { accumulateGradBatches: 4, maxEpochs: 2 },
    { sanity: 2, train0: 6, train1: 6, validation: 6 },
  ],
])('%j makes %j', async (options, calls) => {
  expect((await fitted(options))[0]?.calls).toEqual(calls)
})

it('goes on to minSteps though something wants to stop', async () => {
  const steps = async (options: TrainerOptions): Promise<number> => {
    const [done] = await onRanks(
      1,
      async (trainer) => {
        trainer.callbacks.push({
          onTrainBatchStart() {
            trainer.shouldStop = true
          },
        })
        await trainer.fit(new Line(), lineLoader(24))
        return trainer.globalStep
      },
      { maxEpochs: 3, ...options },
    )
    return done as number
  }
  expect(await steps({})).toBe(1)
  expect(await steps({ minSteps: 4 })).toBe(4)
  expect(await steps({ minEpochs: 2 })).toBeGreaterThanOrEqual(12)
})

it.each([1, 2])(
  'reloadDataloadersEveryNEpochs makes the loaders of a data module anew, on %s ranks',
  async (worldSize) => {
    const made = await onRanks(
      worldSize,
      async (trainer) => {
        const epochs: string[] = []
        class Data extends DataModule {
          override trainDataloader(): DataLoader {
            epochs.push(`train${trainer.currentEpoch}`)
            return lineLoader(8 * (trainer.currentEpoch + 1) * worldSize)
          }
          override valDataloader(): DataLoader {
            epochs.push(`val${trainer.currentEpoch}`)
            return lineLoader(4 * worldSize)
          }
        }
        const module = new Counted()
        await trainer.fit(module, new Data())
        return { epochs, calls: module.calls }
      },
      { maxEpochs: 5, reloadDataloadersEveryNEpochs: 2, numSanityValSteps: 0 },
    )
    for (const { epochs, calls } of made) {
      expect(epochs).toEqual(['train0', 'val0', 'train2', 'val2', 'train4', 'val4'])
      expect(calls).toMatchObject({ train0: 2, train1: 2, train2: 6, train3: 6, train4: 10 })
    }
  },
)

describe('what is said at the start', () => {
  it('has local rank and visible slots, once a rank', async () => {
    const lines = heard()
    await onRanks(2, async (trainer) => {
      const module = new Line()
      await trainer.fit(module, lineLoader(8))
      await trainer.validate(module, lineLoader(8))
    })
    expect(lines.filter((line) => line.includes('LOCAL_RANK')).sort()).toEqual([
      'LOCAL_RANK: 0 - VISIBLE_SLOTS: [0, 1]',
      'LOCAL_RANK: 1 - VISIBLE_SLOTS: [0, 1]',
    ])
  })

  it('hints at slots of the node that take no part in a run', async () => {
    const lines = heard()
    await onRanks(1, async (trainer, { context }) => {
      Object.assign(context, { idleSlots: 3 })
      await trainer.validate(new Line(), lineLoader(8))
    })
    expect(lines).toContain('LOCAL_RANK: 0 - VISIBLE_SLOTS: [0, 1, 2, 3]')
    expect(lines.join('\n')).toMatch(/4 slots are on this node and 1 is used: set devices: 4/)
  })

  it('hints at slots that are there and not used', async () => {
    const lines = heard()
    setLauncher({ slots: async () => 4, launch: () => Promise.reject(new Error('far enough')) })
    onTestFinished(() => setLauncher(null))
    await expect(new Trainer({ devices: 2 }).fit(new (class extends RondoModule {})())).rejects.toThrow('far enough')
    expect(lines).toContain('4 slots are here and 2 are used: set devices: 4, or "auto" for all.')
  })

  it('tells that deterministic needs a seed, and what has no effect', async () => {
    const lines = heard()
    unseedEverything()
    await onRanks(1, (trainer) => trainer.fit(new Line(), lineLoader(8)), { deterministic: true, benchmark: true })
    const text = lines.join('\n')
    expect(text).toMatch(/no seed was set.*seedEverything/)
    expect(text).toMatch(/benchmark: true }\): no effect/)
  })

  it('tells that exactEvaluation: false counts samples twice', async () => {
    const lines = heard()
    await onRanks(2, (trainer) => trainer.validate(new Line(), lineLoader(9)), { exactEvaluation: false })
    expect(lines.filter((line) => /exactEvaluation is false.*twice/.test(line))).toHaveLength(1)
  })
})

it('refuses resumeFromCheckpoint beside ckptPath, and passes it to fit alone', async () => {
  const fit = (ckptPath?: string): Promise<unknown> =>
    onRanks(1, (trainer) => trainer.fit(new Line(), lineLoader(8), ckptPath === undefined ? {} : { ckptPath }), {
      resumeFromCheckpoint: 'a.ckpt',
    })
  await expect(fit('b.ckpt')).rejects.toThrow(/resumeFromCheckpoint: "a.ckpt".*ckptPath: "b.ckpt"/)
  await expect(fit()).rejects.toThrow(/a\.ckpt/)
})

it.each<[string, RegExp, (trainer: Trainer) => Promise<unknown>]>([
  [
    'trainingStep',
    /trainer\.fit.*a trainingStep/,
    (trainer) => trainer.fit(new (class extends RondoModule {})(), lineLoader(4)),
  ],
  [
    'an optimizer',
    /trainer\.fit.*an optimizer/,
    (trainer) =>
      trainer.fit(
        new (class extends RondoModule {
          override trainingStep(): tf.Tensor {
            return tf.scalar(0)
          }
        })(),
        lineLoader(4),
      ),
  ],
  ['a train loader', /trainer\.fit.*a train loader/, (trainer) => trainer.fit(new Line())],
  ['a loader', /trainer\.validate.*needs a loader/, (trainer) => trainer.validate(new Line())],
  ['testStep', /testStep/, (trainer) => trainer.test(new (class extends RondoModule {})(), lineLoader(4))],
])('refuses a verb without %s', async (_, message, call) => {
  await expect(onRanks(1, (trainer) => call(trainer))).rejects.toThrow(message)
})
