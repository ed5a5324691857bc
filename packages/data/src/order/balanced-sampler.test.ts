/** Global batches cut by changing shares: every sample once, steps alike on all ranks, resuming in the middle. */
import { expect, it } from 'vitest'
import { DataLoader } from '../loader/loader.ts'
import { column } from '../sets/column.ts'
import { InMemoryDataset } from '../sets/in-memory.ts'
import { BalancedSampler, splitBy } from './balanced-sampler.ts'
import { RandomSampler, SequentialSampler } from './sampler.ts'

function samplers(length: number, worldSize: number, globalBatch: number, shuffle = false): BalancedSampler[] {
  const inner = () => (shuffle ? new RandomSampler(length, { seed: 3 }) : new SequentialSampler(length))
  return Array.from({ length: worldSize }, (_, rank) => new BalancedSampler(inner(), { globalBatch, worldSize, rank }))
}

function loaderOf(sampler: BalancedSampler, length: number): DataLoader {
  const x = column(
    Float32Array.from({ length }, (_, i) => i),
    [length, 1],
  )
  return new DataLoader(new InMemoryDataset([x]), { batchSize: 4, sampler })
}

async function batchesOf(loader: DataLoader, onBatch: (step: number) => void = () => {}): Promise<number[][]> {
  const batches: number[][] = []
  for await (const [x] of loader) {
    onBatch(batches.length)
    batches.push([...(x?.data ?? [])])
  }
  return batches
}

it.each([
  [10, [1, 1], [5, 5]],
  [10, [3, 1], [8, 2]],
  [7, [1, 1, 1], [3, 2, 2]],
  [4, [1000, 1, 1, 1], [1, 1, 1, 1]],
  [5, [1000, 1, 1], [3, 1, 1]],
  [2, [1, 5, 1], [0, 2, 0]],
  [3, [0, 0], [2, 1]],
])('splits %s by %j into %j', (total, weights, sizes) => {
  expect(splitBy(total, weights)).toEqual(sizes)
})

it.each([
  [32, 2, 8],
  [37, 4, 8],
  [5, 4, 8],
  [41, 3, 9],
])('gives each of %s samples to one of %s ranks, whatever the shares', async (length, worldSize, globalBatch) => {
  const all = samplers(length, worldSize, globalBatch, true)
  const shares = splitBy(
    globalBatch,
    Array.from({ length: worldSize }, (_, rank) => rank + 1),
  )
  for (const epoch of [0, 1]) {
    const perRank = await Promise.all(
      all.map(async (sampler) => {
        const loader = loaderOf(sampler, length)
        loader.setEpoch(epoch)
        expect(loader.length).toBe(Math.ceil(length / globalBatch))
        return batchesOf(loader, (step) => {
          // The loader reads ahead: later steps are not cut yet.
          if (epoch === 0 && step === 0 && sampler.drawn <= 4) sampler.rebalance(shares, 4)
        })
      }),
    )
    expect(perRank.flat(2).sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i))
    const order = [...new RandomSampler(length, { seed: 3 + epoch })]
    for (let step = 0; step * globalBatch < length; step++) {
      const together = perRank.flatMap((batches) => batches[step] ?? [])
      expect(together).toEqual(order.slice(step * globalBatch, (step + 1) * globalBatch))
    }
    if (epoch === 1 && length > globalBatch) expect(perRank.map(([first]) => first?.length)).toEqual(shares)
  }
})

it('goes on in the middle of an epoch, and cuts nothing that is drawn', () => {
  const [first, second] = samplers(20, 2, 8) as [BalancedSampler, BalancedSampler]
  for (const sampler of [first, second]) sampler.startAt(8)
  expect([first.batches, first.length, second.length]).toEqual([2, 6, 6])
  const order = first[Symbol.iterator]()
  const indices: number[] = []
  for (let size = first.nextBatchSize(); size > 0; size = first.nextBatchSize()) {
    for (let i = 0; i < size; i++) indices.push(order.next().value as number)
  }
  expect(indices).toEqual([8, 9, 10, 11, 16, 17])
  expect(() => first.rebalance([6, 2], 0)).toThrow(/drawn/)
  expect(() => first.rebalance([6, 3], 9)).toThrow(/global batch/)
})

it('leaves an incomplete last step out where the loader does, and refuses what cannot be dealt', () => {
  const inner = new SequentialSampler(20)
  const dropping = new BalancedSampler(inner, { globalBatch: 8, worldSize: 2, rank: 1, dropLast: true })
  expect([dropping.batches, dropping.length]).toEqual([2, 8])
  expect(() => new BalancedSampler(inner, { globalBatch: 1, worldSize: 2, rank: 0 })).toThrow(/globalBatch is 1/)
  const endless = { length: Number.POSITIVE_INFINITY, [Symbol.iterator]: () => [0].values() }
  expect(() => new BalancedSampler(endless, { globalBatch: 4, worldSize: 2, rank: 0 })).toThrow(/finite length/)
})
