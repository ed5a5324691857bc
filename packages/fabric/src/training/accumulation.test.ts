/** Averages and accumulation: weighted and uniform, micro-batches against one batch, and what they cost on the wire. */
import { tf } from '@rondo/engine'
import { DdpStrategy } from '@rondo/strategies'
import { afterEach, expect, it, vi } from 'vitest'
import { fabricOn, Weights } from '../testing/nets.ts'
import { runRanks, type TestRank } from '../testing/ranks.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** One step: rank r has these gradients, each with its number of samples; all but the last do not synchronise. */
async function step(rank: TestRank, gradients: Array<[number, number]>, strategy: string | DdpStrategy = 'ddp') {
  const fabric = await fabricOn(rank, { strategy: strategy as string })
  const weights = new Weights({ a: 1 })
  const [model, optimizer] = await fabric.setup(weights, tf.train.sgd(1))
  for (const [i, [value, samples]] of gradients.entries()) {
    await fabric.noBackwardSync(
      model as never,
      () => fabric.backward(() => model.forward({ a: [value] } as never) as unknown as tf.Scalar, { samples }),
      { enabled: i < gradients.length - 1 },
    )
  }
  await optimizer.step()
  return -(weights.values()['a']?.[0] as number)
}

it.each([
  ['weighted', 2],
  ['uniform', 3],
] as const)('averages g=1 n=3 and g=5 n=1 by gradientAverage %s to %d', async (gradientAverage, average) => {
  const of = [[[1, 3]], [[5, 1]]] as Array<Array<[number, number]>>
  const results = await runRanks(2, (rank) =>
    step(rank, of[rank.context.group.rank] as Array<[number, number]>, new DdpStrategy({ gradientAverage })),
  )
  expect(results).toEqual([average, average])
})

it('sums locally and divides by the world alone where the average is uniform', async () => {
  const results = await runRanks(2, (rank) =>
    step(
      rank,
      [
        [1, 3],
        [2, 5],
      ],
      new DdpStrategy({ gradientAverage: 'uniform' }),
    ),
  )
  expect(results).toEqual([3, 3])
})

it.each([1, 2, 4])(
  'makes micro-batches of 5, 5 and 2 equal one batch of 12 on %d ranks, at a third of the traffic',
  async (world) => {
    const parts: Array<[number, number]> = [
      [3, 5],
      [-1, 5],
      [9, 2],
    ]
    const whole = (3 * 5 - 5 + 9 * 2) / 12
    const results = await runRanks(world, async (rank) => {
      const { group } = rank.context
      const fabric = await fabricOn(rank)
      const weights = new Weights({ a: 1 })
      const [model, optimizer] = await fabric.setup(weights, tf.train.sgd(1))
      const bytesOf = async (given: typeof parts, skips: boolean): Promise<number> => {
        optimizer.zeroGrad()
        const before = group.payloadBytesSent
        for (const [i, [value, samples]] of given.entries()) {
          const loss = (): tf.Scalar => model.forward({ a: [value] } as never) as unknown as tf.Scalar
          const enabled = skips && i < given.length - 1
          await fabric.noBackwardSync(model as never, () => fabric.backward(loss, { samples }), { enabled })
        }
        await optimizer.step()
        await fabric.barrier()
        return group.payloadBytesSent - before
      }
      const accumulated = await bytesOf(parts, true)
      const gradient = -(weights.values()['a']?.[0] as number)
      return { gradient, accumulated, once: await bytesOf([[whole, 12]], false), each: await bytesOf(parts, false) }
    })
    // Of all ranks together: who sends more of a small sum changes from one to the next.
    const total = (of: 'accumulated' | 'once' | 'each'): number => results.reduce((sum, result) => sum + result[of], 0)
    for (const { gradient } of results) expect(gradient).toBeCloseTo(whole, 6)
    expect(total('accumulated')).toBe(total('once'))
    expect(total('each')).toBe(3 * total('accumulated'))
    expect(total('once') > 0).toBe(world > 1)
  },
)

it('skips the exchange for the model that was named alone', async () => {
  const results = await runRanks(2, async (rank) => {
    const fabric = await fabricOn(rank)
    const [first] = await fabric.setup(new Weights({ a: 1 }), tf.train.sgd(1))
    const other = new Weights({ a: 1 })
    const [second, optimizer] = await fabric.setup(other, tf.train.sgd(1))
    const loss = (): tf.Scalar => second.forward({ a: [rank.context.group.rank] } as never) as unknown as tf.Scalar
    await fabric.noBackwardSync(first as never, () => fabric.backward(loss, { model: second as never, samples: 1 }))
    await optimizer.step()
    return other.values()['a']
  })
  expect(results).toEqual([[-0.5], [-0.5]])
})

it('warns once, naming it, for a strategy that cannot skip; never on one rank', async () => {
  class Eager extends DdpStrategy {
    readonly skipsBackwardSync = false
  }
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  await runRanks(1, (rank) =>
    step(
      rank,
      [
        [1, 1],
        [2, 1],
      ],
      new Eager(),
    ),
  )
  expect(warn).not.toHaveBeenCalled()
  await runRanks(2, (rank) =>
    step(
      rank,
      [
        [1, 1],
        [2, 1],
        [3, 1],
      ],
      new Eager(),
    ),
  )
  expect(warn.mock.calls).toEqual([[expect.stringMatching(/noBackwardSync: strategy "ddp" cannot skip/)]])
})

it('refuses a model that is not set up', async () => {
  await runRanks(2, async (rank) => {
    const fabric = await fabricOn(rank)
    await expect(fabric.noBackwardSync({} as never, () => 1)).rejects.toThrow(
      /noBackwardSync.*not set up.*fabric\.setup/,
    )
  })
})
