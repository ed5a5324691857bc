/** Groups of some ranks: every operation against its plain meaning, and members that do different things. */
import { expect, it } from 'vitest'
import type { NumericArray } from './dtype.ts'
import type { ProcessGroup } from './process-group.ts'
import { referenceAllGather, referenceAllReduce, referenceAllToAll, referenceReduceScatter } from './reference.ts'
import { subGroup } from './sub-group.ts'
import { failureOf, testWorld } from './testing/groups.ts'

/** Runs `work` on the members of a group among four ranks; results in the order of the group. */
async function inGroup<T>(ranks: number[], work: (group: ProcessGroup) => Promise<T>): Promise<T[]> {
  const world = await testWorld(4, { timeoutMs: 500 })
  const results = await world.all(async (whole) => {
    const group = subGroup(whole, ranks)
    return group === null ? null : { rank: group.rank, result: await work(group) }
  })
  const sorted = results.filter((one) => one !== null).sort((a, b) => a.rank - b.rank)
  await world.close()
  return sorted.map(({ result }) => result)
}

const GROUPS = [[2], [1, 3], [3, 0, 2], [0, 1, 2, 3]]
const inputs: Array<(rank: number) => NumericArray> = [
  (rank) => Float32Array.of(rank + 0.5, -rank, 3, 7),
  (rank) => Int32Array.of(rank, 2 ** 31 - 1, rank * 3, 1),
  () => new Float32Array(0),
]

it.each(GROUPS)('reduce, gather and exchange as the plain meaning says: ranks %s %s %s %s', async (...given) => {
  const ranks = given.filter((rank) => rank !== undefined)
  for (const input of inputs) {
    const all = ranks.map((_, rank) => input(rank))
    const run = (work: (group: ProcessGroup, x: NumericArray) => Promise<unknown>) =>
      inGroup(ranks, (group) => work(group, input(group.rank)))
    for (const op of ['sum', 'min', 'max', 'product'] as const) {
      const whole = referenceAllReduce(all, op)
      expect(await run((group, x) => group.allReduce(x, { op }))).toEqual(ranks.map(() => whole))
    }
    expect(await run((group, x) => group.reduceScatter(x))).toEqual(referenceReduceScatter(all, 'sum'))
    expect(await run((group, x) => group.allGather(x))).toEqual(ranks.map(() => referenceAllGather(all)))
    expect(await run((group, x) => group.allGatherV(x))).toEqual(ranks.map(() => all))
    if ((all[0] as NumericArray).length % ranks.length === 0) {
      expect(await run((group, x) => group.allToAll(x))).toEqual(referenceAllToAll(all))
    }
  }
})

it('broadcast, scatter, gather and objects name ranks of the group', async () => {
  const results = await inGroup([1, 2, 3], async (group) => {
    const values = Int32Array.of(1, 2, 3)
    const part = await group.scatter(new Int32Array(1), group.rank === 2 ? { src: 2, values } : { src: 2 })
    return {
      mean: await group.allReduce(Float32Array.of(group.rank), { op: 'mean' }),
      from: await group.broadcast(Int32Array.of(group.rank), { src: 1 }),
      part,
      gathered: await group.gather(part, { dst: 1 }),
      object: await group.broadcastObject({ of: group.rank }, { src: 2 }),
      objects: await group.allGatherObject(group.rank),
    }
  })
  expect(results.map(({ part }) => part[0])).toEqual([1, 2, 3])
  expect(results.map(({ gathered }) => gathered && [...gathered])).toEqual([null, [1, 2, 3], null])
  for (const { mean, from, object, objects } of results) {
    expect([mean[0], from[0], object, objects]).toEqual([1, 1, { of: 2 }, [0, 1, 2]])
  }
})

it('two groups and the whole one do not disturb each other', async () => {
  const world = await testWorld(4)
  const sums = await world.all(async (whole, rank) => {
    const pair = subGroup(whole, rank < 2 ? [0, 1] : [2, 3]) as ProcessGroup
    const [a, b] = await Promise.all([pair.allReduce(Int32Array.of(rank)), whole.allReduce(Int32Array.of(rank))])
    return [a[0], b[0]]
  })
  expect(sums).toEqual([
    [1, 6],
    [1, 6],
    [5, 6],
    [5, 6],
  ])
  await world.close()
})

it.each([
  [
    'name',
    (g: ProcessGroup) => g.barrier(g.rank === 0 ? 'a' : 'b'),
    /barrier "a".*barrier "b"|barrier "b".*barrier "a"/,
  ],
  [
    'op',
    (g: ProcessGroup) => g.allReduce(Int32Array.of(1), { op: g.rank === 0 ? 'sum' : 'max' }),
    /allReduce\(sum\).*allReduce\(max\)|max.*sum/,
  ],
  ['count', (g: ProcessGroup) => g.allGather(new Int32Array(g.rank + 1)), /1 × int32.*2 × int32|2 × int32.*1 × int32/],
])('a member with another %s is named on all', async (_, work: (group: ProcessGroup) => Promise<unknown>, message) => {
  const failures = await inGroup([0, 3], (group) => failureOf(work(group)))
  for (const failure of failures) {
    expect(failure).toMatchObject({ code: 'COLLECTIVE_MISMATCH' })
    expect(String(failure)).toMatch(message)
    expect(String(failure)).toMatch(/rank 0.*rank 3|rank 3.*rank 0/)
  }
})

it('a member that does not come is named when the time is over', async () => {
  const failures = await inGroup([0, 3], (group) =>
    group.rank === 0 ? failureOf(group.barrier('x')) : new Promise((resolve) => setTimeout(resolve, 700)),
  )
  expect(failures[0]).toMatchObject({ code: 'TIMEOUT' })
  expect(String(failures[0])).toMatch(/rank 3/)
})

it.each([[[]], [[1, 1]], [[4]], [[-1]]])('refuses ranks %j', async (ranks) => {
  const world = await testWorld(2)
  expect(() => subGroup(world.groups[0] as ProcessGroup, ranks)).toThrow(
    expect.objectContaining({ code: 'BAD_ARGUMENT' }),
  )
  await world.close()
})
