/** setupDataLoaders: which sampler each source gets, epochs by themselves, tuples, refusals. And toDevice. */
import {
  column,
  DataLoader,
  DistributedSampler,
  DistributedSamplerWrapper,
  InMemoryDataset,
  type Sampler,
  UnrepeatedDistributedSampler,
} from '@rondo/data'
import { selectAccelerator, tf } from '@rondo/engine'
import { expect, it, vi } from 'vitest'
import { Fabric } from '../fabric.ts'
import type { FabricDataLoader } from '../fabric-loader.ts'
import { runRanks } from '../testing/ranks.ts'

const numbers = (n: number) => new InMemoryDataset([column(Int32Array.from({ length: n }, (_, i) => i))])
const backwards: Sampler = {
  length: 5,
  *[Symbol.iterator]() {
    yield* [4, 3, 2, 1, 0]
  },
}

async function epochOf(loader: FabricDataLoader): Promise<number[]> {
  const seen: number[] = []
  for await (const [x] of loader) seen.push(...(x as tf.Tensor).dataSync())
  return seen
}

const onRanks = <T>(world: number, work: (fabric: Fabric, rank: number) => Promise<T>): Promise<T[]> =>
  runRanks(world, async ({ context }) => {
    const fabric = new Fabric({}, context)
    await fabric.launch()
    return work(fabric, context.group.rank)
  })

it.each([
  [
    'sequential',
    {},
    DistributedSampler,
    [
      [0, 2, 4],
      [1, 3, 0],
    ],
  ],
  [
    'another sampler',
    { sampler: backwards },
    DistributedSamplerWrapper,
    [
      [4, 2, 0],
      [3, 1, 4],
    ],
  ],
])('deals a %s source padded', async (_, options, kind, expected) => {
  const shares = await onRanks(2, async (fabric) => {
    const loader = await fabric.setupDataLoaders(new DataLoader(numbers(5), { batchSize: 2, ...options }))
    expect(loader.loader.sampler).toBeInstanceOf(kind)
    return epochOf(loader)
  })
  expect(shares).toEqual(expected)
})

it('deals exactly with exact, and not at all without useDistributedSampler', async () => {
  const shares = await onRanks(2, async (fabric) => {
    const [exact, all] = await fabric.setupDataLoaders(new DataLoader(numbers(5)), new DataLoader(numbers(5)), {
      exact: true,
    })
    expect([exact, all].map((loader) => loader.loader.sampler)).toEqual(
      [1, 2].map(() => expect.any(UnrepeatedDistributedSampler)),
    )
    const whole = await fabric.setupDataLoaders(new DataLoader(numbers(3)), { useDistributedSampler: false })
    return [await epochOf(exact), await epochOf(whole)]
  })
  expect(shares).toEqual([
    [
      [0, 2, 4],
      [0, 1, 2],
    ],
    [
      [1, 3],
      [0, 1, 2],
    ],
  ])
})

it('shuffles by the global seed and the number of iterations begun: epochs differ, a rerun is equal', async () => {
  const run = (seed: number) =>
    onRanks(2, async (fabric) => {
      fabric.seedEverything(seed, { verbose: false })
      const loader = await fabric.setupDataLoaders(new DataLoader(numbers(40), { batchSize: 5, shuffle: true }))
      return [await epochOf(loader), await epochOf(loader)]
    })
  const first = await run(3)
  expect(first[0]?.[0]).not.toEqual(first[0]?.[1])
  expect(await run(3)).toEqual(first)
  expect(await run(4)).not.toEqual(first)
  const epoch = first.flatMap(([order]) => order).sort((a, b) => (a as number) - (b as number))
  expect(epoch).toEqual(Array.from({ length: 40 }, (_, i) => i))
})

it('keeps a sampler that is distributed already', async () => {
  await onRanks(2, async (fabric, rank) => {
    const sampler = new DistributedSampler(6, 2, 1 - rank, { shuffle: false })
    const loader = await fabric.setupDataLoaders(new DataLoader(numbers(6), { sampler }))
    expect(loader.loader.sampler).toBe(sampler)
  })
})

it('leaves an iterable source whole, with a note', async () => {
  const info = vi.spyOn(console, 'info').mockImplementation(() => {})
  const shares = await onRanks(2, async (fabric) => {
    const source = [0, 1].map((i) => [column(Int32Array.of(i), [])] as const)
    return epochOf((await fabric.setupDataLoaders(new DataLoader(source))) as never)
  })
  expect(shares).toEqual([
    [0, 1],
    [0, 1],
  ])
  expect(info.mock.calls.join()).toMatch(/every rank sees all of it unless it shards itself by env\.RANK/)
  info.mockRestore()
})

it('refuses no loader, one twice, what is none, and a sampler without end', async () => {
  class Endless implements Sampler {
    readonly length = Number.POSITIVE_INFINITY;
    *[Symbol.iterator](): Iterator<number> {
      for (;;) yield 0
    }
  }
  await onRanks(1, async (fabric) => {
    const loader = new DataLoader(numbers(3))
    const setUp = await fabric.setupDataLoaders(loader)
    await expect(fabric.setupDataLoaders(...([] as never[]))).rejects.toThrow(/no loader was given/)
    await expect(fabric.setupDataLoaders(loader)).rejects.toThrow(/loader 1 of 1 is set up already/)
    await expect(fabric.setupDataLoaders(setUp as never)).rejects.toThrow(/set up already/)
    const twice = new DataLoader(numbers(3))
    await expect(fabric.setupDataLoaders(twice, twice)).rejects.toThrow(/loader 2 of 2/)
    await expect(fabric.setupDataLoaders(numbers(3) as never)).rejects.toThrow(/DataLoader objects/)
    await expect(fabric.setupDataLoaders(twice, { shuffle: true } as never)).rejects.toThrow(/no option shuffle/)
    const endless = new DataLoader(numbers(3), { sampler: new Endless() })
    await expect(fabric.setupDataLoaders(endless)).rejects.toThrow(/Endless has length Infinity.*iterable/)
  })
})

it('toDevice makes tensors of columns and moves tensors, in nested data', async () => {
  await selectAccelerator('wasm')
  const away = tf.tensor1d([1, 2])
  await onRanks(1, async (fabric) => {
    const loader = await fabric.setupDataLoaders(new DataLoader(numbers(2), { batchSize: 2 }), { moveToDevice: false })
    for await (const batch of loader) {
      const [x] = (await fabric.toDevice(batch)) as [tf.Tensor]
      expect([x.dtype, [...x.dataSync()]]).toEqual(['int32', [0, 1]])
    }
    const here = tf.tensor1d([3])
    const moved = await fabric.toDevice({ list: [away, here], note: 'kept' })
    expect(moved.note).toBe('kept')
    expect(moved.list[1]).toBe(here)
    expect(moved.list[0]).not.toBe(away)
    expect([...(moved.list[0]?.dataSync() ?? [])]).toEqual([1, 2])
    expect((await fabric.initTensor(() => tf.zeros([2]))).shape).toEqual([2])
    await expect(fabric.initModule(3 as never)).rejects.toThrow(/initModule\(fn\)/)
  })
})
