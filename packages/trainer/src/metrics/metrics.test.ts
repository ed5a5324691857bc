/** Metric objects: values against counts made by hand, exact merging over ranks whatever the split, refusals, log. */
import { selectAccelerator, tf } from '@rondo/engine'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { runRanks } from '../../../fabric/src/testing/ranks.ts'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import {
  Accuracy,
  AUROC,
  ConfusionMatrix,
  F1Score,
  MaxMetric,
  MeanAbsoluteError,
  MeanMetric,
  MeanSquaredError,
  type Metric,
  MinMetric,
  Precision,
  Recall,
  SumMetric,
} from './index.ts'

beforeAll(async () => {
  await selectAccelerator('cpu')
})

type Updated = Metric<unknown> & { update(...inputs: unknown[]): Promise<void> }

async function fed(metric: Metric<unknown>, ...updates: unknown[][]): Promise<unknown> {
  for (const inputs of updates) void (metric as Updated).update(...inputs)
  return metric.merged([await metric.states()])
}

describe('values', () => {
  // True classes 0 0 0 1 1 2, predicted 0 0 1 1 2 2.
  const guesses = [0, 0, 1, 1, 2, 2]
  const truth = [0, 0, 0, 1, 1, 2]

  it.each<[string, Metric<unknown>, number]>([
    ['accuracy', new Accuracy({ numClasses: 3 }), 4 / 6],
    ['accuracy, macro', new Accuracy({ numClasses: 3, average: 'macro' }), (2 / 3 + 1 / 2 + 1) / 3],
    ['precision, macro', new Precision({ numClasses: 3, average: 'macro' }), (1 + 1 / 2 + 1 / 2) / 3],
    ['recall, macro', new Recall({ numClasses: 3, average: 'macro' }), (2 / 3 + 1 / 2 + 1) / 3],
    ['F1, macro', new F1Score({ numClasses: 3, average: 'macro' }), (4 / 5 + 1 / 2 + 2 / 3) / 3],
    ['F1, micro', new F1Score({ numClasses: 3 }), 4 / 6],
    ['classes nobody saw do not count', new Recall({ numClasses: 9, average: 'macro' }), (2 / 3 + 1 / 2 + 1) / 3],
  ])('%s', async (_, metric, wanted) => {
    expect(await fed(metric, [guesses.slice(0, 2), truth.slice(0, 2)], [guesses.slice(2), truth.slice(2)])).toBeCloseTo(
      wanted,
      14,
    )
  })

  it('confusion matrix of scores and one-hot targets; of two classes by a threshold', async () => {
    const scores = tf.tensor2d([0.1, 0.9, 0, 0.8, 0.1, 0.1, 0, 0, 1], [3, 3])
    const oneHot = tf.oneHot(tf.tensor1d([1, 1, 2], 'int32'), 3)
    expect(await fed(new ConfusionMatrix({ numClasses: 3 }), [scores, oneHot])).toEqual([
      [0, 0, 0],
      [1, 1, 0],
      [0, 0, 1],
    ])
    tf.dispose([scores, oneHot])
    const binary = new ConfusionMatrix({ numClasses: 2, threshold: 0.3 })
    expect(
      await fed(binary, [
        [0.2, 0.4, 0.9],
        [0, 0, 1],
      ]),
    ).toEqual([
      [1, 1],
      [0, 1],
    ])
  })

  it('area under the curve counts ties half, and needs both classes', async () => {
    const scores = [0.1, 0.4, 0.35, 0.8, 0.4, 0.9, 0.4, 0.2]
    const targets = [0, 0, 1, 1, 1, 1, 0, 0]
    expect(await fed(new AUROC(), [scores.slice(0, 3), targets.slice(0, 3)], [scores.slice(3), targets.slice(3)])).toBe(
      13 / 16,
    )
    expect(
      await fed(new AUROC(), [
        [1, 2],
        [1, 1],
      ]),
    ).toBeNaN()
    expect(
      await fed(new AUROC(), [
        [1, Number.NaN],
        [1, 0],
      ]),
    ).toBeNaN()
  })

  it('numbers: mean by weight, sum, extremes with NaN, errors', async () => {
    expect(await fed(new MeanMetric(), [0.5, 8], [[1, 1], 1])).toBeCloseTo(0.6, 15)
    expect(
      await fed(new MeanMetric(), [
        [1, 4],
        [3, 1],
      ]),
    ).toBe(7 / 4)
    expect(await fed(new MeanMetric())).toBeNaN()
    expect(await fed(new SumMetric(), [[1, 2]], [3])).toBe(6)
    expect(await fed(new MinMetric(), [[4, 2]], [3])).toBe(2)
    expect(await fed(new MaxMetric(), [[4, Number.NaN]], [9])).toBeNaN()
    expect(await fed(new MeanSquaredError(), [[[1, 2]], [[3, 1]]])).toBe(2.5)
    expect(await fed(new MeanAbsoluteError(), [[[1, 2]], [[3, 1]]])).toBe(1.5)
  })

  it('tensors may be freed as soon as update returns, and a reset forgets what is being read', async () => {
    const metric = new SumMetric()
    tf.tidy(() => void metric.update(tf.tensor1d([1, 2])))
    metric.reset()
    tf.tidy(() => void metric.update(tf.tensor1d([5])))
    const before = tf.memory().numTensors
    expect(await metric.compute()).toBe(5)
    expect(tf.memory().numTensors).toBe(before)
  })
})

