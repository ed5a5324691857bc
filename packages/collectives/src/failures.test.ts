/** Whatever goes wrong is named within the deadline, on every rank, and nobody hangs. */
import { FRAME_HEADER_BYTES, FrameKind, fingerprint, type RondoError, writeFrameHeader } from '@rondo/protocol'
import { memoryMesh } from '@rondo/transport'
import { afterEach, describe, expect, it } from 'vitest'
import { createProcessGroup } from './create-process-group.ts'
import type { ProcessGroup } from './process-group.ts'
import { BYTES_COST, failureOf, type TestWorld, testWorld } from './testing/groups.ts'

let world: TestWorld
afterEach(() => world?.close())

/** Runs `work` on every rank and gives each rank's error. */
function failures(work: (group: ProcessGroup, rank: number) => Promise<unknown>): Promise<RondoError[]> {
  return world.all((group, rank) => failureOf(work(group, rank))) as Promise<RondoError[]>
}

function frame(header: Partial<Parameters<typeof writeFrameHeader>[1]>, payload = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload)
  writeFrameHeader(bytes, {
    kind: FrameKind.data,
    source: 0,
    generation: 1,
    sequence: 1,
    fingerprint: 0,
    index: 0,
    payloadBytes: payload,
    ...header,
  })
  return bytes
}

const BIG = 200_000

