/** Early stopping, learning rates, hooks: decisions and refusals; one decision for all ranks. */
import { adam, tf } from '@rondo/engine'
import { describe, expect, it, vi } from 'vitest'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import { Trainer } from '../trainer.ts'
import { Callback } from './callback.ts'
import { EarlyStopping, type EarlyStoppingOptions } from './early-stopping.ts'
import { LambdaCallback } from './lambda-callback.ts'
import { LearningRateMonitor } from './learning-rate-monitor.ts'

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
    expect(() => new LearningRateMonitor({ logMomentum: 1 as never })).toThrow(/logMomentum.*true or false/)
    expect(() => new LearningRateMonitor({ interval: 'step' } as never)).toThrow(/loggingInterval/)
    expect(() => new LearningRateMonitor({ loggingInterval: 'batch' as never })).toThrow(/"step", "epoch" and null/)
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
    expect(() => new Trainer({ callbacks: Callback as never })).toThrow(/class or function/)
  })

  it('are warned about, once, where a method looks like a hook and is none', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    class Misspelt extends Callback {
      onTrainEpochEnds(): void {}
      on_validation_end(): void {}
      onlyMine(): void {}
    }
    class Net extends Line {
      onTrainingStart(): void {}
    }
    const callbacks = new Misspelt()
    await onRanks(2, (trainer) => trainer.fit(new Net(), lineLoader(8)), { maxEpochs: 2, callbacks })
    const lines = warn.mock.calls.map(([line]) => String(line)).sort()
    expect(lines).toEqual([
      expect.stringMatching(/^Misspelt\.onTrainEpochEnds looks like a hook.*Did you mean onTrainEpochEnd\?$/),
      expect.stringMatching(/^Misspelt\.on_validation_end.*Did you mean onValidationEnd\?$/),
      expect.stringMatching(/^Net\.onTrainingStart.*Did you mean onTrain(Start|End)\?$/),
    ])
    warn.mockRestore()
  })

  it('may be functions alone: LambdaCallback', async () => {
    const seen: string[] = []
    const callbacks = new LambdaCallback({
      onTrainStart: async (trainer) => void seen.push(`start ${trainer.worldSize}`),
      onTrainEpochEnd: (_, module) => void seen.push(module.constructor.name),
    })
    await onRanks(1, (trainer) => trainer.fit(new Line(), lineLoader(4)), { callbacks })
    expect(seen).toEqual(['start 1', 'Line'])
    expect(() => new LambdaCallback({ onEpochEnd: () => {} } as never)).toThrow(
      /onEpochEnd.*no such hook.*onTrainEpochEnd/,
    )
    expect(() => new LambdaCallback({ onTrainEnd: 3 as never })).toThrow(/a function/)
  })

  it('see the loss before the gradients, and the optimizer before its step', async () => {
    const seen: unknown[] = []
    const callbacks = new LambdaCallback({
      onBeforeZeroGrad: (_trainer, _module, optimizer) => void seen.push(`zero ${optimizer.kind}`),
      onBeforeBackward: (_trainer, _module, loss) => void seen.push(loss.rank),
      onAfterBackward: () => void seen.push('after'),
      onBeforeOptimizerStep: (_trainer, _module, optimizer) => void seen.push(optimizer.learningRate),
    })
    await onRanks(1, (trainer) => trainer.fit(new Line(), lineLoader(4)), { callbacks })
    expect(seen).toEqual(['zero sgd', 0, 'after', 0.01])
    const late = { onBeforeBackward: async () => {} }
    const fit = onRanks(1, (trainer) => trainer.fit(new Line(), lineLoader(4)), { callbacks: late as never })
    await expect(fit).rejects.toThrow(/onBeforeBackward returned a promise.*synchronous/)
  })

  it('may put data of their own into checkpoints, and get it back', async () => {
    const lost: unknown[] = []
    class Own extends Callback {
      seen = Float32Array.of(0.1, Number.NaN)
      override onSaveCheckpoint(
        _trainer: Trainer,
        _module: unknown,
        checkpoint: { extra: Record<string, unknown> },
      ): void {
        checkpoint.extra['mine'] = { list: [1, 2], raw: Int32Array.of(7) }
      }
      override onLoadCheckpoint(
        _trainer: Trainer,
        _module: unknown,
        { extra }: { extra: Record<string, unknown> },
      ): void {
        lost.push(extra['mine'], this.seen)
      }
    }
    class Net extends Line {
      override onSaveCheckpoint(checkpoint: { extra: Record<string, unknown> }): void {
        checkpoint.extra['net'] = 1
      }
      override onLoadCheckpoint({ extra }: { extra: Record<string, unknown> }): void {
        lost.push(extra['net'])
      }
    }
    await onRanks(
      1,
      async (trainer, { context }) => {
        await trainer.fit(new Net(), lineLoader(4))
        await trainer.saveCheckpoint('own.ckpt')
        const again = new Trainer({ maxEpochs: 2, enableModelSummary: false, callbacks: new Own() })
        again.context = context
        await again.fit(new Net(), lineLoader(4), { ckptPath: 'own.ckpt' })
      },
      { callbacks: new Own() },
    )
    expect(lost).toEqual([1, { list: [1, 2], raw: Int32Array.of(7) }, Float32Array.of(0.1, Number.NaN)])
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
