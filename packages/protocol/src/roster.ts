/**
 * Who sits where: node ranks, local ranks and the seats of a run, as pure functions over plain data. The
 * server decides with them and a page may check with them. Not for: sockets, tokens, clocks or storage.
 */
import type { DeviceInfo } from './device.ts'
import { RondoError } from './errors.ts'
import type { Member } from './messages.ts'
import type { Seat } from './run.ts'

/** One page with its slots, in the order in which pages arrived. */
export interface RosterPage {
  pageId: string
  browserId: string | null
  nodeId: string
  nodeLabel: string
  /** Local rank of the first slot when an agent numbers its tabs; null counts by arrival. */
  firstLocalRank: number | null
  /** One id per slot. */
  memberIds: string[]
  device: DeviceInfo
  /** May take part in runs. */
  admitted: boolean
  /** Server clock, ms. */
  joinedAt: number
  lastSeen: number
}

/** One agent; `rank` only when `--node-rank` asked for it. */
export interface RosterAgent {
  nodeId: string
  label: string
  host: string
  rank: number | null
  /** Server clock, ms. */
  since: number
}

/**
 * Node rank by node id. Ranks that agents asked for stand; the other agents, then the nodes that are only
 * pages, take the lowest free ranks by arrival. Two agents that ask for the same rank are a caller's error.
 */
export function nodeRanks(agents: readonly RosterAgent[], pages: readonly RosterPage[]): Map<string, number> {
  const ranks = new Map<string, number>()
  const taken = new Set<number>()
  for (const { nodeId, rank } of agents) {
    if (rank === null) continue
    ranks.set(nodeId, rank)
    taken.add(rank)
  }
  let next = 0
  for (const { nodeId } of [...agents, ...pages]) {
    if (ranks.has(nodeId)) continue
    while (taken.has(next)) next++
    ranks.set(nodeId, next)
    taken.add(next)
  }
  return ranks
}

/** The page of the same node whose numbered slots would overlap `first … first + slots − 1`, if any. */
export function overlappingPage(
  pages: readonly RosterPage[],
  claim: { pageId: string; nodeId: string; firstLocalRank: number | null; slots: number },
): RosterPage | undefined {
  const first = claim.firstLocalRank
  if (first === null) return undefined
  return pages.find(
    (page) =>
      page.pageId !== claim.pageId &&
      page.nodeId === claim.nodeId &&
      page.firstLocalRank !== null &&
      page.firstLocalRank < first + claim.slots &&
      first < page.firstLocalRank + page.memberIds.length,
  )
}

/** Local rank by member id, for the pages of one node: numbered pages as they say, the others fill the gaps by arrival. */
function localRanks(pages: readonly RosterPage[]): Map<string, number> {
  const ranks = new Map<string, number>()
  const taken = new Set<number>()
  for (const { firstLocalRank, memberIds } of pages) {
    if (firstLocalRank === null) continue
    for (const [i, id] of memberIds.entries()) {
      ranks.set(id, firstLocalRank + i)
      taken.add(firstLocalRank + i)
    }
  }
  let next = 0
  for (const { firstLocalRank, memberIds } of pages) {
    if (firstLocalRank !== null) continue
    for (const id of memberIds) {
      while (taken.has(next)) next++
      ranks.set(id, next)
      taken.add(next)
    }
  }
  return ranks
}

/** Every slot of the session with its ranks, sorted by node rank, then local rank. */
export function listMembers(agents: readonly RosterAgent[], pages: readonly RosterPage[]): Member[] {
  const ranksOfNodes = nodeRanks(agents, pages)
  const members: Member[] = []
  const byNode = new Map<string, RosterPage[]>()
  for (const page of pages) {
    const known = byNode.get(page.nodeId)
    if (known) known.push(page)
    else byNode.set(page.nodeId, [page])
  }
  for (const [nodeId, nodeRank] of ranksOfNodes) {
    const ofNode = byNode.get(nodeId) ?? []
    const ranksInNode = localRanks(ofNode)
    for (const page of ofNode) {
      for (const memberId of page.memberIds) {
        members.push({
          memberId,
          pageId: page.pageId,
          browserId: page.browserId,
          nodeId,
          nodeLabel: page.nodeLabel,
          nodeRank,
          localRank: ranksInNode.get(memberId) ?? 0,
          device: page.device,
          admitted: page.admitted,
          joinedAt: page.joinedAt,
          lastSeen: page.lastSeen,
        })
      }
    }
  }
  return members.sort((a, b) => a.nodeRank - b.nodeRank || a.localRank - b.localRank)
}

