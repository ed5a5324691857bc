/** Early stopping, checkpoints, learning rates: decisions, names, refusals; one decision for all ranks. */
import { adam, tf } from '@rondo/engine'
import { describe, expect, it, vi } from 'vitest'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import { Trainer } from '../trainer.ts'
import { Callback } from './callback.ts'
import { checkpointName, freeName } from './checkpoint-name.ts'
import { EarlyStopping, type EarlyStoppingOptions } from './early-stopping.ts'
import { LearningRateMonitor } from './learning-rate-monitor.ts'
import { ModelCheckpoint } from './model-checkpoint.ts'
import type { ModelCheckpointOptions } from './model-checkpoint-options.ts'

/** Validation gives these values, one an epoch; on other ranks than 0 those of `others`. */
class Scripted extends Line {
  readonly values: number[]
  readonly others: number[]
  constructor(values: number[], others = values) {
    super()
    this.values = values
    this.others = others
  }
  override validationStep(): void {
    const values = this.globalRank === 0 ? this.values : this.others
    this.log('score', values[this.currentEpoch] ?? 0, { syncDist: false })
  }
}

async function stopped(values: number[], options: Partial<EarlyStoppingOptions>, others = values, ranks = 1) {
  const results = await onRanks(
    ranks,
    async (trainer) => {
      const stopping = new EarlyStopping({ monitor: 'score', ...options })
      trainer.callbacks.push(stopping)
      await trainer.fit(new Scripted(values, others), lineLoader(4), lineLoader(4))
      return { epochs: trainer.currentEpoch, stopping }
    },
    { maxEpochs: values.length },
  )
  return results
}

describe('EarlyStopping', () => {
  it.each<[string, number[], Partial<EarlyStoppingOptions>, number]>([
    ['patience_exhausted', [5, 4, 4, 4, 4, 4], { patience: 2 }, 4],
    ['patience_exhausted', [5, 4.95, 4.9, 4.85, 3], { patience: 2, minDelta: 0.2 }, 3],
    ['patience_exhausted', [1, 2, 1, 1, 1], { patience: 1, mode: 'max' }, 3],
    ['non_finite', [5, Number.NaN, 3], {}, 2],
    ['stopping_threshold', [5, 3, 0.5, 0.1], { stoppingThreshold: 1 }, 3],
    ['divergence_threshold', [5, 11, 3], { divergenceThreshold: 10 }, 2],
    ['not_stopped', [5, 4, 3], { patience: 1 }, 3],
    ['not_stopped', [5, Number.NaN, 3], { checkFinite: false }, 3],
  ])('%s at %j', async (reason, values, options, epochs) => {
    const [result] = await stopped(values, options)
    expect(result).toMatchObject({ epochs, stopping: { stoppingReason: reason } })
    if (reason !== 'not_stopped') expect(result?.stopping.stoppingReasonMessage).toContain('score is')
  })

  it('stops all ranks when one has a NaN, and says which', async () => {
    const results = await stopped([5, 4, 3], {}, [5, Number.NaN, 3], 2)
    for (const { epochs, stopping } of results) {
      expect(epochs).toBe(2)
      expect(stopping).toMatchObject({ stoppingReason: 'non_finite', stoppedEpoch: 1 })
      expect(stopping.stoppingReasonMessage).toMatch(/^rank 1: score is NaN/)
    }
  })

  it('refuses what it cannot watch', async () => {
    expect(() => new EarlyStopping({} as never)).toThrow(/monitor/)
    expect(() => new EarlyStopping({ monitor: 'a', mode: 'down' as never })).toThrow(/"min" and "max"/)
    expect(() => new EarlyStopping({ monitor: 'a', patience: -1 })).toThrow(/patience/)
    await expect(stopped([1, 2], { monitor: 'nothing' })).rejects.toThrow(/"nothing".*Present are.*score/)
    await expect(stopped([1, 2], { monitor: 'nothing', strict: false })).resolves.toHaveLength(1)
    class OnlyZero extends Line {
      override validationStep(): void {
        this.log('mine', 1, { rankZeroOnly: true })
      }
    }
    const watching = onRanks(1, (trainer) => trainer.fit(new OnlyZero(), lineLoader(4), lineLoader(4)), {
      callbacks: new EarlyStopping({ monitor: 'mine' }),
    })
    await expect(watching).rejects.toThrow(/rankZeroOnly/)
  })
})

