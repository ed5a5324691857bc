/** Every operation over a real mesh of links, checked by hand-computed results. Properties: properties.test.ts. */
import { afterEach, describe, expect, it } from 'vitest'
import { ALL_REDUCE_ALGORITHMS } from './cost-model.ts'
import { BYTES_COST, placesOn, type TestWorld, testWorld } from './testing/groups.ts'

let world: TestWorld
afterEach(() => world?.close())

describe('a mesh of three ranks', () => {
  it('all-reduces by every algorithm, to the same bits everywhere', async () => {
    world = await testWorld(3, { places: placesOn('aba') })
    for (const algorithm of ALL_REDUCE_ALGORITHMS) {
      const results = await world.all((group, rank) =>
        group.allReduce(Float32Array.of(1 + rank, 0.1 * rank, -rank, 4), { algorithm }),
      )
      expect([...(results[0] ?? [])].map((value) => Math.round(value * 1000) / 1000)).toEqual([6, 0.3, -3, 12])
      expect(results[1]).toEqual(results[0])
      expect(results[2]).toEqual(results[0])
    }
  })

  it('writes into the input when asked to', async () => {
    world = await testWorld(3, { places: placesOn('aba') })
    for (const algorithm of ALL_REDUCE_ALGORITHMS) {
      const inputs = await world.all(async (group, rank) => {
        const x = Float64Array.from({ length: 100 }, (_, i) => rank * i)
        expect(await group.allReduce(x, { op: 'mean', into: x, algorithm })).toBe(x)
        return x
      })
      for (const x of inputs) expect(x).toEqual(Float64Array.from({ length: 100 }, (_, i) => i))
    }
  })

  it('scatters the reduction', async () => {
    world = await testWorld(3)
    const x = Int32Array.from({ length: 10 }, (_, i) => i)
    const parts = await world.all((group) => group.reduceScatter(x))
    expect(parts.map((part) => [...part])).toEqual([
      [0, 3, 6],
      [9, 12, 15],
      [18, 21, 24, 27],
    ])
  })

  it('gathers, evenly and unevenly', async () => {
    world = await testWorld(3)
    expect(await world.all((group, rank) => group.allGather(Uint8Array.of(rank, 9)))).toEqual(
      Array(3).fill(Uint8Array.of(0, 9, 1, 9, 2, 9)),
    )
    expect(await world.all((group, rank) => group.allGatherV(new Int8Array(rank).fill(rank)))).toEqual(
      Array(3).fill([Int8Array.of(), Int8Array.of(1), Int8Array.of(2, 2)]),
    )
    expect(await world.all((group, rank) => group.gather(Float32Array.of(rank), { dst: 1 }))).toEqual([
      null,
      Float32Array.of(0, 1, 2),
      null,
    ])
  })

  it('broadcasts small and large arrays from any rank', async () => {
    world = await testWorld(3, { costModel: BYTES_COST, maxFrameBytes: 1024 })
    for (const length of [0, 1, 20_000]) {
      for (const src of [0, 1, 2]) {
        const results = await world.all((group, rank) =>
          group.broadcast(new Float32Array(length).fill(rank + 1), { src }),
        )
        expect(results).toEqual(Array(3).fill(new Float32Array(length).fill(src + 1)))
      }
    }
  })

  it('scatters, exchanges, sends and receives', async () => {
    world = await testWorld(3)
    const values = Int32Array.of(1, 2, 3, 4, 5, 6)
    expect(
      await world.all((group, rank) => group.scatter(new Int32Array(2), { src: 2, ...(rank === 2 ? { values } : {}) })),
    ).toEqual([Int32Array.of(1, 2), Int32Array.of(3, 4), Int32Array.of(5, 6)])
    expect(await world.all((group, rank) => group.allToAll(Int32Array.of(rank, 10 + rank, 20 + rank)))).toEqual([
      Int32Array.of(0, 1, 2),
      Int32Array.of(10, 11, 12),
      Int32Array.of(20, 21, 22),
    ])
    const received = await world.all(async (group, rank) => {
      void group.send(Float32Array.of(rank), { to: (rank + 1) % 3 })
      void group.send(Float32Array.of(rank, rank), { to: (rank + 1) % 3, name: 'second' })
      const first = await group.recv(new Float32Array(1), { from: (rank + 2) % 3 })
      return [...first, ...(await group.recv(new Float32Array(2), { from: (rank + 2) % 3, name: 'second' }))]
    })
    expect(received).toEqual([
      [2, 2, 2],
      [0, 0, 0],
      [1, 1, 1],
    ])
  })

  it('waits at a barrier for everyone', async () => {
    world = await testWorld(3)
    let arrived = 0
    await world.all(async (group, rank) => {
      for (let i = 0; i < 10 * rank; i++) await Promise.resolve()
      arrived++
      await group.barrier('start')
      expect(arrived).toBe(3)
    })
  })

  it('carries objects, also large ones', async () => {
    world = await testWorld(3)
    const value = { when: new Date(5), list: [1, undefined, 2n], big: new Float32Array(20_000).fill(3) }
    for (const got of await world.all((group, rank) => group.broadcastObject(rank === 1 ? value : null, { src: 1 }))) {
      expect(got).toEqual(value)
    }
    expect(await world.all((group, rank) => group.allGatherObject({ rank }))).toEqual(
      Array(3).fill([{ rank: 0 }, { rank: 1 }, { rank: 2 }]),
    )
  })

  it('keeps the order of calls that overlap', async () => {
    world = await testWorld(3, { costModel: BYTES_COST })
    const results = await world.all((group, rank) =>
      Promise.all(
        Array.from({ length: 30 }, (_, k) =>
          k % 5 === 4
            ? group.broadcast(Float32Array.of(rank + k), { src: k % 3 })
            : group.allReduce(new Float32Array(50_000).fill(rank + k), { name: `bucket ${k}`, algorithm: 'ring' }),
        ),
      ),
    )
    for (const all of results) {
      all.forEach((x, k) => {
        expect(x[0]).toBe(k % 5 === 4 ? (k % 3) + k : 3 + 3 * k)
      })
    }
  })

  it('measures its links and agrees on one model', async () => {
    world = await testWorld(3, { costModel: 'measured' })
    expect(new Set(world.groups.map((group) => JSON.stringify(group.costModel))).size).toBe(1)
    expect(world.groups[0]?.costModel.latencyMs).toBeGreaterThan(0)
    for (const report of world.groups[1]?.linkReports() ?? []) expect(report.roundTripMs).toBeGreaterThanOrEqual(0)
  })
})

it('reports its links: bytes, the rate that the receiving end saw, the round trip', async () => {
  world = await testWorld(2, { delayMs: 1 })
  await world.all((group) => group.allReduce(new Float32Array(500_000), { algorithm: 'ring' }))
  // Rates travel with the next probe, which goes out at most once a second.
  await new Promise((resolve) => setTimeout(resolve, 1_050))
  await world.all((group) => group.barrier())
  await world.all((group) => group.barrier())
  const [report] = world.groups[0]!.linkReports()
  expect(report).toMatchObject({ from: 0, to: 1, carrier: 'memory' })
  expect(report!.bytesSent).toBeGreaterThan(2_000_000)
  expect(report!.throughput).toBeGreaterThan(0)
  expect(report!.roundTripMs).toBeGreaterThanOrEqual(1)
  expect(world.groups[0]!.bytesSent).toBe(report!.bytesSent)
})
