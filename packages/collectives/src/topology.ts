/**
 * Who shares what with whom: ranks of one page, one browser, one machine. Gives the order of the ring, in which
 * such ranks are neighbours whatever their numbers, and the groups of two-level algorithms. Pure, and the same on
 * all ranks. Not for: what links cost (cost-model.ts).
 */
import type { Seat } from '@rondo/protocol'

/** Where a rank is, as its seat says. Null where it is not known: nothing is then shared with anybody. */
export type Place = Pick<Seat, 'pageId' | 'browserId' | 'nodeId'>

/** The least that two ranks have in common, and with it what their link is made of; nearest first. */
export const LINK_CLASSES = ['page', 'browser', 'machine', 'network'] as const
export type LinkClass = (typeof LINK_CLASSES)[number]

/** The classes below which ranks form groups. */
export type GroupLevel = Exclude<LinkClass, 'network'>
export const GROUP_LEVELS: readonly GroupLevel[] = ['page', 'browser', 'machine']

export interface Topology {
  readonly worldSize: number
  /** Ranks in the order of the ring. */
  readonly order: readonly number[]
  /** By rank: where it stands in `order`. */
  readonly position: readonly number[]
  classOf(a: number, b: number): LinkClass
  /** All ranks, grouped by what they share on `level`; groups and their ranks in the order of the ring. */
  groups(level: GroupLevel): ReadonlyArray<readonly number[]>
  /** One number that differs, but for chance, where topologies differ. */
  readonly hash: number
}

/** The topology of ranks at these places, by rank. One browser is on one machine, even if its pages are several nodes. */
export function topologyOf(places: readonly Place[]): Topology {
  const pages = components(places, ['pageId'])
  const browsers = components(places, ['pageId', 'browserId'])
  const machines = components(places, ['pageId', 'browserId', 'nodeId'])
  const ids: Record<GroupLevel, number[]> = { page: pages, browser: browsers, machine: machines }
  const order = places
    .map((_, rank) => rank)
    .sort((a, b) => machines[a]! - machines[b]! || browsers[a]! - browsers[b]! || pages[a]! - pages[b]! || a - b)
  const position = new Array<number>(places.length)
  order.forEach((rank, at) => {
    position[rank] = at
  })
  const groupsOf = (level: GroupLevel): number[][] => {
    const byId = new Map<number, number[]>()
    for (const rank of order) {
      const group = byId.get(ids[level][rank]!)
      if (group === undefined) byId.set(ids[level][rank]!, [rank])
      else group.push(rank)
    }
    return [...byId.values()]
  }
  const groups = { page: groupsOf('page'), browser: groupsOf('browser'), machine: groupsOf('machine') }
  return {
    worldSize: places.length,
    order,
    position,
    classOf: (a, b) => GROUP_LEVELS.find((level) => ids[level][a] === ids[level][b]) ?? 'network',
    groups: (level) => groups[level],
    hash: [...pages, ...browsers, ...machines].reduce((hash, id) => (Math.imul(hash, 31) + id + 1) >>> 0, 7),
  }
}

/** Ranks of which nothing is known but their number: each on a machine of its own. */
export function flatTopology(worldSize: number): Topology {
  return topologyOf(Array.from({ length: worldSize }, () => ({ pageId: null, browserId: null, nodeId: null })))
}

/** By rank, the lowest rank with which it shares any of these ids, be it by way of others. */
function components(places: readonly Place[], keys: ReadonlyArray<keyof Place>): number[] {
  const lowest = places.map((_, rank) => rank)
  const root = (rank: number): number => {
    let at = rank
    while (lowest[at] !== at) at = lowest[at]!
    return at
  }
  for (const key of keys) {
    const seen = new Map<string, number>()
    places.forEach((place, rank) => {
      const id = place[key]
      if (id === null) return
      const other = seen.get(id)
      if (other === undefined) seen.set(id, rank)
      const [a, b] = [root(rank), root(other ?? rank)]
      lowest[Math.max(a, b)] = Math.min(a, b)
    })
  }
  return lowest.map((_, rank) => root(rank))
}
