/** log: exact means over batches and ranks, which keys there are, and what is refused. */
import { DataLoader, subset } from '@rondo/data'
import { tf } from '@rondo/engine'
import { describe, expect, it } from 'vitest'
import { RondoModule } from '../module/module.ts'
import type { TrainerOptions } from '../options/options.ts'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import { type LogOptions, type LogPlace, resolveLog } from './log-options.ts'

/** Logs, in each batch of validation, what it is told to. */
class Logs extends Line {
  readonly write: (module: Logs, batch: tf.Tensor[], index: number) => void
  constructor(write: Logs['write']) {
    super()
    this.write = write
  }
  override validationStep(batch: tf.Tensor[], index?: number): void {
    this.write(this, batch, index ?? 0)
  }
}

const validated = (
  worldSize: number,
  write: Logs['write'],
  loader = () => lineLoader(10),
  options: TrainerOptions = {},
) =>
  onRanks(
    worldSize,
    async (trainer) => ({ metrics: (await trainer.validate(new Logs(write), loader()))[0] ?? {}, trainer }),
    options,
  )

describe('epoch means', () => {
  it('weigh by batch size over ranks: 0.5 of 8 and 1 of 2 give 0.6', async () => {
    const results = await onRanks(
      2,
      async (trainer, { context }) => {
        const { rank } = context.group
        const loader = lineLoader(10, { batchSize: 8 })
        const items = rank === 0 ? [0, 1, 2, 3, 4, 5, 6, 7] : [8, 9]
        const own = new DataLoader(subset(loader.dataset as never, items) as never, { batchSize: 8 })
        const module = new Logs((self) => self.log('share', rank === 0 ? 0.5 : 1))
        return (await trainer.validate(module, own))[0]
      },
      { useDistributedSampler: false },
    )
    for (const metrics of results) expect(metrics?.['share']).toBe(0.6)
  })

  it('are exact in float64, where float32 sums would round', async () => {
    const [one] = await validated(1, (self, _, index) => self.log('n', index === 0 ? 1 : 1e-9, { reduceFx: 'sum' }))
    expect(one?.metrics['n']).toBe(1 + 1e-9 + 1e-9)
    const big = 2 ** 24 + 1
    const counts = await validated(2, (self) => self.log('count', big, { reduceFx: 'sum' }))
    for (const { metrics } of counts) expect(metrics['count']).toBe(big * 4)
    const [integer] = await validated(1, (self) => self.log('int', tf.scalar(big, 'int32')))
    expect(integer?.metrics['int']).toBe(big)
  })

  it.each([1, 3, 4])('give test accuracy on 10 samples over %i ranks as on one', async (ranks) => {
    const write: Logs['write'] = (self, [x]) => self.log('below', tf.mean(tf.less(x as tf.Tensor, 0.6).cast('float32')))
    for (const { metrics } of await validated(ranks, write)) expect(metrics['below']).toBeCloseTo(0.3, 7)
  })

  it('keep minimum, maximum and NaN', async () => {
    const [low] = await validated(2, (self, _, index) => {
      self.log('low', index - self.globalRank, { reduceFx: 'min' })
      self.log('high', index + self.globalRank, { reduceFx: 'max' })
      self.log('bad', self.globalRank === 1 && index === 0 ? Number.NaN : 1, { reduceFx: 'max' })
    })
    expect(low?.metrics).toMatchObject({ low: -1, high: 2, bad: Number.NaN })
  })

  it('reach ranks that had no sample, and stay local without syncDist', async () => {
    const few = await validated(
      4,
      (self) => self.log('v', self.globalRank),
      () => lineLoader(2),
    )
    for (const { metrics, trainer } of few) {
      expect(metrics).toEqual({ v: 0.5 })
      expect(trainer.callbackMetrics).toEqual({ v: 0.5 })
    }
    const local = await validated(2, (self) => self.log('mine', self.globalRank, { syncDist: false }))
    expect(local.map(({ metrics }) => metrics['mine'])).toEqual([0, 1])
  })

  it('count twice what exactEvaluation: false repeats', async () => {
    const count: Logs['write'] = (self, [x]) => self.log('n', x?.shape[0] as number, { reduceFx: 'sum' })
    const [padded] = await validated(4, count, undefined, { exactEvaluation: false })
    const [exact] = await validated(4, count)
    expect([exact?.metrics['n'], padded?.metrics['n']]).toEqual([10, 12])
  })
})

