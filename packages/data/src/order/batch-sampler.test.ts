/** Batch samplers in loaders: alone, shared among ranks, and what cannot be rebuilt. */
import { expect, it } from 'vitest'
import { DataLoader } from '../loader/loader.ts'
import { shardLoader } from '../loader/shard-loader.ts'
import { column } from '../sets/column.ts'
import { InMemoryDataset } from '../sets/in-memory.ts'
import { BatchSampler } from './batch-sampler.ts'
import { RandomSampler, type Sampler, SequentialSampler } from './sampler.ts'

const numbers = (n: number) => new InMemoryDataset([column(Int32Array.from({ length: n }, (_, i) => i))])
async function batches(loader: DataLoader): Promise<number[][]> {
  const all: number[][] = []
  for await (const [x] of loader) all.push([...(x?.data ?? [])])
  return all
}

/** Two samples from the ends of the list, then two from its middle … */
class FromBothEnds extends BatchSampler {
  override *[Symbol.iterator](): Iterator<number[]> {
    const list = [...this.sampler]
    while (list.length > 0) yield [list.shift() as number, ...list.splice(-1)]
  }
}

it('decides batches, and the rest follows: length, dropLast, epochs', async () => {
  const loader = new DataLoader(numbers(5), { batchSampler: new BatchSampler(new SequentialSampler(5), 2) })
  expect([loader.batchSize, loader.length, await batches(loader)]).toEqual([2, 3, [[0, 1], [2, 3], [4]]])
  const dropping = new DataLoader(numbers(5), { batchSampler: new BatchSampler(new SequentialSampler(5), 2, true) })
  expect([dropping.length, await batches(dropping)]).toEqual([
    2,
    [
      [0, 1],
      [2, 3],
    ],
  ])
  const shuffled = new DataLoader(numbers(20), { batchSampler: new BatchSampler(new RandomSampler(20), 20) })
  expect(await batches(shuffled)).not.toEqual(await batches(shuffled))
})

it("is rebuilt over a rank's share, and keeps its own rule", async () => {
  const loader = new DataLoader(numbers(10), { batchSampler: new FromBothEnds(new SequentialSampler(10), 2) })
  const shares = [0, 1].map((rank) => shardLoader(loader, { worldSize: 2, rank }))
  expect(await Promise.all(shares.map(batches))).toEqual([
    [[0, 8], [2, 6], [4]],
    [[1, 9], [3, 7], [5]],
  ])
})

it('goes on in the middle of an epoch', async () => {
  const loader = new DataLoader(numbers(7), { batchSampler: new BatchSampler(new SequentialSampler(7), 3) })
  loader.startAt(4)
  expect(await batches(loader)).toEqual([[4, 5], [6]])
})

it('is refused when it cannot be rebuilt', () => {
  class Fixed extends BatchSampler {
    constructor() {
      super(new SequentialSampler(4), 2)
    }
  }
  const loader = new DataLoader(numbers(4), { batchSampler: new Fixed() })
  expect(() => shardLoader(loader, { worldSize: 2, rank: 0 })).toThrow(
    /Fixed.*\(sampler, batchSize, dropLast\).*useDistributedSampler: false/,
  )
})

it.each([
  ['CONFLICT', /batchSize/, { batchSize: 2 }],
  ['CONFLICT', /shuffle/, { shuffle: true }],
  ['CONFLICT', /sampler/, { sampler: new SequentialSampler(4) }],
])('refuses other options beside it: %s %s', (code, message, options) => {
  const batchSampler = new BatchSampler(new SequentialSampler(4), 2)
  const make = () => new DataLoader(numbers(4), { batchSampler, ...options })
  expect(make).toThrow(message)
  expect(make).toThrow(expect.objectContaining({ code }))
})

it('refuses a batch sampler without the fields of one', () => {
  const make = () => new DataLoader(numbers(4), { batchSampler: { sampler: [] as unknown as Sampler } as never })
  expect(make).toThrow(/no batchSize, dropLast/)
})
