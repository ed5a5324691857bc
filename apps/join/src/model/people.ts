/** The session's devices as a list: one entry a page, seats nobody took last. Pure. */
import type { Member, Seat } from '@rondo/protocol'
import { formatAgo, type Tone } from '@rondo/ui'
import { hasEnded, type JoinState } from '../state.ts'
import { deviceName } from './device-text.ts'
import type { RunProgress } from './run-progress.ts'

export interface NodeEntry {
  key: string
  label: string
  device: string
  ranks: number[]
  mine: boolean
  tone: Tone
  state: string
}

/** `now` is the page's clock, ms. */
export function nodesOf(state: JoinState, now: number): NodeEntry[] {
  const { run, snapshot } = state
  const members = snapshot?.members ?? []
  const pages = new Map<string, Member[]>()
  for (const member of members) pages.set(member.pageId, [...(pages.get(member.pageId) ?? []), member])
  const live = run !== null && !hasEnded(run)
  const seats = run?.state.seats ?? []
  const present = [...pages.entries()].map(([pageId, [first, ...others]]): NodeEntry => {
    const held = seats.filter((seat) => seat.pageId === pageId)
    const ranks = live ? held.map((seat) => seat.rank) : ranksIfSeated(members, pageId)
    return {
      key: pageId,
      label: first?.nodeLabel ?? '',
      device: first === undefined ? '' : usedDevice(run, held, first),
      ranks: ranks.length > 0 || live ? ranks : [first, ...others].map((_, i) => i),
      mine: pageId === state.pageId,
      ...entryState(held, live),
    }
  })
  const gone = seats.filter((seat) => seat.pageId !== null && !pages.has(seat.pageId) && isGone(seat))
  const empty = live ? seats.filter((seat) => seat.memberId === null) : []
  return [...present, ...grouped(gone, (seat) => goneState(seat, state, now)), ...grouped(empty, () => MISSING)]
}

const MISSING = { tone: 'wait', state: 'expected', device: 'not here yet' } as const

function ranksIfSeated(members: readonly Member[], pageId: string): number[] {
  return members.flatMap((member, rank) => (member.pageId === pageId ? [rank] : []))
}

/** The device that a rank reported to use; before that, what its page says it has. */
function usedDevice(run: RunProgress | null, held: readonly Seat[], member: Member): string {
  const setup = held.map((seat) => run?.ranks[seat.rank]?.setup).find((event) => event != null)
  if (setup == null) return deviceName(member.device)
  const adapter = setup.adapter === null ? `${member.device.cores} cores` : setup.adapter
  return `trains on ${setup.accelerator}: ${adapter}${setup.software ? ' (software)' : ''}`
}

function entryState(held: readonly Seat[], live: boolean): Pick<NodeEntry, 'tone' | 'state'> {
  if (held.some((seat) => seat.state === 'failed')) return { tone: 'fail', state: 'failed' }
  if (held.some((seat) => seat.state === 'lost')) return { tone: 'fail', state: 'lost' }
  if (live && held.length === 0) return { tone: 'wait', state: 'watching' }
  if (held.length > 0 && held.every((seat) => seat.state === 'done')) return { tone: 'ok', state: 'done' }
  if (live && held.some((seat) => seat.state === 'running')) return { tone: 'work', state: 'training' }
  if (live && held.some((seat) => seat.state === 'starting')) return { tone: 'wait', state: 'starting' }
  return { tone: 'ok', state: 'here' }
}

function isGone(seat: Seat): boolean {
  return seat.state === 'lost' || seat.state === 'failed'
}

function goneState(seat: Seat, state: JoinState, now: number): Pick<NodeEntry, 'tone' | 'state' | 'device'> {
  const heard =
    seat.lastSeen === null ? 'never heard' : `last heard ${formatAgo(now + state.clockSkew - seat.lastSeen)} ago`
  return { tone: 'fail', state: seat.state, device: heard }
}

function grouped(
  seats: readonly Seat[],
  describe: (seat: Seat) => Pick<NodeEntry, 'tone' | 'state' | 'device'>,
): NodeEntry[] {
  const byNode = new Map<string, NodeEntry>()
  for (const seat of seats) {
    const key = `${seat.state}-${seat.nodeRank}-${seat.nodeLabel}`
    const entry = byNode.get(key)
    if (entry) entry.ranks.push(seat.rank)
    else byNode.set(key, { key, label: seat.nodeLabel, ranks: [seat.rank], mine: false, ...describe(seat) })
  }
  return [...byNode.values()]
}
