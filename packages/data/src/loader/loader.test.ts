import { describe, expect, it } from 'vitest'
import { RandomSampler, SequentialSampler } from '../order/sampler.ts'
import { type Column, type Columns, column } from '../sets/column.ts'
import type { Dataset } from '../sets/dataset.ts'
import { InMemoryDataset } from '../sets/in-memory.ts'
import { DataLoader } from './loader.ts'
import { shardLoader } from './shard-loader.ts'

const numbers = (n: number) => new InMemoryDataset([column(Int32Array.from({ length: n }, (_, i) => i))])
const values = (batch: Columns): number[] => [...(batch[0] as Column).data]
async function all(loader: AsyncIterable<Columns>): Promise<number[][]> {
  const batches: number[][] = []
  for await (const batch of loader) batches.push(values(batch))
  return batches
}

/** A data set that answers when told to, and remembers what it was asked. */
class Manual implements Dataset<readonly [Column<'int32'>]> {
  readonly length = 10
  readonly asked: {
    indices: number[]
    answer: () => void
    fail: (e: Error) => void
    signal: AbortSignal | undefined
  }[] = []
  get(): never {
    throw new Error('the batched path is there')
  }
  getBatch(indices: ArrayLike<number>, signal?: AbortSignal): Promise<readonly [Column<'int32'>]> {
    return new Promise((resolve, fail) => {
      const answer = () => resolve([column(Int32Array.from(indices))])
      this.asked.push({ indices: Array.from(indices), answer, fail, signal })
    })
  }
}
/** Lets posted tasks and what follows from them run. */
const settle = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))

describe('batches', () => {
  it('come in order, the last one short or dropped', async () => {
    const loader = new DataLoader(numbers(5), { batchSize: 2 })
    expect(loader.length).toBe(3)
    expect(await all(loader)).toEqual([[0, 1], [2, 3], [4]])
    const dropping = new DataLoader(numbers(5), { batchSize: 2, dropLast: true })
    expect(dropping.length).toBe(2)
    expect(await all(dropping)).toEqual([
      [0, 1],
      [2, 3],
    ])
  })

  it('are the same for every prefetch depth, with own collate and without fast path', async () => {
    const slow: Dataset<readonly [Column<'int32'>]> = { length: 7, get: async (i) => [column(Int32Array.of(i), [])] }
    for (const prefetch of [0, 1, 2, 9]) {
      expect(await all(new DataLoader(slow, { batchSize: 3, prefetch }))).toEqual([[0, 1, 2], [3, 4, 5], [6]])
    }
    const summed = new DataLoader(slow, {
      batchSize: 3,
      collate: (samples): readonly [Column<'int32'>] => [
        column(Int32Array.of(samples.reduce((sum, [x]) => sum + (x.data[0] as number), 0))),
      ],
    })
    expect(await all(summed)).toEqual([[3], [12], [6]])
  })

  it('stream from an iterable source, which has no length', async () => {
    let ended = false
    async function* source(): AsyncGenerator<readonly [Column<'int32'>]> {
      try {
        for (let i = 0; i < 5; i++) yield [column(Int32Array.of(i), [])]
      } finally {
        ended = true
      }
    }
    const loader = new DataLoader({ [Symbol.asyncIterator]: source }, { batchSize: 2 })
    expect(loader.hasLength).toBe(false)
    expect(() => loader.length).toThrow(/no length/)
    expect(await all(loader)).toEqual([[0, 1], [2, 3], [4]])
    ended = false
    for await (const batch of loader) if (values(batch).includes(0)) break
    await settle()
    expect(ended).toBe(true)
  })
})

describe('epochs', () => {
  it('count the iterations begun: orders differ, rerun and setEpoch repeat them', async () => {
    const make = () => new DataLoader(numbers(50), { batchSize: 50, sampler: new RandomSampler(50, { seed: 5 }) })
    const loader = make()
    const [first, second] = [await all(loader), await all(loader)]
    expect(first).not.toEqual(second)
    const again = make()
    again.setEpoch(1)
    expect(await all(again)).toEqual(second)
    again.setEpoch(0)
    expect(await all(again)).toEqual(first)
  })
})

