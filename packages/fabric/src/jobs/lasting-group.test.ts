/** After a failed job the ranks go on in a new group on the same links; whoever waited was freed at once. */
import { RondoError } from '@rondo/protocol'
import { type MemoryMesh, memoryMesh } from '@rondo/transport'
import { afterEach, describe, expect, it } from 'vitest'
import { createLastingGroup, type LastingGroup } from './lasting-group.ts'

const WORLD = 3
/** Elements: several messages a chunk, so that a failure meets frames on their way. */
const BIG = 300_000

let groups: LastingGroup[] = []
afterEach(() => Promise.all(groups.map((group) => group.close())))

/** Deadlines are a minute, so a test that passes was freed by the abort. */
async function world(): Promise<MemoryMesh> {
  const mesh = memoryMesh(WORLD, { delayMs: 1 })
  groups = await Promise.all(
    mesh.links.map((links, rank) =>
      createLastingGroup({
        rank,
        worldSize: WORLD,
        generation: 7,
        links,
        nodeLabels: ['a', 'b', 'c'],
        timeoutMs: 60_000,
      }),
    ),
  )
  return mesh
}

const all = <T>(work: (group: LastingGroup, rank: number) => Promise<T>): Promise<T[]> => Promise.all(groups.map(work))
const codes = (results: PromiseSettledResult<unknown>[]): unknown[] =>
  results.map((result) => (result.status === 'rejected' ? result.reason.code : 'fine'))
const sum = (): Promise<Float32Array[]> => all((group, rank) => group.allReduce(Float32Array.of(rank + 1)))

describe('after a rank threw while the others wait in a collective', () => {
  it('all are freed with its error, and the next group computes', async () => {
    await world()
    const waiting = [0, 1].map((rank) => groups[rank]?.allReduce(new Float32Array(BIG), { name: 'gradients' }))
    groups[2]?.abort(new RondoError('SCRIPT_FAILED', 'loss is NaN', { rank: 2 }))
    const failed = await Promise.allSettled(waiting)
    expect(codes(failed)).toEqual(['SCRIPT_FAILED', 'SCRIPT_FAILED'])
    expect(failed.map((result) => result.status === 'rejected' && result.reason.rank)).toEqual([2, 2])
    await expect(groups[2]?.barrier()).rejects.toThrow('loss is NaN')
    await all((group) => group.regroup())
    expect(groups.map(({ generation, failure }) => [generation, failure])).toEqual(Array(WORLD).fill([8, null]))
    expect(await sum()).toEqual(Array(WORLD).fill(Float32Array.of(6)))
  })

  it('what was on its way does not reach the next group, however often', async () => {
    await world()
    for (let round = 0; round < 8; round++) {
      const works = all((group, rank) =>
        group.allReduce(new Float32Array(BIG).fill(rank), { name: `round ${round}`, algorithm: 'ring' }),
      )
      works.catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, round))
      groups[round % WORLD]?.abort(new Error(`round ${round}`))
      await all(async (group, rank) => {
        // Ranks come to the next group one after the other.
        await new Promise((resolve) => setTimeout(resolve, ((rank + round) % WORLD) * 5))
        await group.regroup()
      })
      const exact = await all((group, rank) => group.allReduce(new Float32Array(BIG).fill(rank + 1)))
      expect(exact.map((values) => values.every((value) => value === 6))).toEqual([true, true, true])
    }
    expect(groups[0]?.generation).toBe(15)
  })
})

it('is interrupted from one rank while all compute', async () => {
  await world()
  const works = Promise.allSettled(groups.map((group) => group.allReduce(new Float32Array(BIG))))
  groups[0]?.abort(new RondoError('ABORTED', 'interrupted'))
  expect(codes(await works)).toEqual(['ABORTED', 'ABORTED', 'ABORTED'])
  await all((group) => group.regroup())
  expect(await sum()).toHaveLength(WORLD)
})

it('counts bytes over all its groups', async () => {
  await world()
  await sum()
  const before = groups.map((group) => group.bytesSent)
  const links = groups[0]?.linkReports().map(({ bytesSent }) => bytesSent) as number[]
  await all((group) => group.regroup())
  await sum()
  for (const [rank, group] of groups.entries()) expect(group.bytesSent).toBeGreaterThan(before[rank] as number)
  for (const [i, { bytesSent }] of (groups[0]?.linkReports() ?? []).entries())
    expect(bytesSent).toBeGreaterThan(links[i] as number)
})

it('tells a handler that was set before of failures after', async () => {
  await world()
  const heard: string[] = []
  for (const group of groups) group.onFailure = (error) => heard.push(error.message)
  await all((group) => group.regroup())
  groups[1]?.abort(new Error('second'))
  await expect.poll(() => heard.length).toBe(WORLD)
})

it('cannot be made again without a rank that is gone, which is named', async () => {
  const mesh = await world()
  groups[0]?.abort(new Error('stop'))
  mesh.kill(2, 'its page was closed')
  const outcome = await Promise.allSettled([groups[0], groups[1]].map((group) => group?.regroup()))
  for (const result of outcome) {
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'RANK_LOST', rank: 2 } })
  }
})
