/** LearningRateMonitor: keys, when it looks, what it refuses. */
import { adam, adamw, type tf } from '@rondo/engine'
import { describe, expect, it, vi } from 'vitest'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import { LearningRateMonitor, type LearningRateMonitorOptions, optimizerKeys } from './learning-rate-monitor.ts'

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

  const logged = async (
    make: () => Line,
    options: LearningRateMonitorOptions,
    ranks = 1,
  ): Promise<Record<string, number>[]> =>
    (
      await onRanks(
        ranks,
        async (trainer) => {
          await trainer.fit(make(), lineLoader(8))
          return trainer.history
        },
        { maxEpochs: 2, callbacks: new LearningRateMonitor(options) },
      )
    )[0] as Record<string, number>[]

  it('looks as often as the schedule moves, or each step without one', async () => {
    const rows = async (make: () => Line) =>
      (await logged(make, {})).filter((row) => 'lr-Adam' in row || 'lr-SGD' in row)
    expect(await rows(() => new Scheduled())).toHaveLength(2)
    const byStep = (): Line => Object.assign(new Scheduled(), { interval: 'step' })
    expect(await rows(byStep)).toHaveLength(4)
    expect(await rows(() => new Line())).toHaveLength(4)
  })

  it('logs momentum and weight decay, and 0 where there is none', async () => {
    class Plain extends Line {
      override configureOptimizers() {
        return adamw({ learningRate: 0.1, beta1: 0.8, weightDecay: 0.02 })
      }
    }
    const options = { loggingInterval: 'epoch', logMomentum: true, logWeightDecay: true } as const
    // Three ranks: a mean of their rates would round.
    const [row] = await logged(() => new Plain(), options, 3)
    expect(row).toMatchObject({ 'lr-AdamW': 0.1, 'lr-AdamW-momentum': 0.8, 'lr-AdamW-weight_decay': 0.02 })
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    expect((await logged(() => new Line(), options)).find((one) => 'lr-SGD' in one)).toMatchObject({
      'lr-SGD-momentum': 0,
      'lr-SGD-weight_decay': 0,
    })
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('sgd has no momentum'))
    warn.mockRestore()
  })

  it('numbers optimizers of one kind', async () => {
    const kinds = ['adam', 'sgd', 'adam', 'rmsprop', 'adam', 'adamw']
    expect(optimizerKeys(kinds.map((kind) => ({ kind })))).toEqual([
      'lr-Adam',
      'lr-SGD',
      'lr-Adam-1',
      'lr-RMSprop',
      'lr-Adam-2',
      'lr-AdamW',
    ])
    class Two extends Line {
      override automaticOptimization = false
      override trainingStep(): never {
        return undefined as never
      }
      override configureOptimizers() {
        const [kernel, bias] = this.net.trainableWeights.map(
          (weight) => (weight as unknown as { val: tf.Variable }).val,
        )
        return [
          { optimizer: adam({ learningRate: 0.1 }), parameters: [kernel] },
          { optimizer: adam({ learningRate: 0.2 }), parameters: [bias] },
        ] as never
      }
    }
    expect((await logged(() => new Two(), { loggingInterval: 'epoch' }))[0]).toMatchObject({
      'lr-Adam': 0.1,
      'lr-Adam-1': 0.2,
    })
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
