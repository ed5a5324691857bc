/** Every communication hook: replicas stay bit-identical, training converges as without, and wrong options are refused. */
import { GradientBuckets, tf } from '@rondo/engine'
import { beforeAll, describe, expect, it } from 'vitest'
import { finalLoss, runRanks, type Trained, train } from '../../testing/world.ts'
import { type DdpOptions, DdpStrategy } from '../ddp.ts'
import { BucketReducer } from './bucket-reducer.ts'
import { makeCommHook } from './resolve.ts'

/** Small buckets, so that several of them are under way. */
const SMALL = { bucketCapMb: 1e-4, firstBucketMb: 1e-4 }

const HOOKS: Array<[string, DdpOptions]> = [
  ['fp32', {}],
  ['fp16', { ddpCommHook: 'fp16' }],
  ['bf16', { ddpCommHook: 'bf16' }],
  ['int8', { ddpCommHook: 'int8' }],
  [
    'int8, stochastic, without feedback',
    { ddpCommHook: 'int8', ddpCommState: { errorFeedback: false, rounding: 'stochastic' } },
  ],
  ['powerSGD', { ddpCommHook: 'powerSGD', ddpCommState: { startPowerSGDIter: 2 } }],
  [
    'powerSGD of rank 2, cold, as fp16',
    {
      ddpCommHook: 'power_sgd',
      ddpCommState: { startPowerSGDIter: 2, matrixApproximationRank: 2, warmStart: false },
      ddpCommWrapper: 'fp16',
    },
  ],
  ['topK', { ddpCommHook: 'topK', ddpCommState: { ratio: 0.2 } }],
  ['topK as bf16', { ddpCommHook: 'topK', ddpCommState: { ratio: 0.2 }, ddpCommWrapper: 'bf16' }],
  [
    'post_localSGD inside its node',
    { ddpCommHook: 'post_localSGD', ddpCommState: { startLocalSGDIter: 2 }, modelAveragingPeriod: 100 },
  ],
  [
    'a function',
    {
      ddpCommHook: async (bucket, ctx) => ({
        ...bucket,
        values: await ctx.allReduce(bucket.values, `own ${bucket.index}`),
      }),
    },
  ],
]

const converge = (options: DdpOptions): Promise<Trained[]> =>
  runRanks(2, (rank) => train(rank, new DdpStrategy(options), { steps: 100, learningRate: 0.3, samples: () => 8 }))
let plainRun: Promise<Trained[]>

beforeAll(() => {
  plainRun = converge({})
})

describe.each(HOOKS)('%s', (_, hook) => {
  it.each([1, 2, 3, 4])('keeps %i ranks bit-identical at every step', async (worldSize) => {
    for (const more of [{}, { microBatches: 2, withUnused: true }]) {
      const options = { ...SMALL, ...hook, findUnusedParameters: 'withUnused' in more }
      const ranks = await runRanks(worldSize, (rank) => train(rank, new DdpStrategy(options), more))
      for (const { hashes } of ranks) expect(hashes).toEqual(ranks[0]?.hashes)
      expect(new Set(ranks[0]?.hashes).size).toBe(6)
    }
  })

  it('converges as plain averages do, within a tenth of the loss', async () => {
    const plain = await plainRun
    expect(finalLoss(plain)).toBeLessThan(0.2 * (plain[0]?.losses[0] as number))
    expect(finalLoss(await converge(hook))).toBeLessThan(1.1 * finalLoss(plain))
  }, 60_000)
})

it.each(['fp32', 'fp16', 'bf16', 'int8', 'topK'])(
  '%s gives Σ(g·n)/Σn, also where the sums leave half precision',
  async (name) => {
    const state = name === 'topK' ? { ratio: 1 } : undefined
    const hook = makeCommHook({ hook: name, state, wrapper: undefined })
    const weights = [3, 0, 50]
    const gradients = [
      [30_000, -1, 0.5],
      [Number.NaN, 0, 0],
      [60_000, 2, 0.25],
    ]
    const expected = [0, 1, 2].map((i) => (3 * gradients[0]![i]! + 50 * gradients[2]![i]!) / 53)
    const results = await runRanks(3, async (context) => {
      const variable = tf.variable(tf.zeros([3]))
      const parameters = [{ name: 'w', variable, trainable: true }]
      const reducer = new BucketReducer(context, parameters, new GradientBuckets(parameters), hook && { ...hook })
      const own = weights[context.rank] as number
      // A rank without samples has summed nothing: zeros, whatever its gradient was.
      const values = Float32Array.from(gradients[context.rank]!, (g) => (own === 0 ? 0 : g * own))
      const sum = Promise.resolve(Float64Array.of(53))
      return reducer.reduceBucket(0, values, { own, sum })
    })
    for (const sums of results) {
      expect(sums).toEqual(results[0])
      const precision = { fp32: 1e-6, fp16: 1e-3, bf16: 1e-2, int8: 2e-2, topK: 1e-6 }[name] as number
      sums.forEach((value, i) => {
        expect(Math.abs(value / 53 - expected[i]!)).toBeLessThan(
          precision * (name === 'int8' ? 60_000 : Math.abs(expected[i]!)),
        )
      })
    }
  },
)

