/** Collectives of Fabric against a local computation on 1 to 4 ranks: nested data, integers, empties, groups. */
import { tf } from '@rondo/engine'
import { expect, it } from 'vitest'
import { Fabric } from '../fabric.ts'
import { runRanks } from '../testing/ranks.ts'
import type { RankGroup } from './groups.ts'
import { makeGroup } from './groups.ts'

const onRanks = <T>(world: number, work: (fabric: Fabric, rank: number) => Promise<T>): Promise<T[]> =>
  runRanks(world, async ({ context }) => {
    const fabric = new Fabric({}, context)
    await fabric.launch()
    return work(fabric, context.group.rank)
  })

const WORLDS = [1, 2, 3, 4]
const OPS = ['mean', 'avg', 'sum', 'min', 'max', 'product'] as const
const value = (rank: number): number => rank * 1.5 - 1

function expected(op: (typeof OPS)[number], world: number, of: (rank: number) => number): number {
  const all = Array.from({ length: world }, (_, rank) => of(rank))
  if (op === 'min' || op === 'max') return Math[op](...all)
  if (op === 'product') return all.reduce((product, x) => product * x, 1)
  const sum = all.reduce((total, x) => total + x, 0)
  return op === 'sum' ? sum : sum / world
}

it.each(WORLDS)('allReduce over nested data on %s ranks, every op', async (world) => {
  const results = await onRanks(world, async (fabric, rank) => {
    const out = []
    for (const op of OPS) {
      const data = {
        number: value(rank),
        list: [tf.tensor2d([[value(rank), 2]]), Float32Array.of(value(rank))],
        double: Float64Array.of(value(rank)),
        empty: tf.tensor2d([], [0, 3]),
        deep: { er: [value(rank)] },
      }
      const reduced = await fabric.allReduce(data, { op })
      const [tensor, array] = reduced.list as [tf.Tensor, Float32Array]
      out.push({
        op,
        values: [reduced.number, tensor.dataSync()[0], array[0], reduced.double[0], reduced.deep.er[0]],
        shapes: [tensor.shape, reduced.empty.shape],
      })
      expect(data.number).toBe(value(rank))
    }
    return out
  })
  for (const rank of results) {
    for (const { op, values, shapes } of rank) {
      for (const got of values) expect(got).toBeCloseTo(expected(op, world, value), 5)
      expect(shapes).toEqual([
        [1, 2],
        [0, 3],
      ])
    }
  }
})

it.each(WORLDS)('integers sum exactly on %s ranks, and have no mean', async (world) => {
  const results = await onRanks(world, async (fabric, rank) => {
    const x = tf.tensor1d([2 ** 24 + rank, -rank], 'int32')
    await expect(fabric.allReduce(x)).rejects.toThrow(/mean of integers.*Cast.*sum/)
    return fabric.allReduce({ x, y: Int32Array.of(rank) }, { op: 'sum' })
  })
  const ranks = (world * (world - 1)) / 2
  for (const { x, y } of results) {
    expect(x.dtype).toBe('int32')
    expect([...x.dataSync()]).toEqual([2 ** 24 * world + ranks, 0 - ranks])
    expect([...y]).toEqual([ranks])
  }
})

it.each(WORLDS)('allGather gives each leaf an axis on %s ranks, none on one', async (world) => {
  const results = (await onRanks(world, (fabric, rank) =>
    fabric.allGather({
      x: tf.tensor2d([[rank, 1]]),
      i: tf.scalar(rank, 'int32'),
      n: [rank + 0.5],
      e: tf.zeros([0, 2]),
    }),
  )) as Array<{ x: tf.Tensor; i: tf.Tensor; n: [tf.Tensor]; e: tf.Tensor }>
  const axis = world === 1 ? [] : [world]
  for (const { x, i, n, e } of results) {
    expect([x.shape, i.shape, n[0].shape, e.shape]).toEqual([[...axis, 1, 2], axis, axis, [...axis, 0, 2]])
    expect([...x.dataSync()]).toEqual(Array.from({ length: world }, (_, rank) => [rank, 1]).flat())
    expect([i.dtype, [...i.dataSync()]]).toEqual(['int32', Array.from({ length: world }, (_, rank) => rank)])
    expect([...n[0].dataSync()]).toEqual(Array.from({ length: world }, (_, rank) => rank + 0.5))
  }
})

it.each(WORLDS)('broadcast gives one value to %s ranks, tensors inside included', async (world) => {
  const src = world - 1
  const results = await onRanks(world, async (fabric, rank) =>
    fabric.broadcast(
      { from: rank, when: new Date(5), at: [tf.tensor1d([rank, 7], 'int32')], text: `r${rank}` },
      { src },
    ),
  )
  for (const { from, when, at, text } of results) {
    expect([from, when.getTime(), text]).toEqual([src, 5, `r${src}`])
    expect([at[0]?.dtype, [...(at[0]?.dataSync() ?? [])]]).toEqual(['int32', [src, 7]])
  }
})

it('works among some of the ranks', async () => {
  const results = await runRanks(4, async ({ context }) => {
    const fabric = new Fabric({}, context)
    await fabric.launch()
    const group = await makeGroup(context, [3, 1])
    const { rank } = context.group
    if (rank % 2 === 0) {
      await expect(fabric.allReduce(1, { group })).rejects.toThrow(new RegExp(`rank ${rank} is outside.*1, 3`))
      return null
    }
    const [sum, all, from] = [
      await fabric.allReduce(rank, { group, op: 'sum' }),
      (await fabric.allGather(rank, { group })) as tf.Tensor,
      await fabric.broadcast(rank, { group, src: 1 }),
    ]
    return [sum, [...all.dataSync()], from]
  })
  expect(results).toEqual([null, [4, [1, 3], 3], null, [4, [1, 3], 3]])
})