describe('ModelCheckpoint', () => {
  const fitted = (values: number[], options: ModelCheckpointOptions, ranks = 1) => {
    const removed: string[] = []
    return onRanks(
      ranks,
      async (trainer, rank) => {
        const checkpoint = new ModelCheckpoint({ monitor: 'score', ...options })
        trainer.callbacks.push(checkpoint)
        const module = new Scripted(values)
        rank.context.files.remove = async (name) => void removed.push(name)
        await trainer.fit(module, lineLoader(8), lineLoader(4))
        return { checkpoint, trainer, module, removed }
      },
      { maxEpochs: values.length, enableCheckpointing: true },
    )
  }

  it('names files by template', () => {
    const values = { epoch: 2, step: 40, val_loss: 0.3249, 'val/acc': 0.5 }
    expect(checkpointName('{epoch:02d}-{val_loss:.2f}', values, true)).toBe('epoch=02-val_loss=0.32')
    expect(checkpointName('{epoch:02d}-{val_loss:.2f}', values, false)).toBe('02-0.32')
    expect(checkpointName('{epoch}-{step}', values, true)).toBe('epoch=2-step=40')
    expect(checkpointName('best {missing:.1e}', values, true)).toBe('best_missing=0.0e_0')
    expect(freeName('a', (name) => ['a', 'a-v1'].includes(name))).toBe('a-v2')
  })

  it('keeps the k best, NaN being the worst, and knows the last', async () => {
    const values = [3, Number.NaN, 1, 2, 5]
    const results = await fitted(values, { saveTopK: 2, saveLast: true, filename: '{epoch}-{score:.1f}' }, 2)
    expect(results[0]?.removed).toEqual(['checkpoints/epoch=1-score=NaN.ckpt', 'checkpoints/epoch=0-score=3.0.ckpt'])
    for (const { checkpoint } of results) {
      expect(checkpoint.bestKModels).toEqual({
        'checkpoints/epoch=2-score=1.0.ckpt': 1,
        'checkpoints/epoch=3-score=2.0.ckpt': 2,
      })
      expect(checkpoint).toMatchObject({
        bestModelPath: 'checkpoints/epoch=2-score=1.0.ckpt',
        bestModelScore: 1,
        lastModelPath: 'checkpoints/last.ckpt',
      })
    }
  })

  it('keeps all with saveTopK −1, none with 0, and the newest without monitor', async () => {
    const [all] = await fitted([2, 3, 1], { saveTopK: -1 })
    expect(Object.keys(all?.checkpoint.bestKModels ?? {})).toHaveLength(3)
    const [none] = await fitted([2, 3, 1], { saveTopK: 0 })
    expect(none?.checkpoint.bestModelPath).toBe('')
    const [newest] = await fitted([2, 3, 1], { monitor: undefined } as never)
    expect(newest?.checkpoint.bestModelPath).toBe('checkpoints/epoch=2-step=6.ckpt')
    const [steps] = await fitted([2, 3], {
      monitor: 'train_loss',
      everyNTrainSteps: 1,
      saveTopK: -1,
      filename: '{step}',
    })
    expect(Object.keys(steps?.checkpoint.bestKModels ?? {})).toHaveLength(4)
  })

  it('saves what test can load again: the best weights, not the last', async () => {
    const results = await fitted([1, 2, 3], { filename: 'best' }, 2)
    const { checkpoint, trainer, module } = results[0] as (typeof results)[number]
    expect(checkpoint.bestModelPath).toBe('checkpoints/best.ckpt')
    const after = module.weights()
    const tested = await Promise.all(
      results.map((result) => result.trainer.test(result.module, lineLoader(8), { ckptPath: 'best' })),
    )
    expect(tested[0]).toEqual(tested[1])
    expect(module.weights()).not.toEqual(after)
    expect(results[1]?.module.weights()).toEqual(module.weights())
    const both = await Promise.allSettled(
      results.map((result) => result.trainer.test(result.module, lineLoader(8), { ckptPath: 'last' })),
    )
    for (const outcome of both) expect(String((outcome as PromiseRejectedResult).reason)).toMatch(/saveLast: true/)
    expect(trainer.checkpointCallback).toBe(checkpoint)
  })

  it.each<[RegExp, ModelCheckpointOptions]>([
    [/saveTopK: -2/, { saveTopK: -2 }],
    [/everyNEpochs: -1/, { everyNEpochs: -1 }],
    [/one of the two/, { everyNTrainSteps: 2, everyNEpochs: 1 }],
    [/Set monitor/, { saveTopK: 3 }],
    [/"min" and "max"/, { mode: 'low' as never }],
    [/trainTimeInterval is not part/, { trainTimeInterval: 5 } as never],
    [/no links/, { saveLast: 'link' as never }],
  ])('refuses %s', (message, options) => {
    expect(() => new ModelCheckpoint(options)).toThrow(message)
  })

  it('refuses a monitored value that is absent after validation, and a trainer that may not save', async () => {
    await expect(fitted([1], { monitor: 'nothing' })).rejects.toThrow(/Present are/)
    const callbacks = new ModelCheckpoint()
    expect(() => new Trainer({ enableCheckpointing: false, callbacks })).toThrow(/enableCheckpointing/)
  })
})

