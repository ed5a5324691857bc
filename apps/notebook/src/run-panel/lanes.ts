/**
 * What each rank of a run prints, one bounded lane a rank, and which lanes say the same. Pure. Ranks print at
 * different times, so lanes count as the same as long as one is the beginning of the other.
 */
import type { RankEvent } from '@rondo/protocol'

/** Lines kept of a rank; older ones are counted and dropped. */
const MAX_LANE_LINES = 1_000

type ConsoleEvent = Extract<RankEvent, { kind: 'console' }>

export interface LaneLine {
  level: ConsoleEvent['level']
  text: string
  /** Hash over this line and all before it: equal hashes mean equal beginnings. */
  digest: number
}

export interface Lane {
  /** The latest lines, oldest first. */
  lines: readonly LaneLine[]
  /** Lines printed so far, dropped ones included. */
  count: number
}

export const EMPTY_LANE: Lane = { lines: [], count: 0 }

export function addLine(lane: Lane, { level, text }: Pick<ConsoleEvent, 'level' | 'text'>): Lane {
  const digest = hash(`${level}\n${text}`, lane.lines.at(-1)?.digest ?? 0)
  return { lines: [...lane.lines.slice(1 - MAX_LANE_LINES), { level, text, digest }], count: lane.count + 1 }
}

export interface LaneGroup {
  /** Ranks that printed the same, ascending. */
  ranks: number[]
  /** The longest of their lanes. */
  lane: Lane
}

export interface GroupedLanes {
  /** By first rank. */
  groups: LaneGroup[]
  /** Ranks that printed nothing. */
  silent: number[]
}

/** Puts ranks with the same console together. `ended`: nothing more comes, so a shorter console is another one. */
export function groupLanes(lanes: ReadonlyArray<{ rank: number; lane: Lane }>, ended: boolean): GroupedLanes {
  const groups: LaneGroup[] = []
  const silent: number[] = []
  for (const { rank, lane } of lanes) {
    if (lane.count === 0) {
      silent.push(rank)
      continue
    }
    const same = groups.find((group) => (ended ? isEqual(group.lane, lane) : isBeginning(group.lane, lane)))
    if (same === undefined) {
      groups.push({ ranks: [rank], lane })
    } else {
      same.ranks.push(rank)
      if (lane.count > same.lane.count) same.lane = lane
    }
  }
  return { groups, silent }
}

function isEqual(a: Lane, b: Lane): boolean {
  return a.count === b.count && a.lines.at(-1)?.digest === b.lines.at(-1)?.digest
}

/** Whether the shorter lane is how the longer one began; false where that part was dropped already. */
function isBeginning(a: Lane, b: Lane): boolean {
  const [short, long] = a.count <= b.count ? [a, b] : [b, a]
  const at = long.lines.length - 1 - (long.count - short.count)
  return long.lines[at]?.digest !== undefined && long.lines[at]?.digest === short.lines.at(-1)?.digest
}

/** 53 bits by two multiplicative hashes (after Bryc's cyrb53): two consoles never meet by accident. */
function hash(text: string, seed: number): number {
  let high = 0xdeadbeef ^ Math.floor(seed / 2 ** 32)
  let low = 0x41c6ce57 ^ (seed >>> 0)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    high = Math.imul(high ^ code, 2654435761)
    low = Math.imul(low ^ code, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return 2 ** 32 * (2097151 & low) + (high >>> 0)
}
