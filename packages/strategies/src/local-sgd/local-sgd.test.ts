/** Local SGD and post-local SGD: equal after each meeting, weighted by samples, 1/H of the bytes. */
import { sgd, tf } from '@rondo/engine'
import { describe, expect, it } from 'vitest'
import { DdpStrategy } from '../ddp/ddp.ts'
import { finalLoss, runRanks, type TestRank, train } from '../testing/world.ts'
import { LocalSGDStrategy } from './local-sgd.ts'
import { PostLocalSGDStrategy } from './post-local-sgd.ts'

const SAMPLE_COUNT_BYTES = 8

const distinct = (hashes: ReadonlyArray<string | undefined>): number => new Set(hashes).size

describe.each([1, 2, 3, 4])('%i ranks', (worldSize) => {
  it('are bit-equal right after each average, and only then', async () => {
    const ranks = await runRanks(worldSize, (rank) => train(rank, new LocalSGDStrategy({ steps: 3 }), { steps: 7 }))
    const at = [0, 1, 2, 3, 4, 5, 6].map((step) => distinct(ranks.map(({ hashes }) => hashes[step])))
    expect(at).toEqual(
      worldSize === 1 ? at.map(() => 1) : [worldSize, worldSize, 1, worldSize, worldSize, 1, worldSize],
    )
    await Promise.all(ranks.map(({ replica }) => replica.syncWeights?.()))
    expect(distinct(await Promise.all(ranks.map(({ net }) => net.hash())))).toBe(1)
  })
})

/** One weight w, loss (w − target)²/2 with the rank's own target: gradient w − target. */
async function oneWeight(context: TestRank, target: number, samples: number[], steps: number): Promise<number> {
  const w = tf.variable(tf.scalar(0))
  const model = { forward: (x: tf.Tensor) => x, parameters: () => ({ w }) }
  const replica = await new LocalSGDStrategy({ steps }).setupModel(model as never, context)
  const optimizer = sgd({ learningRate: 0.5 })
  for (const count of samples) {
    replica.zeroGrad()
    await replica.backward(() => tf.mul(tf.square(tf.sub(w, target)), 0.5) as tf.Scalar, count, true)
    await replica.step(optimizer)
  }
  return (await w.data())[0] as number
}

it('weighs each rank by the samples since the last average', async () => {
  // Two steps at rate 0.5 from 0 towards t end at 0.75·t: 0.75·8 with 1+2 samples, 0.75·16 with 3+6.
  const weights = await runRanks(2, (rank) =>
    rank.rank === 0 ? oneWeight(rank, 8, [1, 2], 2) : oneWeight(rank, 16, [3, 6], 2),
  )
  for (const weight of weights) expect(weight).toBeCloseTo((6 * 3 + 12 * 9) / 12, 6)
})

it('lets a rank without data meet the others and learn nothing', async () => {
  const weights = await runRanks(2, (rank) => oneWeight(rank, 8, rank.rank === 0 ? [4, 4] : [0, 0], 2))
  for (const weight of weights) expect(weight).toBeCloseTo(6, 6)
})

it("sends 1/H of DDP's gradients, and nothing in between", async () => {
  const ddp = await runRanks(2, (rank) => train(rank, new DdpStrategy(), { steps: 8 }))
  const local = await runRanks(2, (rank) => train(rank, new LocalSGDStrategy({ steps: 4 }), { steps: 8 }))
  const perStep = (ddp[0]?.bytes as number) / 8
  for (const { bytes } of local) expect(bytes).toBe(2 * perStep)
})

it('learns what DDP learns', async () => {
  const options = { steps: 60, learningRate: 0.3, samples: () => 8 }
  const ddp = await runRanks(2, (rank) => train(rank, new DdpStrategy(), options))
  const local = await runRanks(2, (rank) => train(rank, new LocalSGDStrategy({ steps: 8 }), options))
  expect(finalLoss(local)).toBeLessThan(1.25 * finalLoss(ddp))
}, 60_000)

describe('post_local_sgd', () => {
  const strategy = (): PostLocalSGDStrategy =>
    new PostLocalSGDStrategy({ startLocalSGDIter: 2, modelAveragingPeriod: 3 })
  /** Ranks 0 and 1 on one node, 2 and 3 on another. */
  const nodeOf = (rank: number): number => rank >> 1

  it('keeps all equal until the start, then nodes, and all again at each average', async () => {
    const ranks = await runRanks(4, (rank) => train(rank, strategy(), { steps: 8 }), nodeOf)
    const at = [0, 1, 2, 3, 4, 5, 6, 7].map((step) => distinct(ranks.map(({ hashes }) => hashes[step])))
    expect(at).toEqual([1, 1, 2, 2, 1, 2, 2, 1])
    expect(ranks[0]?.hashes).toEqual(ranks[1]?.hashes)
  })

  it('averages inside a node by samples, as DDP on that node alone', async () => {
    const samples = (rank: number): number => 2 + rank
    const four = await runRanks(
      4,
      (rank) =>
        train(rank, new PostLocalSGDStrategy({ startLocalSGDIter: 0, modelAveragingPeriod: 99 }), {
          steps: 3,
          samples,
        }),
      nodeOf,
    )
    const two = await runRanks(2, (rank) => train(rank, new DdpStrategy(), { steps: 3, samples }))
    const alone = (await two[0]?.net.values()) as number[]
    expect(await four[1]?.net.values()).toEqual(alone.map((value) => expect.closeTo(value, 5)))
  })

  it('sends no gradients between nodes of one rank each', async () => {
    const ranks = await runRanks(
      2,
      (rank) => train(rank, new PostLocalSGDStrategy({ startLocalSGDIter: 0, modelAveragingPeriod: 99 }), { steps: 5 }),
      (rank) => rank,
    )
    for (const { bytes } of ranks) expect(bytes).toBe(5 * SAMPLE_COUNT_BYTES)
  })
})

it('refuses what cannot be, saying what to set', () => {
  expect(() => new LocalSGDStrategy({ steps: 0 })).toThrow(/steps is 0.*whole number of at least 1/)
  expect(() => new LocalSGDStrategy({ step: 5 } as never)).toThrow(/no option step\. Allowed are steps/)
  expect(() => new PostLocalSGDStrategy()).toThrow(/needs modelAveragingPeriod/)
  expect(() => new PostLocalSGDStrategy({ modelAveragingPeriod: 0 })).toThrow(/modelAveragingPeriod is 0/)
})