describe('LearningRateMonitor', () => {
  class Scheduled extends Line {
    interval: 'step' | 'epoch' = 'epoch'
    override configureOptimizers() {
      const lrScheduler = { scheduler: (count: number) => 0.5 ** count, interval: this.interval }
      return { optimizer: adam({ learningRate: 0.8 }), lrScheduler } as never
    }
  }

  it.each([
    ['epoch', [0.8, 0.4, 0.2]],
    ['step', [0.8, 0.2, 0.05]],
  ] as const)('shows a schedule by %s', async (interval, rates) => {
    const [seen] = await onRanks(
      1,
      async (trainer) => {
        const module = new Scheduled()
        module.interval = interval
        await trainer.fit(module, lineLoader(8))
        return trainer.history.filter((row) => 'lr-Adam' in row).map((row) => row['lr-Adam'])
      },
      { maxEpochs: 3, callbacks: new LearningRateMonitor({ loggingInterval: 'epoch' }) },
    )
    for (const [i, rate] of rates.entries()) expect(seen?.[i]).toBeCloseTo(rate, 10)
  })

  it('refuses to write without a logger, and options that are not there', async () => {
    const fit = onRanks(1, (trainer) => trainer.fit(new Scheduled(), lineLoader(4)), {
      logger: false,
      callbacks: new LearningRateMonitor(),
    })
    await expect(fit).rejects.toThrow(/logger: false/)
    expect(() => new LearningRateMonitor({ logMomentum: true } as never)).toThrow(/logMomentum/)
  })
})

describe('callbacks in general', () => {
  it('may be plain objects; what is no function is warned about once, classes are refused', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const seen: number[] = []
    const plain = {
      onTrainEpochEnd: (trainer: Trainer) => void seen.push(trainer.currentEpoch),
      onTrainStart: 3 as never,
    }
    await onRanks(1, (trainer) => trainer.fit(new Line(), lineLoader(4)), { maxEpochs: 2, callbacks: plain })
    expect(seen).toEqual([0, 1])
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('onTrainStart'))
    warn.mockRestore()
    expect(() => new Trainer({ callbacks: Callback as never })).toThrow(/new EarlyStopping/)
  })

  it('have the plain fields of the object as their state', () => {
    class Own extends Callback {
      count = 2
      rows = [{ a: 1 }]
      raw = Float32Array.of(1, 2)
      model = tf.sequential()
      hook = () => 1
    }
    const state = new Own().stateDict()
    expect(state).toEqual({ count: 2, rows: [{ a: 1 }], raw: Float32Array.of(1, 2) })
    const other = new Own()
    other.loadStateDict({ ...state, count: 5 })
    expect(other.count).toBe(5)
  })
})
