/** `collectives` in torch's style on the current rank's world, which tests set one rank after the other. */
import { tf } from '@rondo/engine'
import { afterEach, expect, it, vi } from 'vitest'
import * as contexts from '../context.ts'
import { runRanks } from '../testing/ranks.ts'
import { joinWorld } from './init-process-group.ts'
import { collectives } from './namespace.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** Runs `work` on every rank; all of a rank's calls begin before it first waits, so that they find its context. */
function inWorld<T>(world: number, work: (rank: number) => Promise<T>): Promise<T[]> {
  return runRanks(world, ({ context }) => {
    contexts.enterContext(context)
    try {
      return work(context.group.rank)
    } finally {
      contexts.enterContext(contexts.baseRankContext())
    }
  })
}

it.each([1, 2, 3, 4])('reduceScatter deals the chunks of the sum to %s ranks', async (world) => {
  const parts = await inWorld(world, (rank) =>
    collectives.reduceScatter(Float32Array.from({ length: 10 }, (_, i) => i + rank)),
  )
  const extra = (world * (world - 1)) / 2
  const bounds = Array.from({ length: world + 1 }, (_, i) => Math.floor((i * 10) / world))
  parts.forEach((part, rank) => {
    const own = Array.from({ length: 10 }, (_, i) => i * world + extra).slice(bounds[rank], bounds[rank + 1])
    expect([...part]).toEqual(own)
  })
})

it('reduceScatter and allToAll of tensors cut the first axis', async () => {
  const parts = await inWorld(2, (rank) => collectives.reduceScatter(tf.fill([4, 3], rank + 1)))
  for (const part of parts) expect([part.shape, part.dataSync()[0]]).toEqual([[2, 3], 3])
  const swapped = await inWorld(2, (rank) =>
    collectives.allToAll(
      tf.tensor2d(
        [
          [rank, 0],
          [rank, 1],
        ],
        [2, 2],
        'int32',
      ),
    ),
  )
  expect(swapped.map((part) => [...part.dataSync()])).toEqual([
    [0, 0, 1, 0],
    [0, 1, 1, 1],
  ])
  const uneven = inWorld(2, (_) => collectives.reduceScatter(tf.ones([3, 2])))
  await expect(uneven).rejects.toThrow(/first axis has 3 entries for 2 ranks/)
})

it('gather, scatter, send and recv name ranks', async () => {
  expect(await inWorld(3, (rank) => collectives.gather(Int32Array.of(rank), { dst: 2 }))).toEqual([
    null,
    null,
    Int32Array.of(0, 1, 2),
  ])
  const scattered = await inWorld(3, (rank) =>
    collectives.scatter(new Int32Array(1), rank === 1 ? { src: 1, values: Int32Array.of(7, 8, 9) } : { src: 1 }),
  )
  expect(scattered.map(([x]) => x)).toEqual([7, 8, 9])
  const passed = await inWorld(2, async (rank) =>
    rank === 0
      ? collectives.send(tf.tensor1d([1, 2]), { rank: 1 })
      : collectives.recv(new Float32Array(2), { rank: 0 }),
  )
  expect(passed[1]).toEqual(Float32Array.of(1, 2))
})

it('allReduce sums unless told otherwise, and groups are made of ranks', async () => {
  expect(await inWorld(3, (rank) => collectives.allReduce(rank))).toEqual([3, 3, 3])
  const groups = await inWorld(3, () => collectives.newGroup([2, 0]))
  expect(groups.map(({ ranks }) => ranks)).toEqual([
    [0, 2],
    [0, 2],
    [0, 2],
  ])
  await expect(inWorld(2, (rank) => collectives.newGroup([rank]))).rejects.toThrow(
    /names ranks 0.*names 1|names ranks 1.*names 0/,
  )
  await expect(inWorld(2, () => collectives.newGroup([5]))).rejects.toThrow(/rank 5/)
})

it('initProcessGroup joins the world of env, again without effect, and refuses what is none', async () => {
  const info = vi.spyOn(console, 'info').mockImplementation(() => {})
  await runRanks(2, async ({ context }) => {
    await joinWorld(context, { backend: 'nccl', initMethod: 'env://', worldSize: 2 })
    await joinWorld(context, { backend: 'nccl' })
    await expect(joinWorld(context, { backend: 'smoke' })).rejects.toThrow(/"smoke".*auto, webrtc, port, relay/)
    await expect(joinWorld(context, { initMethod: 'tcp://x' })).rejects.toThrow(/env:\/\//)
    await expect(joinWorld(context, { worldSize: 3 })).rejects.toThrow(/worldSize is 3.*2/)
    const other = 1 - context.group.rank
    await expect(joinWorld(context, { rank: other })).rejects.toThrow(/the server gave/)
  })
  expect(info.mock.calls).toEqual([[expect.stringMatching(/"nccl" means "auto"/)]])
  await expect(collectives.initProcessGroup()).rejects.toThrow(/WORLD_SIZE and RANK are not set.*rondo run/)
  await expect(collectives.barrier()).rejects.toThrow(/rondo run/)
  expect(collectives.setDevice(0)).toBeUndefined()
  expect(collectives.isInitialized()).toBe(false)
})