describe('training values', () => {
  it('are known as step and epoch, by loader, for the progress bar and in the history', async () => {
    class Both extends Line {
      override trainingStep(batch: tf.Tensor[], index?: number): tf.Tensor {
        this.log('number', index ?? 0, { onEpoch: true, progBar: true })
        this.log('hidden', 1, { logger: false })
        return super.trainingStep(batch)
      }
      override onTrainEpochEnd(): void {
        this.log('at_end', 7)
      }
    }
    const [trainer] = await onRanks(
      1,
      async (own, rank) => {
        await own.fit(new Both(), lineLoader(12), [lineLoader(4), lineLoader(4)])
        return { board: own.board, events: rank.events }
      },
      { logEveryNSteps: 2, numSanityValSteps: 0 },
    )
    const { board, events } = trainer ?? { board: null as never, events: [] }
    expect(board.callbackMetrics).toMatchObject({ number_step: 2, number_epoch: 1, number: 1, at_end: 7, hidden: 1 })
    expect(board.progressBarMetrics).toEqual({ number_step: 2, number_epoch: 1 })
    expect(Object.keys(board.callbackMetrics)).toContain('val_loss/dataloader_idx_1')
    expect(board.history.map((row) => row['number_step'])).toEqual([0, 1, 2])
    expect(board.history.at(-1)).toMatchObject({ step: 3, epoch: 0, number_epoch: 1, at_end: 7 })
    const metrics = events.flatMap((event) => (event.kind === 'metrics' ? [event] : []))
    expect(metrics[0]).toMatchObject({ step: 2, values: { number_step: 1 } })
    expect(metrics.flatMap(({ values }) => Object.keys(values))).not.toContain('hidden')
  })

  it('are reduced at once with syncDist, also while a rank has no data any more', async () => {
    class Synced extends Line {
      override trainingStep(batch: tf.Tensor[]): tf.Tensor {
        this.log('ranks', this.globalRank + 1, { syncDist: true })
        return super.trainingStep(batch)
      }
    }
    const seen = await onRanks(
      2,
      async (trainer, { context }) => {
        const loader = lineLoader(context.group.rank === 0 ? 12 : 4)
        await trainer.fit(new Synced(), loader)
        return trainer.history.map((row) => row['ranks'])
      },
      { useDistributedSampler: false },
    )
    expect(seen).toEqual([
      [1.5, 1, 1],
      [1.5, 1, 1],
    ])
  })

  it('name the ranks on which a key is missing', async () => {
    const write: Logs['write'] = (self) => {
      self.log('everywhere', 1)
      if (self.globalRank === 1) self.log('extra', 1)
    }
    await expect(validated(3, write, () => lineLoader(12))).rejects.toThrow(
      /rank 0 did not log "extra"; rank 2 did not log "extra"/,
    )
  })
})

describe('refusals', () => {
  const place: LogPlace = {
    stage: 'train',
    hook: 'trainingStep',
    inStep: true,
    dataloaderIndex: null,
    batchSize: 4,
    worldSize: 2,
  }
  const epochPlace: LogPlace = { ...place, hook: 'onTrainEpochEnd', inStep: false }

  it.each<[RegExp, LogOptions, LogPlace?, string?]>([
    [/nothing would be kept/, { onStep: false, onEpoch: false }],
    [/mean, min, max, sum/, { reduceFx: 'median' as never }],
    [/addDataloaderIdx: false/, {}, { ...place, dataloaderIndex: 1 }, 'loss/dataloader_idx_1'],
    [/has no step/, { onStep: true }, epochPlace],
    [/no logger/, { logger: true }],
    [/batchSize/, { batchSize: 0 }],
    [/on_step/, { on_step: true } as never],
    [/different ranks from 0 to 1/, { syncDistGroup: 1 } as never],
    [/different ranks from 0 to 1/, { syncDistGroup: [0, 2] }],
    [/different ranks from 0 to 1/, { syncDistGroup: [1, 1] }],
    [/metricAttribute is not part/, { metricAttribute: 'a' } as never],
  ])('says %s', (message, options, at = place, name = 'loss') => {
    expect(() => resolveLog(name, options, at, false)).toThrow(message)
  })

  it('has the defaults of the place', () => {
    expect(resolveLog('a', {}, place, true)).toMatchObject({ onStep: true, onEpoch: false, syncDist: false })
    expect(resolveLog('a', {}, epochPlace, true)).toMatchObject({ onStep: false, onEpoch: true })
    const evaluation: LogPlace = { ...place, stage: 'validate', hook: 'validationStep' }
    expect(resolveLog('a', {}, evaluation, true)).toMatchObject({ onStep: false, onEpoch: true, syncDist: true })
  })

  it('refuses values that are no number, other options for one name, and log where nothing is reduced', async () => {
    await expect(validated(1, (self) => self.log('v', tf.zeros([2, 3])))).rejects.toThrow(/\[2, 3\]/)
    await expect(validated(1, (self) => self.log('v', 'high' as never))).rejects.toThrow(/"high"/)
    const twice: Logs['write'] = (self) => {
      self.log('v', 1)
      self.log('v', 1, { progBar: true })
    }
    await expect(validated(1, twice)).rejects.toThrow(/progBar/)
    expect(() => new Line().log('v', 1)).toThrow(/no trainer/)
    class Early extends Line {
      override onFitStart(): void {
        this.log('v', 1)
      }
      override predictStep(): tf.Tensor {
        this.log('v', 1)
        return tf.zeros([1])
      }
    }
    await onRanks(1, async (trainer) => {
      await expect(trainer.fit(new Early(), lineLoader(4))).rejects.toThrow(/onFitStart/)
      await expect(trainer.predict(new Early(), lineLoader(4))).rejects.toThrow(/predict/)
    })
    expect(new RondoModule().training).toBe(false)
  })
})
