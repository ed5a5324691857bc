/** Going on in the middle of an epoch: the same tail among as many ranks, each remaining sample once among others. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RandomSampler, type Sampler } from '../order/sampler.ts'
import { column } from '../sets/column.ts'
import { InMemoryDataset } from '../sets/in-memory.ts'
import { DataLoader } from './loader.ts'
import { shardLoader } from './shard-loader.ts'

const numbers = (count: number) =>
  new InMemoryDataset([
    column(
      Float32Array.from({ length: count }, (_, i) => i),
      [count],
    ),
  ])

/** The reversed order, by a sampler of somebody's own. */
class Backwards implements Sampler {
  readonly length: number
  constructor(length: number) {
    this.length = length
  }
  *[Symbol.iterator]() {
    for (let i = this.length - 1; i >= 0; i--) yield i
  }
}

async function samplesOf(loader: DataLoader): Promise<number[]> {
  const seen: number[] = []
  for await (const [batch] of loader) seen.push(...Array.from(batch?.data ?? [], Number))
  return seen
}

const kinds: Record<string, (count: number) => Sampler | undefined> = {
  'in turn': () => undefined,
  shuffled: (count) => new RandomSampler(count, { seed: 3 }),
  'own sampler': (count) => new Backwards(count),
}

it.each(Object.entries(kinds))('%s', async (_, samplerOf) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      fc.nat(4),
      async (count, before, after, batchSize, batches) => {
        const loaders = (worldSize: number) =>
          Array.from({ length: worldSize }, (_, rank) => {
            const sampler = samplerOf(count)
            const whole = new DataLoader(numbers(count), { batchSize, ...(sampler ? { sampler } : {}) })
            const share = worldSize === 1 ? whole : shardLoader(whole, { worldSize, rank })
            share.setEpoch(2)
            return share
          })
        const taken = batches * batchSize
        const position = Math.min(count, taken * before)
        const resumed = (worldSize: number) =>
          Promise.all(
            loaders(worldSize).map(async (loader) => {
              loader.startAt(position)
              const { length } = loader
              const seen = await samplesOf(loader)
              expect(length).toBe(Math.ceil(seen.length / batchSize))
              return seen
            }),
          )
        const uninterrupted = await Promise.all(loaders(before).map(samplesOf))
        expect(await resumed(before)).toEqual(
          uninterrupted.map((seen) => (position === count ? [] : seen.slice(taken))),
        )
        const shares = await resumed(after)
        const order = (await Promise.all(loaders(1).map(samplesOf)))[0] as number[]
        const rest = order.slice(position)
        const together = Array.from({ length: shares[0]?.length ?? 0 }, (_, i) =>
          shares.map((share) => share[i]),
        ).flat()
        expect(together.slice(0, rest.length)).toEqual(rest)
        expect(together.length - rest.length).toBeLessThan(after)
      },
    ),
    { numRuns: 60, seed: 5 },
  )
})

it('holds for one iteration only, and drops what a stream gave before', async () => {
  const loader = new DataLoader(numbers(5), { batchSize: 2 })
  loader.startAt(3)
  expect(await samplesOf(loader)).toEqual([3, 4])
  expect(await samplesOf(loader)).toEqual([0, 1, 2, 3, 4])
  const stream = new DataLoader([0, 1, 2, 3].map((i) => [column(Float32Array.of(i), [1])]) as never, { batchSize: 2 })
  stream.startAt(1)
  expect(await samplesOf(stream)).toEqual([1, 2, 3])
  stream.startAt(9)
  expect(await samplesOf(stream)).toEqual([])
  expect(() => loader.startAt(-1)).toThrow(/startAt\(position\) is -1/)
})
