/** EarlyStopping: reasons and their order, when it looks, what it keeps and refuses; any rank stops all. */
import { describe, expect, it, vi } from 'vitest'
import type { TrainerOptions } from '../options/options.ts'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import { Trainer } from '../trainer.ts'
import { EarlyStopping, type EarlyStoppingOptions } from './early-stopping.ts'

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

async function stopped(
  values: number[],
  options: Partial<EarlyStoppingOptions>,
  others = values,
  ranks = 1,
  trainerOptions: TrainerOptions = {},
  samples = 4,
) {
  const results = await onRanks(
    ranks,
    async (trainer) => {
      const stopping = new EarlyStopping({ monitor: 'score', ...options })
      trainer.callbacks.push(stopping)
      await trainer.fit(new Scripted(values, others), lineLoader(samples), lineLoader(4))
      return { epochs: trainer.currentEpoch, stopping }
    },
    { maxEpochs: values.length, ...trainerOptions },
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

  it.each<[string, number[], Partial<EarlyStoppingOptions>]>([
    ['non_finite', [Number.NEGATIVE_INFINITY], { stoppingThreshold: 0, divergenceThreshold: -1 }],
    ['stopping_threshold', [5], { stoppingThreshold: 10, divergenceThreshold: 0, patience: 0 }],
    ['divergence_threshold', [5, 20], { divergenceThreshold: 10, patience: 0 }],
    ['divergence_threshold', [5, -20], { divergenceThreshold: -10, mode: 'max' }],
    ['stopping_threshold', [5, 20], { stoppingThreshold: 10, mode: 'max' }],
    ['patience_exhausted', [5, 5], { patience: 0 }],
    ['non_finite', [Number.POSITIVE_INFINITY], { mode: 'max' }],
  ])('%s comes first at %j', async (reason, values, options) => {
    const [result] = await stopped([...values, 1], options)
    expect(result).toMatchObject({ epochs: values.length, stopping: { stoppingReason: reason } })
  })

  it('counts checks, not epochs, and looks when it is told', async () => {
    // Two checks an epoch: the first is the best, the next three wait.
    const [often] = await stopped([4, 4, 4, 4], { patience: 3 }, undefined, 1, { valCheckInterval: 0.5 }, 8)
    expect(often).toMatchObject({ epochs: 2, stopping: { waitCount: 3 } })
    const [seldom] = await stopped([4, 4, 4, 4, 4, 4], { patience: 2 }, undefined, 1, { checkValEveryNEpoch: 2 })
    expect(seldom).toMatchObject({ epochs: 6, stopping: { waitCount: 2 } })
    const [told] = await stopped([4, 4, 4], { patience: 1, checkOnTrainEpochEnd: false })
    expect(told?.epochs).toBe(2)
  })

  it('does not look in a fastDevRun and in the sanity check', async () => {
    const bad = [Number.NaN, Number.NaN]
    const [dev] = await stopped(bad, {}, undefined, 1, { fastDevRun: 1 })
    expect(dev?.stopping.stoppingReason).toBe('not_stopped')
    class Sanity extends Line {
      override validationStep(): void {
        this.log('score', this.trainer.sanityChecking ? Number.NaN : 1)
      }
    }
    const callbacks = new EarlyStopping({ monitor: 'score' })
    await onRanks(1, (trainer) => trainer.fit(new Sanity(), lineLoader(4), lineLoader(4)), { callbacks })
    expect(callbacks).toMatchObject({ stoppingReason: 'not_stopped', bestScore: 1 })
  })

  it('keeps its count in checkpoints', async () => {
    const epochs = await onRanks(
      1,
      async (trainer, { context }) => {
        trainer.callbacks.push(new EarlyStopping({ monitor: 'score', patience: 3 }))
        await trainer.fit(new Scripted([1, 2]), lineLoader(4), lineLoader(4))
        await trainer.saveCheckpoint('stopping.ckpt')
        const stopping = new EarlyStopping({ monitor: 'score', patience: 3 })
        const again = new Trainer({ maxEpochs: 9, enableModelSummary: false, callbacks: stopping })
        again.context = context
        await again.fit(new Scripted([9, 9, 2, 2, 2, 2]), {
          trainDataloaders: lineLoader(4),
          valDataloaders: lineLoader(4),
          ckptPath: 'stopping.ckpt',
        })
        return [again.currentEpoch, stopping.bestScore, stopping.stoppingReason]
      },
      { maxEpochs: 2 },
    )
    expect(epochs).toEqual([[4, 1, 'patience_exhausted']])
  })

  it.each([false, true])('tells with verbose on each rank, or on rank 0 alone (logRankZeroOnly: %s)', async (only) => {
    const say = vi.spyOn(console, 'info').mockImplementation(() => {})
    await stopped([5, Number.NaN], { verbose: true, logRankZeroOnly: only }, undefined, 2)
    const lines = say.mock.calls.map(([line]) => String(line)).filter((line) => line.includes('not finite'))
    expect(lines).toHaveLength(only ? 1 : 2)
    expect(lines[0]).toMatch(/EarlyStopping: rank 0: score is NaN/)
    say.mockRestore()
  })

  it.each([2, 4])('refuses on all of %i ranks what one of them did not log, naming that rank', async (ranks) => {
    class Odd extends Line {
      override validationStep(): void {
        this.log(this.globalRank === 1 ? 'other' : 'score', 1, { syncDist: false })
      }
    }
    const errors = await onRanks(
      ranks,
      (trainer) =>
        trainer.fit(new Odd(), lineLoader(16), lineLoader(16)).then(
          () => null,
          (thrown: unknown) => thrown as Error,
        ),
      { callbacks: new EarlyStopping({ monitor: 'score' }) },
    )
    for (const error of errors) expect(error?.message).toMatch(/no such value on rank 1\. Present are .*other/)
  })

  it('is an error on all ranks, with its cause, when one dies in the check; a late one is waited for', async () => {
    const checked = (fails: boolean) =>
      onRanks(
        2,
        async (trainer, { context }) => {
          class Odd extends Line {
            override async onTrainEpochEnd(): Promise<void> {
              if (this.globalRank === 0) return
              if (fails) throw new Error('the tab is gone')
              await new Promise((resolve) => setTimeout(resolve, 100))
            }
          }
          return trainer.fit(new Odd(), lineLoader(8), lineLoader(8)).then(
            () => 'done',
            (thrown: unknown) => {
              context.group.abort(thrown as Error)
              return String(thrown)
            },
          )
        },
        { callbacks: new EarlyStopping({ monitor: 'val_loss' }) },
        { stepTimeoutMs: 2_000 },
      )
    expect(await checked(false)).toEqual(['done', 'done'])
    for (const outcome of await checked(true)) expect(outcome).toContain('the tab is gone')
  })

  it('refuses what it cannot watch', async () => {
    expect(() => new EarlyStopping({} as never)).toThrow(/monitor/)
    expect(() => new EarlyStopping({ monitor: 'a', min_delta: 1 } as never)).toThrow(/min_delta.*minDelta/)
    expect(() => new EarlyStopping({ monitor: 'a', mode: 'down' as never })).toThrow(/"min" and "max"/)
    expect(() => new EarlyStopping({ monitor: 'a', patience: -1 })).toThrow(/patience/)
    await expect(stopped([1, 2], { monitor: 'nothing' })).rejects.toThrow(/"nothing".*Present are.*score/)
    for (const name of ['minDelta', 'stoppingThreshold', 'divergenceThreshold'] as const) {
      expect(() => new EarlyStopping({ monitor: 'a', [name]: '1' as never })).toThrow(new RegExp(`${name}.*number`))
    }
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    await expect(stopped([1, 2], { monitor: 'nothing', strict: false }, undefined, 2)).resolves.toHaveLength(2)
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('"nothing" is not there'))
    warn.mockRestore()
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