describe('a rank that dies', () => {
  it('is named with its node and last operation, on every rank, in the middle of a ring', async () => {
    world = await testWorld(4, { costModel: BYTES_COST, delayMs: 1 })
    await world.all((group) => group.barrier('ready'))
    const started = performance.now()
    world.mesh.partition(2, 3)
    const errors = failures((group) => group.allReduce(new Float32Array(BIG), { name: 'grads', algorithm: 'ring' }))
    setTimeout(() => world.mesh.kill(2, 'its tab was closed'), 10)
    for (const [rank, error] of (await errors).entries()) {
      if (rank === 2) continue
      expect(error.code).toBe('RANK_LOST')
      expect(error.message).toMatch(/Rank 2 \(node "node-2"\) is gone: its tab was closed.*last known operation: .*#\d/)
      expect([error.rank, error.node]).toEqual([2, 'node-2'])
    }
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('fails later operations and is told between operations', async () => {
    world = await testWorld(3)
    await world.all((group) => group.barrier('before'))
    const told: string[] = []
    world.groups.forEach((group, rank) => {
      group.onFailure = (error) => told.push(`${rank} ${error.code}`)
    })
    world.mesh.kill(1)
    expect(await failureOf(world.groups[0]!.barrier())).toMatchObject({ code: 'RANK_LOST', rank: 1 })
    expect(await failureOf(world.groups[2]!.allReduce(Float32Array.of(1)))).toMatchObject({
      code: 'RANK_LOST',
      rank: 1,
    })
    expect(world.groups[0]!.failure).toMatchObject({ code: 'RANK_LOST' })
    expect(told).toEqual(expect.arrayContaining(['0 RANK_LOST', '2 RANK_LOST']))
    expect((world.groups[0]!.failure as RondoError).message).toContain('barrier "before"')
  })

  it('fails the ranks that still see everyone when one pair loses its connection', async () => {
    world = await testWorld(4, { costModel: BYTES_COST, delayMs: 1 })
    world.mesh.partition(0, 1)
    const errors = failures((group) => group.allReduce(new Float32Array(BIG), { algorithm: 'ring' }))
    setTimeout(() => world.mesh.cut(0, 1), 10)
    for (const error of await errors) expect(error.code).toBe('RANK_LOST')
  })

  it('may leave on purpose once its work is done', async () => {
    world = await testWorld(3)
    const done = await world.all(async (group, rank) => {
      const sum = await group.allReduce(Float32Array.of(1))
      if (rank === 1) await group.close()
      return sum[0]
    })
    expect(done).toEqual([3, 3, 3])
    expect(world.groups[0]!.failure).toBe(null)
    expect(await failureOf(world.groups[0]!.barrier())).toMatchObject({ code: 'RANK_LOST', rank: 1 })
    await failureOf(world.groups[2]!.barrier())
  })
})

describe('ranks that differ', () => {
  it('are both named with both operations, at once and everywhere', async () => {
    world = await testWorld(4, { costModel: BYTES_COST })
    const errors = await failures((group, rank) =>
      rank === 2
        ? group.allReduce(new Float32Array(7), { op: 'max', name: 'b', algorithm: 'ring' })
        : group.allReduce(new Float32Array(10), { name: 'a', algorithm: 'ring' }),
    )
    for (const error of errors) {
      expect(error.code).toBe('COLLECTIVE_MISMATCH')
      expect(error.message).toContain('rank 2 (node "node-2") called allReduce(max) "b", float32 × 7')
      expect(error.message).toMatch(/rank [013] \(node "node-[013]"\) called allReduce\(sum\) "a", float32 × 10/)
    }
  })

  const barrier = (group: ProcessGroup): Promise<unknown> => group.barrier()
  const pairs: Array<[string, (g: ProcessGroup) => Promise<unknown>, (g: ProcessGroup) => Promise<unknown>]> = [
    [
      'broadcast roots',
      (g) => g.broadcast(new Float32Array(3), { src: 0 }),
      (g) => g.broadcast(new Float32Array(3), { src: 1 }),
    ],
    [
      'gather roots',
      (g) => g.gather(new Float32Array(3), { dst: 0 }),
      (g) => g.gather(new Float32Array(3), { dst: 1 }),
    ],
    [
      'crossed roots',
      (g) => g.broadcast(new Float32Array(3), { src: 1 }),
      (g) => g.broadcast(new Float32Array(3), { src: 0 }),
    ],
    ['dtypes', (g) => g.allReduce(new Float32Array(3)), (g) => g.allReduce(new Int32Array(3))],
    ['operations', (g) => g.allGather(new Float32Array(3)), barrier],
    ['names', (g) => g.barrier('save'), (g) => g.barrier('load')],
    ['codecs', (g) => g.allReduce(new Float32Array(3), { codec: 'f16' }), (g) => g.allReduce(new Float32Array(3))],
    [
      'chained broadcasts',
      (g) => g.broadcast(new Float32Array(BIG), { src: 0 }),
      (g) => g.broadcast(new Float32Array(BIG), { src: 1 }),
    ],
    [
      'an empty ring',
      (g) => g.allReduce(new Float32Array(0), { algorithm: 'ring' }),
      (g) => g.allReduce(new Float32Array(9), { algorithm: 'ring' }),
    ],
  ]
  for (const [what, first, second] of pairs) {
    it(`notices different ${what}`, async () => {
      world = await testWorld(2)
      const errors = await Promise.all([
        failureOf(first(world.groups[0]!).then(() => world.groups[0]!.barrier('next'))),
        failureOf(second(world.groups[1]!).then(() => world.groups[1]!.barrier('next'))),
      ])
      for (const error of errors) expect(error).toMatchObject({ code: 'COLLECTIVE_MISMATCH' })
    })
  }

  it('notices a recv that expects something else', async () => {
    world = await testWorld(2)
    const errors = await failures((group, rank) =>
      rank === 0
        ? group.send(new Float32Array(3), { to: 1 }).then(() => group.barrier())
        : group.recv(new Float32Array(4), { from: 0 }),
    )
    for (const error of errors) {
      expect(error.code).toBe('COLLECTIVE_MISMATCH')
      expect(error.message).toMatch(/float32 × 3.*float32 × 4/)
    }
  })
})

describe('waiting', () => {
  it('ends with the name of the rank that did not come', async () => {
    world = await testWorld(4, { timeoutMs: 100, costModel: BYTES_COST })
    await world.all((group) => group.barrier())
    const errors = (await Promise.all(
      [0, 1, 3].map((rank) =>
        failureOf(world.groups[rank]!.allReduce(new Float32Array(100), { name: 'g', algorithm: 'ring' })),
      ),
    )) as RondoError[]
    for (const error of errors) {
      expect(error.code).toBe('TIMEOUT')
      expect(error.message).toMatch(/allReduce\(sum\) "g", float32 × 100 \(#2\) took longer than 100 ms/)
      expect(error.message).toContain('rank 2 (node "node-2") has not called it yet (it has begun 2 operations)')
      expect(error.details?.['missing']).toEqual([2])
    }
    expect(world.groups[2]!.failure).toMatchObject({ code: 'TIMEOUT' })
  })

  it('says who does not answer at all', async () => {
    world = await testWorld(2, { timeoutMs: 100 })
    world.mesh.partition(0, 1)
    expect(await failureOf(world.groups[0]!.barrier())).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('rank 1 (node "node-1") does not answer'),
    })
    world.mesh.heal(0, 1)
  })

  it('may have no limit', async () => {
    world = await testWorld(2, { timeoutMs: 50 })
    const waiting = world.groups[0]!.barrier('first', { timeoutMs: Number.POSITIVE_INFINITY })
    await new Promise((resolve) => setTimeout(resolve, 150))
    await world.groups[1]!.barrier('first')
    await waiting
  })

  it('ends when a signal says so, on every rank', async () => {
    world = await testWorld(3)
    const abort = new AbortController()
    const errors = failures((group, rank) =>
      rank === 1
        ? new Promise((_, reject) => (group.onFailure = reject))
        : group.barrier('x', { signal: abort.signal }),
    )
    abort.abort(new Error('the person pressed Stop'))
    for (const error of await errors) {
      expect(error.code).toBe('ABORTED')
      expect(error.message).toContain('the person pressed Stop')
    }
  })

  it('ends when one rank aborts the group with its own error', async () => {
    world = await testWorld(3)
    const errors = failures((group, rank) => {
      if (rank === 2) group.abort(new Error('script threw'))
      return group.barrier()
    })
    for (const error of await errors) expect(error).toMatchObject({ code: 'RANK_FAILED', rank: 2, node: 'node-2' })
  })

  it('for ranks that never create their group ends with their names', async () => {
    const mesh = memoryMesh(3)
    const error = await failureOf(
      createProcessGroup({
        rank: 0,
        worldSize: 3,
        generation: 1,
        links: mesh.links[0]!,
        nodeLabels: ['a', 'b', 'c'],
        timeoutMs: 50,
      }),
    )
    expect(error).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('rank 1 (node "b"), rank 2 (node "c")'),
    })
  })
})

describe('frames that should not be', () => {
  it('of an older generation are dropped', async () => {
    world = await testWorld(2, { generation: 5 })
    world.link(0, 1).send(frame({ generation: 4, payloadBytes: 8 }, 8))
    expect(await world.all((group) => group.allReduce(Float32Array.of(1)))).toEqual([
      Float32Array.of(2),
      Float32Array.of(2),
    ])
  })

  it('of a newer generation wait for the group that follows on the same links', async () => {
    world = await testWorld(2, { generation: 1 })
    const old = world.groups
    const options = { worldSize: 2, generation: 2, nodeLabels: ['a', 'b'], timeoutMs: 5_000 }
    await old[0]!.close({ keepLinks: true })
    const first = createProcessGroup({ ...options, rank: 0, links: world.mesh.links[0]! })
    await new Promise((resolve) => setTimeout(resolve, 20))
    await old[1]!.close({ keepLinks: true })
    world.groups = await Promise.all([first, createProcessGroup({ ...options, rank: 1, links: world.mesh.links[1]! })])
    expect(await world.all((group) => group.allReduce(Float32Array.of(2)))).toEqual([
      Float32Array.of(4),
      Float32Array.of(4),
    ])
  })

  const allReduce = fingerprint('allReduce(sum)', '', 'float32', 4)
  const garbage: Array<[string, Uint8Array<ArrayBuffer>]> = [
    ['no frame at all', Uint8Array.of(1, 2, 3)],
    ['noise', new Uint8Array(500).fill(0x52)],
    ['a wrong length', frame({ payloadBytes: 99 }, 8)],
    ['a false sender', frame({ source: 1 })],
    ['too few payload bytes', frame({ fingerprint: allReduce }, 4)],
    ['a message out of turn', frame({ fingerprint: allReduce, index: 3 }, 16)],
    ['an abort without an error', frame({ kind: FrameKind.abort }, 10)],
    ['a mismatch without an operation', frame({ kind: FrameKind.mismatch }, 10)],
  ]
  for (const [what, bytes] of garbage) {
    it(`cost their sender the link: ${what}`, async () => {
      world = await testWorld(3)
      world.link(0, 1).send(bytes)
      const errors = await failures(async (group, rank) => {
        await group.allReduce(new Float32Array(4), { algorithm: 'direct' })
        if (rank !== 1) await group.barrier()
        throw new Error('garbage went unnoticed')
      })
      expect(errors[1]).toMatchObject({ code: 'BAD_MESSAGE', rank: 0, node: 'node-0' })
      expect(world.link(1, 0).closed).toBe(true)
      for (const error of errors)
        expect(error.message).toContain('Rank 0 (node "node-0") sent a frame that can\'t be right')
    })
  }
})
