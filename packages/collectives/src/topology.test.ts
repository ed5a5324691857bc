/** Who is whose neighbour, what that saves on far links, and what is noticed when ranks were told different things. */
import { afterEach, describe, expect, it } from 'vitest'
import type { AllReduceAlgorithm } from './cost-model.ts'
import { createProcessGroup } from './create-process-group.ts'
import { failureOf, placesOn, type TestWorld, testWorld } from './testing/groups.ts'
import { flatTopology, type LinkClass, type Place, topologyOf } from './topology.ts'

let world: TestWorld | undefined
afterEach(async () => {
  await world?.close()
  world = undefined
})

const place = (pageId: string | null, browserId: string | null, nodeId: string | null): Place => ({
  pageId,
  browserId,
  nodeId,
})

describe('the order of the ring', () => {
  it('makes ranks of a page, then of a browser, then of a machine neighbours', () => {
    const topology = topologyOf([
      place('p1', 'b1', 'm1'),
      place('p2', 'b2', 'm2'),
      place('p3', 'b3', 'm1'),
      place('p4', 'b1', 'm1'),
      place('p5', 'b2', 'm2'),
      place('p1', 'b1', 'm1'),
    ])
    expect(topology.order).toEqual([0, 5, 3, 2, 1, 4])
    expect(topology.position).toEqual([0, 4, 3, 2, 5, 1])
    const classes = (a: number): LinkClass[] =>
      [0, 1, 2, 3, 4, 5].filter((b) => b !== a).map((b) => topology.classOf(a, b))
    expect(classes(0)).toEqual(['network', 'machine', 'browser', 'network', 'page'])
    expect(topology.groups('machine')).toEqual([
      [0, 5, 3, 2],
      [1, 4],
    ])
    expect(topology.groups('page')).toEqual([[0, 5], [3], [2], [1], [4]])
  })

  it('knows that one browser is one machine, whatever nodes its pages are', () => {
    const topology = topologyOf([
      place('p1', 'b1', 'n1'),
      place('p2', null, 'n2'),
      place('p3', 'b1', 'n3'),
      place('p4', null, 'n3'),
    ])
    expect(topology.groups('machine')).toEqual([[0, 2, 3], [1]])
    expect(topology.classOf(2, 3)).toBe('machine')
  })

  it('is that of the ranks where nothing is known', () => {
    expect(flatTopology(4).order).toEqual([0, 1, 2, 3])
    expect(flatTopology(4).classOf(0, 1)).toBe('network')
  })
})

describe('two machines of two ranks, numbered in turn', () => {
  const LENGTH = 48_000
  const PLACES = placesOn('abab')

  /** Bytes of one all-reduce on links between the machines, summed over ranks. */
  async function farBytes(
    places: readonly Place[] | undefined,
    algorithm: AllReduceAlgorithm | 'auto',
  ): Promise<number> {
    world = await testWorld(4, {
      places,
      costModel: {
        latencyMs: 0.4,
        bytesPerSecond: 15e6,
        classes: {
          machine: { latencyMs: 0.2, bytesPerSecond: 500e6 },
          network: { latencyMs: 0.4, bytesPerSecond: 15e6 },
        },
      },
    })
    const { groups } = world
    const { classOf } = topologyOf(PLACES)
    const sent = (): number =>
      groups
        .flatMap((group) => group.linkReports())
        .filter(({ from, to }) => classOf(from, to) === 'network')
        .reduce((sum, { bytesSent }) => sum + bytesSent, 0)
    const before = sent()
    const results = await world.all((group, rank) =>
      group.allReduce(new Float32Array(LENGTH).fill(rank), { algorithm }),
    )
    expect(results.every((result) => result.length === LENGTH && result.every((value) => value === 6))).toBe(true)
    const bytes = sent() - before
    await world.close()
    return bytes
  }

  it('send half as much between the machines in the order of the ring, and a third in two levels', async () => {
    const unlucky = await farBytes(undefined, 'ring')
    const vector = 4 * LENGTH
    // Every link of the unlucky ring joins the machines; headers are below one percent.
    expect(unlucky / vector).toBeCloseTo(4 * 1.5, 1)
    expect((await farBytes(PLACES, 'ring')) / vector).toBeCloseTo(2 * 1.5, 1)
    expect((await farBytes(PLACES, 'two-level')) / vector).toBeCloseTo(2, 1)
    expect(await farBytes(PLACES, 'auto')).toBeLessThanOrEqual(unlucky / 2)
  })

  it('measure each class of links and agree on it', async () => {
    world = await testWorld(4, { places: PLACES, costModel: 'measured' })
    const [model] = world.groups.map((group) => group.costModel)
    expect(Object.keys(model?.classes ?? {})).toEqual(['machine', 'network'])
    for (const group of world.groups) expect(group.costModel).toEqual(model)
  })

  it.each(['abb', 'abab', 'aab', 'abcabc'])('choose alike for %s, whatever they measured', async (machines) => {
    world = await testWorld(machines.length, { places: placesOn(machines), costModel: 'measured' })
    const ranks = machines.length
    for (const length of [0, 1, 100, 5_000, 20_000, 100_000, 500_000]) {
      const results = await world.all((group, rank) => group.allReduce(new Float32Array(length).fill(rank + 1)))
      const sum = (ranks * (ranks + 1)) / 2
      for (const result of results) expect(result.every((value) => value === sum)).toBe(true)
    }
  })

  it.each(['two-level', 'halving', 'doubling'] as const)(
    'name a lost rank on all others, in the middle of %s',
    async (algorithm) => {
      world = await testWorld(4, { places: PLACES, delayMs: 5 })
      const length = algorithm === 'doubling' ? 4_000 : 400_000
      const calls = world.groups.map((group) => failureOf(group.allReduce(new Float32Array(length), { algorithm })))
      world.mesh.kill(2, 'its tab was closed')
      for (const error of (await Promise.all(calls)).filter((_, rank) => rank !== 2)) {
        expect(error).toMatchObject({ code: 'RANK_LOST', rank: 2 })
      }
    },
  )
})

it('refuses places that are not one a rank, and places that differ between ranks', async () => {
  world = await testWorld(2)
  const options = { rank: 0, worldSize: 2, generation: 2, nodeLabels: [], links: world.mesh.links[0]! }
  expect(await failureOf(createProcessGroup({ ...options, places: placesOn('a') }))).toMatchObject({
    code: 'BAD_ARGUMENT',
  })
  await Promise.all(world.groups.map((group) => group.close({ keepLinks: true })))
  const errors = await Promise.all(
    ['aa', 'ab'].map((machines, rank) =>
      failureOf(createProcessGroup({ ...options, rank, links: world!.mesh.links[rank]!, places: placesOn(machines) })),
    ),
  )
  for (const error of errors)
    expect(error).toMatchObject({ code: 'BAD_ARGUMENT', message: expect.stringContaining('places on rank') })
})

it('refuses two levels where there are none', async () => {
  world = await testWorld(2)
  expect(await failureOf(world.groups[0]!.allReduce(new Float32Array(1), { algorithm: 'two-level' }))).toMatchObject({
    code: 'BAD_ARGUMENT',
  })
})