describe('prefetch', () => {
  it('has the next batches under way while the current one is used, and no more', async () => {
    const data = new Manual()
    const iterator = new DataLoader(data, { batchSize: 2, prefetch: 2 })[Symbol.asyncIterator]()
    const first = iterator.next()
    data.asked[0]?.answer()
    expect(values((await first).value as Columns)).toEqual([0, 1])
    await settle()
    expect(data.asked.map((job) => job.indices)).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ])
    // Out of order answers still come in order.
    data.asked[2]?.answer()
    data.asked[1]?.answer()
    expect(values((await iterator.next()).value as Columns)).toEqual([2, 3])
    expect(values((await iterator.next()).value as Columns)).toEqual([4, 5])
    await iterator.return()
  })

  it('stops what is under way when the loop is left early', async () => {
    const data = new Manual()
    const iterator = new DataLoader(data, { batchSize: 2 })[Symbol.asyncIterator]()
    const first = iterator.next()
    data.asked[0]?.answer()
    await first
    await settle()
    await iterator.return()
    expect(data.asked.map((job) => job.signal?.aborted)).toEqual([true, true, true])
    await settle()
    expect(data.asked).toHaveLength(3)
  })

  it('reports a failed read when its turn comes', async () => {
    const data = new Manual()
    const iterator = new DataLoader(data, { batchSize: 2 })[Symbol.asyncIterator]()
    const first = iterator.next()
    data.asked[0]?.answer()
    await first
    await settle()
    data.asked[2]?.fail(new Error('disk on fire'))
    await settle()
    data.asked[1]?.answer()
    expect(values((await iterator.next()).value as Columns)).toEqual([2, 3])
    await expect(iterator.next()).rejects.toThrow('disk on fire')
  })

  it('ends with ABORTED when the signal fires, even if a read never answers', async () => {
    const abort = new AbortController()
    const iterator = new DataLoader(new Manual(), { signal: abort.signal })[Symbol.asyncIterator]()
    const waiting = iterator.next()
    abort.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
    expect((await iterator.next()).done).toBe(true)
  })
})

describe('shardLoader', () => {
  const share = async (loader: DataLoader, rank: number, exact = false) =>
    (await all(shardLoader(loader, { worldSize: 4, rank, exact }))).flat()

  it('shards sequential sources, padded or exact', async () => {
    const loader = new DataLoader(numbers(10), { batchSize: 2 })
    expect(await share(loader, 2)).toEqual([2, 6, 0])
    expect(await share(loader, 2, true)).toEqual([2, 6])
  })

  it('shuffles random sources with their seed, epoch after epoch, and keeps a sharded loader', async () => {
    const loader = new DataLoader(numbers(8), { batchSize: 8, sampler: new RandomSampler(8, { seed: 9 }) })
    const shards = [0, 1, 2, 3].map((rank) => shardLoader(loader, { worldSize: 4, rank }))
    for (let epoch = 0; epoch < 2; epoch++) {
      const [order] = await all(loader)
      const parts = await Promise.all(shards.map(async (shard) => (await all(shard)).flat()))
      expect(order?.map((_, k) => parts[k % 4]?.[Math.floor(k / 4)])).toEqual(order)
    }
    expect(shardLoader(shards[0] as DataLoader, { worldSize: 4, rank: 1 })).toBe(shards[0])
  })

  it('wraps samplers it does not know', async () => {
    const backwards = {
      length: 4,
      *[Symbol.iterator]() {
        yield* [3, 2, 1, 0]
      },
    }
    expect(await share(new DataLoader(numbers(4), { sampler: backwards }), 1)).toEqual([2])
  })
})

it.each([
  ['BAD_ARGUMENT', () => new DataLoader(numbers(3), { batchSize: 0 })],
  ['BAD_ARGUMENT', () => new DataLoader(numbers(3), { prefetch: -1 })],
  ['BAD_ARGUMENT', () => new DataLoader({} as unknown as Dataset)],
  ['BAD_ARGUMENT', () => new DataLoader(undefined as unknown as Dataset)],
  ['CONFLICT', () => new DataLoader(numbers(3), { shuffle: true, sampler: new SequentialSampler(3) })],
  ['CONFLICT', () => new DataLoader([] as Columns[], { shuffle: true })],
])('refuses with %s', (code, make) => {
  expect(make).toThrow(expect.objectContaining({ code }))
})