it('any split over ranks gives the value of all samples, on every rank', async () => {
  const sample = fc.record({ score: fc.integer({ min: 0, max: 4 }), target: fc.integer({ min: 0, max: 1 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(sample, { maxLength: 5 }), { minLength: 1, maxLength: 4 }), async (shares) => {
      const make = () => [new AUROC(), new F1Score({ numClasses: 2, threshold: 2 }), new MeanMetric(), new MaxMetric()]
      const feed = (metrics: Metric<unknown>[], samples: (typeof shares)[number]) => {
        const [scores, targets] = [samples.map(({ score }) => score / 2 + 0.25), samples.map(({ target }) => target)]
        if (samples.length === 0) return
        metrics.forEach((metric, i) => void (metric as Updated).update(...(i < 2 ? [scores, targets] : [scores])))
      }
      const whole = make()
      feed(whole, shares.flat())
      const wanted = await Promise.all(whole.map(async (metric) => metric.merged([await metric.states()])))
      const ranks = await runRanks(shares.length, async ({ context }) => {
        const metrics = make()
        feed(metrics, shares[context.group.rank] ?? [])
        const values: unknown[] = []
        for (const metric of metrics) values.push(await metric.compute(context))
        return values
      })
      for (const values of ranks) expect(values).toEqual(wanted)
    }),
    { numRuns: 20, seed: 4 },
  )
})

it.each<[string, () => unknown, RegExp]>([
  ['too few classes', () => new Accuracy({ numClasses: 1 }), /numClasses: 1.*at least 2/],
  ['an unknown average', () => new Recall({ numClasses: 2, average: 'all' as never }), /"micro" and "macro"/],
  [
    'a state that is not there',
    () =>
      new (class extends SumMetric {
        look = () => this.state('x')
      })().look(),
    /no state "x"/,
  ],
])('%s is refused', (_, make, message) => {
  expect(make).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.stringMatching(message) }))
})

it.each<[string, Metric<unknown>, unknown[], RegExp]>([
  ['a class that there is not', new Accuracy({ numClasses: 3 }), [[3], [0]], /from 0 to 2/],
  ['scores of another width', new Accuracy({ numClasses: 3 }), [[[0.1, 0.2]], [0]], /\[1, 2\].*\[n, 3\]/],
  ['targets that are missing', new Accuracy({ numClasses: 3 }), [[0, 1], [0]], /2 predictions and 1 targets/],
  ['a curve of three classes', new AUROC(), [[0.5], [2]], /0 or 1/],
  [
    'weights that do not fit',
    new MeanMetric(),
    [
      [1, 2, 3],
      [1, 2],
    ],
    /3 values with 2 weights/,
  ],
  ['errors of unlike shapes', new MeanSquaredError(), [[1, 2], [1]], /\[2\] and targets of \[1\]/],
])('%s is told at compute, and by the update', async (_, metric, inputs, message) => {
  const wrong = expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.stringMatching(message) })
  await expect((metric as Updated).update(...inputs)).rejects.toEqual(wrong)
  void (metric as Updated).update(...inputs)
  await expect(metric.states()).rejects.toEqual(wrong)
})

describe('this.log(name, metric)', () => {
  class Measured extends Line {
    readonly error = new MeanSquaredError()
    override validationStep([x, y]: tf.Tensor[]): void {
      void this.error.update(this.forward(x), y as tf.Tensor)
      this.log('error', this.error)
    }
  }

  it.each([1, 3])('is exact over %i ranks and epochs, also on a rank without a batch', async (worldSize) => {
    const ranks = await onRanks(worldSize, async (trainer) => {
      const module = new Measured()
      // Two samples: with three ranks one of them has none.
      const [metrics] = await trainer.validate(module, lineLoader(2, { batchSize: 1 }))
      const [again] = await trainer.validate(module, lineLoader(2, { batchSize: 1 }))
      return [metrics, again, trainer.callbackMetrics['error']]
    })
    // y = 0 and 0.75, predicted 0.
    const wanted = { error: 0.75 ** 2 / 2 }
    for (const values of ranks) expect(values).toEqual([wanted, wanted, wanted.error])
  })

  it('refuses another object of that name, options that it decides itself, and values that are no number', async () => {
    const logging = (log: (module: Line) => void) =>
      onRanks(1, async (trainer) => {
        class Logging extends Line {
          override validationStep(): void {
            log(this)
          }
        }
        await trainer.validate(new Logging(), lineLoader(8, { batchSize: 4 }))
      })
    await expect(logging((module) => module.log('a', new SumMetric()))).rejects.toThrow(/another metric object/)
    const one = new SumMetric()
    await expect(logging((module) => module.log('a', one, { reduceFx: 'max' }))).rejects.toThrow(/reduceFx: "max"/)
    await expect(logging((module) => module.log('a', one, { onEpoch: false }))).rejects.toThrow(/onEpoch: false/)
    const matrix = new ConfusionMatrix({ numClasses: 2 })
    await expect(logging((module) => module.log('a', matrix as never))).rejects.toThrow(/no number but a list/)
  })

  it('names the rank that did not log it', async () => {
    const ranks = onRanks(2, async (trainer) => {
      const metric = new SumMetric()
      class Uneven extends Line {
        override validationStep(): void {
          if (trainer.globalRank === 0) this.log('only here', metric)
        }
      }
      await trainer.validate(new Uneven(), lineLoader(8, { batchSize: 4 }))
    })
    await expect(ranks).rejects.toThrow(/rank 1 did not log "only here"/)
  })
})