it.each([
  [
    'an unknown op',
    (f: Fabric) => f.allReduce(1, { op: 'median' as never }),
    /"median".*sum, mean, avg, min, max, product/,
  ],
  ['an unknown op without a leaf', (f: Fabric) => f.allReduce([], { op: 'median' as never }), /"median"/],
  [
    'an unknown group',
    (f: Fabric) => f.allGather(1, { group: 'all' as unknown as RankGroup }),
    /group is "all".*newGroup/,
  ],
  ['a rank outside', (f: Fabric) => f.broadcast(1, { src: 2 }), /src 2.*0 to 1/],
  ['a dtype', (f: Fabric) => f.allReduce(tf.tensor1d([true], 'bool')), /data is bool.*float32 and int32.*Float64Array/],
  ['a text, by its path', (f: Fabric) => f.allGather({ a: [1, 'x'] }), /data\.a\[1\] is string/],
])('refuses %s, and says the rank', async (_, call, message) => {
  await onRanks(2, async (fabric, rank) => {
    const failure = await call(fabric).then(
      () => null,
      (error: unknown) => String(error),
    )
    expect(failure).toMatch(message)
    expect(failure).toMatch(new RegExp(`rank ${rank}`))
  })
})

/** Runs `own` on rank 1 and `usual` on the others; what each rank was told. */
async function oneDiffers(
  world: number,
  usual: (fabric: Fabric) => Promise<unknown>,
  own: (fabric: Fabric) => Promise<unknown>,
): Promise<string[]> {
  return runRanks(
    world,
    async ({ context }) => {
      const fabric = new Fabric({}, context)
      await fabric.launch()
      const call = context.group.rank === 1 ? own(fabric) : usual(fabric)
      return call.then(
        () => 'nothing',
        (error: unknown) => `${(error as { code?: string }).code}: ${String(error)}`,
      )
    },
    { stepTimeoutMs: 400 },
  )
}

type Verb = (fabric: Fabric) => Promise<unknown>
const later = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 900))
}
const x = (...shape: number[]) => tf.ones(shape)

it.each<[string, Verb, Verb, RegExp]>([
  [
    'another shape of one size',
    (f) => f.allReduce(x(2, 3)),
    (f) => f.allReduce(x(3, 2)),
    /\[2, 3\].*\[3, 2\]|\[3, 2\].*\[2, 3\]/,
  ],
  ['another op', (f) => f.allReduce(x(2)), (f) => f.allReduce(x(2), { op: 'max' }), /mean.*max|max.*mean/],
  [
    'another name',
    (f) => f.allReduce(1, { name: 'loss' }),
    (f) => f.allReduce(1, { name: 'accuracy' }),
    /loss.*accuracy|accuracy.*loss/,
  ],
  ['another key', (f) => f.allReduce({ a: 1 }), (f) => f.allReduce({ b: 1 }), /data\.a.*data\.b|data\.b.*data\.a/],
  [
    'another dtype',
    (f) => f.allReduce(x(2), { op: 'sum' }),
    (f) => f.allReduce(tf.tensor1d([1, 2], 'int32'), { op: 'sum' }),
    /float32.*int32|int32.*float32/,
  ],
  ['a gathered shape', (f) => f.allGather(x(4)), (f) => f.allGather(x(2, 2)), /\[4\].*\[2, 2\]|\[2, 2\].*\[4\]/],
  ['a gathered size', (f) => f.allGather(x(2)), (f) => f.allGather(x(3)), /\[2\].*\[3\]|\[3\].*\[2\]/],
  ['another source', (f) => f.broadcast(1), (f) => f.broadcast(1, { src: 2 }), /from 0.*from 2|from 2.*from 0/],
  ['another barrier', (f) => f.barrier('a'), (f) => f.barrier('b'), /"?a"?.*"?b"?/],
  [
    'another order',
    (f) => f.allReduce(1).then(() => f.allGather(1)),
    (f) => f.allGather(1).then(() => f.allReduce(1)),
    /allReduce.*allGather|allGather.*allReduce/,
  ],
  ['nothing before a barrier', (f) => f.barrier('save'), later, /rank 1/],
  ['nothing before a reduce', (f) => f.allReduce(1), later, /rank 1/],
  ['nothing before a gather', (f) => f.allGather(1), later, /rank 1/],
  ['nothing before a broadcast', (f) => f.broadcast(1, { src: 1 }), later, /rank 1/],
])('one rank with %s is an error that names it, on every other rank', async (_, usual, own, message) => {
  const told = await oneDiffers(3, usual, own)
  for (const [rank, text] of told.entries()) {
    if (rank === 1 && own === later) continue
    expect(text).toMatch(/COLLECTIVE_MISMATCH|TIMEOUT|BAD_ARGUMENT|RANK_FAILED/)
    expect(text).toMatch(message)
    expect(text).toMatch(/[Rr]ank/)
  }
})

it('a world of one sends nothing', async () => {
  await runRanks(1, async ({ context }) => {
    const fabric = new Fabric({}, context)
    await fabric.launch()
    await fabric.allReduce({ a: 1, b: tf.ones([5]) })
    await fabric.allGather([1])
    await fabric.broadcast('x')
    await fabric.barrier()
    expect(context.group.bytesSent).toBe(0)
  })
})
