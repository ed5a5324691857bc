import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DeviceInfo } from './device.ts'
import {
  emptySeats,
  fillSeats,
  listMembers,
  missingSeats,
  nodeRanks,
  overlappingPage,
  type RosterAgent,
  type RosterPage,
  seatsOfAll,
} from './roster.ts'

const device: DeviceInfo = {
  adapter: null,
  webgpu: 'none',
  features: [],
  limits: {},
  cores: 1,
  secureContext: true,
  crossOriginIsolated: false,
  userAgent: 'test',
}

function pageOf(pageId: string, nodeId: string, slots: number, firstLocalRank: number | null = null): RosterPage {
  const memberIds = Array.from({ length: slots }, (_, i) => `${pageId}-${i}`)
  const rest = { browserId: null, nodeLabel: nodeId, device, admitted: true, joinedAt: 1, lastSeen: 1 }
  return { pageId, nodeId, firstLocalRank, memberIds, ...rest }
}

function agentOf(nodeId: string, rank: number | null): RosterAgent {
  return { nodeId, label: nodeId, host: nodeId, rank, since: 1 }
}

/** Pages of up to five nodes that count by arrival. */
const pagesArbitrary = fc
  .array(fc.record({ node: fc.integer({ min: 0, max: 4 }), slots: fc.integer({ min: 1, max: 4 }) }), { maxLength: 12 })
  .map((list) => list.map(({ node, slots }, i) => pageOf(`p${i}`, `n${node}`, slots)))

/** Agents of distinct nodes, some of which asked for distinct ranks. */
const agentsArbitrary = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 5 }),
    fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 5, maxLength: 5 }),
    fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
  )
  .map(([nodes, ranks, asked]) =>
    nodes.map((node, i) => agentOf(`n${node}`, asked[i] === true ? (ranks[i] ?? null) : null)),
  )

describe('node ranks', () => {
  it('are distinct, keep what agents asked for and leave no gap below the others', () => {
    fc.assert(
      fc.property(agentsArbitrary, pagesArbitrary, (agents, pages) => {
        const ranks = nodeRanks(agents, pages)
        expect(new Set(ranks.values()).size).toBe(ranks.size)
        for (const agent of agents) if (agent.rank !== null) expect(ranks.get(agent.nodeId)).toBe(agent.rank)
        const asked = new Set(agents.flatMap((agent) => (agent.rank === null ? [] : [agent.nodeId])))
        const taken = new Set(ranks.values())
        for (const [nodeId, rank] of ranks) {
          if (!asked.has(nodeId)) for (let lower = 0; lower < rank; lower++) expect(taken.has(lower)).toBe(true)
        }
      }),
    )
  })

  it('count nodes by arrival, agents before nodes that are only pages', () => {
    const ranks = nodeRanks([agentOf('b', null), agentOf('c', 0)], [pageOf('p', 'guest', 1), pageOf('q', 'b', 1)])
    expect(Object.fromEntries(ranks)).toEqual({ c: 0, b: 1, guest: 2 })
  })
})

describe('members', () => {
  it('are sorted by node, with distinct local ranks from 0 when counted by arrival', () => {
    fc.assert(
      fc.property(agentsArbitrary, pagesArbitrary, (agents, pages) => {
        const members = listMembers(agents, pages)
        expect(members).toHaveLength(pages.reduce((sum, page) => sum + page.memberIds.length, 0))
        for (const nodeId of new Set(members.map((member) => member.nodeId))) {
          const local = members.filter((member) => member.nodeId === nodeId).map((member) => member.localRank)
          expect(local).toEqual(local.map((_, i) => i))
        }
        const order = members.map((member) => member.nodeRank * 1000 + member.localRank)
        expect(order).toEqual([...order].sort((a, b) => a - b))
      }),
    )
  })

  it('fill the gaps around pages that number their slots', () => {
    const pages = [pageOf('late', 'n', 2), pageOf('second', 'n', 1, 1), pageOf('fourth', 'n', 1, 3)]
    expect(listMembers([], pages).map((member) => member.pageId)).toEqual(['late', 'second', 'late', 'fourth'])
  })
})

describe('overlapping pages', () => {
  it('are found exactly when two ranges of one node share a local rank', () => {
    const range = fc.record({ first: fc.integer({ min: 0, max: 8 }), slots: fc.integer({ min: 1, max: 4 }) })
    fc.assert(
      fc.property(range, range, (a, b) => {
        const shared = Array.from({ length: b.slots }, (_, i) => b.first + i).some(
          (rank) => rank >= a.first && rank < a.first + a.slots,
        )
        const claim = { pageId: 'b', nodeId: 'n', firstLocalRank: b.first, slots: b.slots }
        expect(overlappingPage([pageOf('a', 'n', a.slots, a.first)], claim) !== undefined).toBe(shared)
        expect(overlappingPage([pageOf('a', 'other', a.slots, a.first)], claim)).toBeUndefined()
        expect(overlappingPage([pageOf('b', 'n', a.slots, a.first)], claim)).toBeUndefined()
      }),
    )
  })
})

describe('seats', () => {
  it('number ranks as slots of the lower nodes plus local rank', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 6 }), (nodes) => {
        for (const seat of emptySeats(nodes)) {
          const lower = nodes.slice(0, seat.nodeRank).reduce((sum, slots) => sum + slots, 0)
          expect(seat.rank).toBe(lower + seat.localRank)
          expect(seat.localRank).toBeLessThan(nodes[seat.nodeRank] ?? 0)
        }
      }),
    )
  })

  it('sit every present member down exactly once, grouped by node', () => {
    fc.assert(
      fc.property(agentsArbitrary, pagesArbitrary, (agents, pages) => {
        const members = listMembers(agents, pages)
        const seats = seatsOfAll(members)
        expect(seats.map((seat) => seat.memberId)).toEqual(members.map((member) => member.memberId))
        expect(seats.map((seat) => seat.rank)).toEqual(seats.map((_, rank) => rank))
        const nodeRanksSeen = [...new Set(seats.map((seat) => seat.nodeRank))]
        expect(nodeRanksSeen).toEqual(nodeRanksSeen.map((_, i) => i))
        expect(missingSeats(seats)).toEqual([])
      }),
    )
  })

  it('are filled and freed as members come and go, and name who is missing', () => {
    const empty = emptySeats([1, 2], new Map([[1, 'Beta']]))
    const pages = [pageOf('a', 'n0', 1), pageOf('b', 'n1', 1)]
    const half = fillSeats(empty, listMembers([], pages))
    expect(
      missingSeats(half).map(({ rank, nodeRank, localRank, nodeLabel }) => [rank, nodeRank, localRank, nodeLabel]),
    ).toEqual([[2, 1, 1, 'Beta']])
    const full = fillSeats(half, listMembers([], [...pages, pageOf('c', 'n1', 1)]))
    expect(missingSeats(full)).toEqual([])
    expect(full.map((seat) => seat.pageId)).toEqual(['a', 'b', 'c'])
    const left = fillSeats(full, listMembers([], pages))
    expect(missingSeats(left).map((seat) => seat.rank)).toEqual([2])
  })

  it('do not sit a tab down at the place of another that its agent numbered', () => {
    const filled = fillSeats(emptySeats([2]), listMembers([], [pageOf('second', 'n', 1, 1)]))
    expect(filled.map((seat) => seat.pageId)).toEqual([null, 'second'])
  })
})