/** Empty seats for `nodes[k]` slots on the node of rank k. Global rank = slots of the lower nodes + local rank. */
export function emptySeats(nodes: readonly number[], labels: ReadonlyMap<number, string> = new Map()): Seat[] {
  const seats: Seat[] = []
  for (const [nodeRank, slots] of nodes.entries()) {
    for (let localRank = 0; localRank < slots; localRank++) {
      seats.push({
        rank: seats.length,
        nodeRank,
        localRank,
        memberId: null,
        pageId: null,
        browserId: null,
        nodeId: null,
        nodeLabel: labels.get(nodeRank) ?? `node ${nodeRank}`,
        state: 'waiting',
        lastSeen: null,
      })
    }
  }
  return seats
}

/**
 * Sits admitted members down at the seats of their node rank and local rank, and frees seats whose member is gone.
 * For runs that still wait; a seat keeps its label and last sign of life when its member left.
 */
export function fillSeats(seats: readonly Seat[], members: readonly Member[]): Seat[] {
  const place = (nodeRank: number, localRank: number) => `${nodeRank}/${localRank}`
  const admitted = members.filter((member) => member.admitted)
  const byPlace = new Map(admitted.map((member) => [place(member.nodeRank, member.localRank), member]))
  return seats.map((seat) => {
    const member = byPlace.get(place(seat.nodeRank, seat.localRank))
    return member === undefined
      ? { ...seat, memberId: null, pageId: null, browserId: null, nodeId: null }
      : seatOf(member, seat)
  })
}

/** Seats for every admitted slot that is present: nodes and slots are counted without gaps, in their present order. */
export function seatsOfAll(members: readonly Member[]): Seat[] {
  const byNode = new Map<number, Member[]>()
  const admitted = members.filter((member) => member.admitted)
  for (const member of admitted.sort((a, b) => a.nodeRank - b.nodeRank || a.localRank - b.localRank)) {
    const ofNode = byNode.get(member.nodeRank)
    if (ofNode === undefined) byNode.set(member.nodeRank, [member])
    else ofNode.push(member)
  }
  const groups = [...byNode.values()]
  return sitDown(
    groups.map((group) => group.length),
    groups.flat(),
  )
}

function sitDown(slots: readonly number[], seated: readonly Member[]): Seat[] {
  return emptySeats(slots).map((seat, rank) => {
    const member = seated[rank]
    return member === undefined ? seat : seatOf(member, seat)
  })
}

/**
 * Seats for exactly these members, in this rank order; node ranks count the nodes as they come. Throws
 * NOT_ENOUGH_DEVICES for one that is not here or not admitted, BAD_ARGUMENT for one named twice or a node whose members lie apart.
 */
export function seatsOf(chosen: readonly string[], members: readonly Member[]): Seat[] {
  const byId = new Map(members.map((member) => [member.memberId, member]))
  const missing = chosen.filter((id) => !byId.has(id))
  if (missing.length > 0) {
    throw new RondoError(
      'NOT_ENOUGH_DEVICES',
      `members names ${missing.join(', ')}, but no such slot is here (${members.length} are). Choose among the members of the newest snapshot.`,
      { details: { missing } },
    )
  }
  const waits = chosen.find((id) => byId.get(id)?.admitted === false)
  if (waits !== undefined) {
    throw new RondoError(
      'NOT_ENOUGH_DEVICES',
      `members names ${waits} of ${byId.get(waits)?.nodeLabel}, which waits to be let in. Admit its page first, or choose others.`,
      { details: { waits } },
    )
  }
  const twice = chosen.find((id, i) => chosen.indexOf(id) !== i)
  if (twice !== undefined) {
    throw new RondoError('BAD_ARGUMENT', `members names ${twice} more than once; a slot is one rank. Name each once.`)
  }
  const seated = chosen.flatMap((id) => byId.get(id) ?? [])
  const nodes: Array<{ nodeId: string; slots: number }> = []
  for (const { nodeId } of seated) {
    const last = nodes.at(-1)
    if (last?.nodeId === nodeId) last.slots++
    else if (nodes.every((node) => node.nodeId !== nodeId)) nodes.push({ nodeId, slots: 1 })
    else {
      throw new RondoError(
        'BAD_ARGUMENT',
        `members returns to node ${nodeId} after other nodes; ranks are grouped by node. Put the slots of each node side by side.`,
      )
    }
  }
  return sitDown(
    nodes.map(({ slots }) => slots),
    seated,
  )
}

/** The seats at which nobody sits. */
export function missingSeats(seats: readonly Seat[]): Seat[] {
  return seats.filter((seat) => seat.memberId === null)
}

function seatOf(member: Member, seat: Seat): Seat {
  const { memberId, pageId, browserId, nodeId, nodeLabel, lastSeen } = member
  return { ...seat, memberId, pageId, browserId, nodeId, nodeLabel, lastSeen }
}