describe('options', () => {
  const refused = (options: unknown): string => {
    try {
      new DdpStrategy(options as DdpOptions)
    } catch (error) {
      return String(error)
    }
    return 'accepted'
  }

  it.each([
    [{ ddpCommHook: 'gzip' }, /"gzip".*fp32, fp16, bf16, int8, powerSGD, topK, post_localSGD/],
    [{ ddpCommHook: 5 }, /ddpCommHook is a number/],
    [{ ddpCommHook: 'fp16', commHook: 'fp16' }, /one option/],
    [{ ddpCommState: { ratio: 1 } }, /without ddpCommHook/],
    [{ ddpCommHook: 'fp16', ddpCommState: { ratio: 1 } }, /no option ratio/],
    [{ ddpCommHook: 'fp16', ddpCommState: [] }, /an array/],
    [{ ddpCommHook: 'fp16', ddpCommWrapper: 'fp16' }, /wire format already/],
    [{ ddpCommHook: 'powerSGD', ddpCommWrapper: 'int8' }, /"fp16" and "bf16"/],
    [{ ddpCommHook: 'topK', ddpCommState: { ratio: 0 } }, /ratio is 0.*above 0/],
    [{ ddpCommHook: 'int8', ddpCommState: { errorFeedback: 1 } }, /errorFeedback is 1.*true or false/],
    [{ ddpCommHook: 'int8', ddpCommState: { rounding: 'up' } }, /rounding is "up".*"nearest", "stochastic"/],
    [
      { ddpCommHook: 'powerSGD', ddpCommState: { startPowerSGDIter: 1 } },
      /startPowerSGDIter is 1.*useErrorFeedback and warmStart/,
    ],
    [{ ddpCommHook: 'powerSGD', ddpCommState: { startPowerSGDIter: 0, warmStart: false } }, /with useErrorFeedback/],
    [{ ddpCommHook: 'powerSGD', ddpCommState: { rank: 2 } }, /no option rank.*matrixApproximationRank/],
    [{ ddpCommHook: 'powerSGD', ddpCommState: { matrixApproximationRank: 1.5 } }, /whole number of at least 1/],
    [{ ddpCommHook: 'post_localSGD' }, /needs modelAveragingPeriod/],
    [{ modelAveragingPeriod: 8 }, /without ddpCommHook/],
    [{ ddpCommHook: 'post_localSGD', modelAveragingPeriod: 0.5 }, /whole number of at least 1/],
  ])('%j are refused', (options, message) => {
    expect(refused(options)).toMatch(message)
  })

  it.each(['fp32', 'FP16', 'f16', 'bf16', 'int8', 'powerSGD', 'power_sgd', 'topk', 'top_k'])('%s is a name', (name) => {
    expect(refused({ ddpCommHook: name })).toBe('accepted')
  })

  it('allow compression from the start where nothing is kept', () => {
    const ddpCommState = { startPowerSGDIter: 0, warmStart: false, useErrorFeedback: false }
    expect(refused({ commHook: 'powerSGD', ddpCommState })).toBe('accepted')
  })
})

it('takes one hook a model, and says how gradients travel', async () => {
  await runRanks(2, async (context) => {
    const { replica } = await train(context, new DdpStrategy({ ddpCommHook: 'int8' }), { steps: 1 })
    expect(replica.wire).toBe('int8 with error feedback')
    expect(() => replica.registerCommHook?.({ hook: 'fp16', state: undefined, wrapper: undefined })).toThrow(
      /"int8" already/,
    )
    const plain = await train(context, new DdpStrategy(), { steps: 1 })
    expect(plain.replica.wire).toBe('f32')
    plain.replica.registerCommHook?.({ hook: 'fp16', state: undefined, wrapper: undefined })
    expect(plain.replica.wire).toBe('f16')
  })
})

it('names what a function returned instead of the bucket', async () => {
  const strategy = new DdpStrategy({ ddpCommHook: async function lazy() {} as never })
  await expect(runRanks(2, (rank) => train(rank, strategy, { steps: 1 }))).rejects.toThrow(/lazy returned a undefined/)
  const short = new DdpStrategy({ ddpCommHook: async () => new Float32Array(1) })
  await expect(runRanks(2, (rank) => train(rank, short, { steps: 1 }))).rejects.toThrow(/1 values.*of the same length/)
})
