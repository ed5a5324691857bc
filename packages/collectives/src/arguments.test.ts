/** What callers get wrong reads the same with one rank and with several, and disturbs nobody. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProcessGroup, singleProcessGroup } from './create-process-group.ts'
import type { ProcessGroup } from './process-group.ts'
import { failureOf, type TestWorld, testWorld } from './testing/groups.ts'

let world: TestWorld
beforeAll(async () => {
  world = await testWorld(2)
})
afterAll(() => world.close())

const x = new Float32Array(4)
const CASES: Array<[string, (group: ProcessGroup) => Promise<unknown>, RegExp]> = [
  ['an unknown op', (g) => g.allReduce(x, { op: 'median' as 'sum' }), /"median".*sum, mean, avg, min, max, product/],
  ['the mean of integers', (g) => g.allReduce(new Int32Array(1), { op: 'mean' }), /int32.*Cast to Float32Array.*"sum"/],
  ['a dtype', (g) => g.allReduce(new Uint16Array(1) as never), /Uint16Array.*Supported.*Float32Array.*BigInt64Array/],
  ['a plain array', (g) => g.allReduce([1, 2] as never), /a plain array/],
  ['null', (g) => g.broadcast(null as never), /null/],
  ['a rank outside', (g) => g.broadcast(x, { src: 2 }), /src 2.*0 to/],
  ['a negative rank', (g) => g.gather(x, { dst: -1 }), /dst -1.*0 to/],
  ['itself as peer', (g) => g.send(x, { to: g.rank }), /this rank itself.*another rank/],
  ['another into', (g) => g.allReduce(x, { into: new Float32Array(3) }), /float32 × 3.*float32 × 4/],
  ['a codec for integers', (g) => g.allReduce(new Int32Array(1), { codec: 'f16' }), /f16 for int32/],
  ['an unknown codec', (g) => g.allReduce(x, { codec: 'f8' as 'f16' }), /"f8".*f32, f16, bf16, int8/],
  ['an unknown algorithm', (g) => g.allReduce(x, { algorithm: 'tree' as 'ring' }), /tree.*auto, ring, mesh, direct/],
  ['a time-out of nothing', (g) => g.barrier('b', { timeoutMs: 0 }), /timeoutMs 0/],
]

for (const [what, call, message] of CASES) {
  it(`refuses ${what}`, async () => {
    for (const group of [singleProcessGroup(), world.groups[1]!]) {
      expect(await failureOf(call(group))).toMatchObject({
        code: 'BAD_ARGUMENT',
        message: expect.stringMatching(message),
      })
    }
  })
}

it('still works after all of that', async () => {
  expect(await failureOf(world.groups[0]!.allToAll(new Float32Array(3)))).toMatchObject({ code: 'BAD_ARGUMENT' })
  expect(await world.all((group) => group.allReduce(Float32Array.of(1)))).toEqual([
    Float32Array.of(2),
    Float32Array.of(2),
  ])
})

it('refuses links that do not fit the world', async () => {
  const links = new Map([...world.mesh.links[0]!])
  const options = { rank: 0, worldSize: 3, generation: 1, links, nodeLabels: [] }
  expect(await failureOf(createProcessGroup(options))).toMatchObject({
    code: 'BAD_ARGUMENT',
    message: expect.stringContaining('links to ranks 1. Allowed: one to each of 1, 2'),
  })
  expect(await failureOf(createProcessGroup({ ...options, rank: 3 }))).toMatchObject({ code: 'BAD_ARGUMENT' })
})

describe('a world of one', () => {
  it('does everything and sends nothing', async () => {
    const group = await createProcessGroup({
      rank: 0,
      worldSize: 1,
      generation: 4,
      links: new Map(),
      nodeLabels: ['a'],
    })
    const values = Int32Array.of(1, 2, 3)
    expect(await group.allReduce(values)).toEqual(values)
    expect(await group.allReduce(values)).not.toBe(values)
    expect(await group.allReduce(x, { op: 'mean', into: x, codec: 'int8' })).toBe(x)
    expect(await group.reduceScatter(values, { op: 'max' })).toEqual(values)
    expect(await group.allGather(values)).toEqual(values)
    expect(await group.allGatherV(values)).toEqual([values])
    expect(await group.gather(values)).toEqual(values)
    expect(await group.broadcast(values)).toBe(values)
    expect(await group.scatter(new Int32Array(3), { values })).toEqual(values)
    expect(await group.allToAll(values)).toEqual(values)
    expect(await group.broadcastObject({ a: 1 })).toEqual({ a: 1 })
    expect(await group.allGatherObject('x')).toEqual(['x'])
    await group.barrier('end')
    expect([group.bytesSent, group.bytesReceived, group.payloadBytesSent]).toEqual([0, 0, 0])
    expect(group.linkReports()).toEqual([])
    expect(group.flightRecorder.dump().at(-1)).toMatchObject({ op: 'barrier', name: 'end', state: 'done' })
    await group.close()
    expect(await failureOf(group.barrier())).toMatchObject({ code: 'ABORTED' })
  })
})
