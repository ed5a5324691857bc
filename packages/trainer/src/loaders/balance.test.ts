/** Batches by measured speed: a slowed rank gets less, every sample comes once, and the training is the same. */
import { sgd, type tf } from '@rondo/engine'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import { LoadBalancer, newShares } from './balance.ts'

/** Tells which samples it saw. */
class Watched extends Line {
  readonly seen: number[][] = []

  override configureOptimizers() {
    return sgd({ learningRate: 1e-5 })
  }

  override trainingStep(batch: tf.Tensor[]): tf.Tensor {
    this.seen.push([...(batch[0] as tf.Tensor).dataSync()].map((value) => value * 4))
    return this.loss(batch)
  }
}

/** Ranks whose samples cost so many milliseconds by their own clock: a real clock would make the test depend on the day. */
function slowedRanks(cost: (rank: number) => number): void {
  const { afterStep } = LoadBalancer.prototype
  vi.spyOn(LoadBalancer.prototype, 'afterStep').mockImplementation(function (this: LoadBalancer, models) {
    const { rank } = this.run
    const told = models.map(({ replica }) => {
      const samples = replica.lastStep?.samples ?? 0
      return { replica: { lastStep: { samples, times: { compute: cost(rank) * samples, readback: 0 } } } }
    })
    return afterStep.call(this, told as never)
  })
  onTestFinished(() => {
    vi.restoreAllMocks()
  })
}

async function trained(worldSize: number, steps: number, balanceBatches: boolean) {
  return onRanks(
    worldSize,
    async (trainer) => {
      const module = new Watched()
      await trainer.fit(module, lineLoader(8 * worldSize * steps - 3, { batchSize: 8 }))
      return { seen: module.seen, weights: module.weights(), steps: trainer.globalStep }
    },
    { balanceBatches, logEveryNSteps: 0 },
  )
}

describe('balanceBatches', () => {
  it.each([2, 4])('deals a slowed rank less of the same global batch, on %s ranks', async (worldSize) => {
    const say = vi.spyOn(console, 'info').mockImplementation(() => {})
    const slow = worldSize - 1
    slowedRanks((rank) => (rank === slow ? 3 : 1))
    const plain = await trained(worldSize, 16, false)
    const ranks = await trained(worldSize, 16, true)
    const sizes = ranks.map(({ seen }) => seen.map((batch) => batch.length))
    expect(sizes.every((each) => each[0] === 8)).toBe(true)
    expect(sizes[slow]?.[13]).toBeLessThan(8)
    expect(sizes[0]?.[13]).toBeGreaterThan(8)
    for (let step = 0; step < 15; step++) {
      expect(sizes.reduce((sum, each) => sum + (each[step] ?? 0), 0)).toBe(8 * worldSize)
    }
    const all = ranks.flatMap(({ seen }) => seen.flat()).sort((a, b) => a - b)
    expect(all).toEqual(Array.from({ length: 8 * worldSize * 16 - 3 }, (_, i) => i))
    expect(ranks.map(({ steps }) => steps)).toEqual(plain.map(({ steps }) => steps))
    for (const { weights } of ranks) expect(weights).toEqual(ranks[0]?.weights)
    expect(say.mock.calls.flat().join('\n')).toMatch(/balanceBatches: a step of \d+ samples is dealt/)
  })

  it('trains as equal batches do', async () => {
    slowedRanks((rank) => (rank === 0 ? 5 : 1))
    const whole = (balance: boolean) =>
      onRanks(
        2,
        async (trainer) => {
          const module = new Watched()
          await trainer.fit(module, lineLoader(8 * 2 * 16, { batchSize: 8 }))
          return module.weights()
        },
        { balanceBatches: balance },
      )
    const [plain, balanced] = [(await whole(false))[0], (await whole(true))[0]]
    balanced?.forEach((weight, i) => {
      expect(weight).toBeCloseTo(plain?.[i] as number, 5)
    })
  })

  it('is named where only one rank asks for it', async () => {
    const fit = onRanks(
      2,
      async (trainer, { context }) => {
        trainer.resolved.balanceBatches = context.group.rank === 0
        await trainer.fit(new Watched(), lineLoader(8 * 2 * 12, { batchSize: 8 }))
      },
      {},
      { stepTimeoutMs: 900 },
    )
    await expect(fit).rejects.toThrow(/gather|rank/)
  })

  it('refuses streams, the uniform average and orders of one own', async () => {
    const stream = onRanks(2, (trainer) => trainer.fit(new Watched(), streamLoader()), { balanceBatches: true })
    await expect(stream).rejects.toThrow(/iterable data set.*rank|iterable data set/)
    for (const options of [{ gradientAverage: 'uniform' as const }, { useDistributedSampler: false }]) {
      await expect(onRanks(1, async () => {}, { balanceBatches: true, ...options })).rejects.toThrow(
        expect.objectContaining({ code: 'CONFLICT' }),
      )
    }
  })
})

it.each([
  [[8, 8], [1, 1], null],
  [
    [8, 8],
    [1, 3],
    [10, 6],
  ],
  [
    [10, 6],
    [1, 3],
    [11, 5],
  ],
  [[8, 8], [1, 0], null],
  [[8, 8], [1, Number.NaN], null],
  [
    [4, 4, 4, 4],
    [1, 1, 1, 9],
    [5, 5, 4, 2],
  ],
])('cuts %j at %j ms a sample into %j', (old, costs, shares) => {
  const cut = newShares(old, costs)
  expect(cut).toEqual(shares)
})

function streamLoader(): ReturnType<typeof lineLoader> {
  const whole = lineLoader(8)
  const source = {
    *[Symbol.iterator]() {
      yield [{ data: new Float32Array(1), shape: [1], dtype: 'float32' as const }]
    },
  }
  return new (whole.constructor as new (...args: unknown[]) => typeof whole)(source, { batchSize: 4 })
}
