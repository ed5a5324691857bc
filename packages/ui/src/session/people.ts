/** The session's devices as a list: one entry a node, seats nobody took last. Pure. */
import type { Member, Seat } from '@rondo/protocol'
import { formatAgo, plural } from '../format.ts'
import type { Tone } from '../status-mark.tsx'
import { deviceName } from './device-text.ts'
import type { RunProgress } from './run-progress.ts'
import { hasEnded, type SessionView } from './session-view.ts'
import { type Standing, standing } from './standing.ts'

export interface NodeEntry {
  key: string
  label: string
  device: string
  ranks: number[]
  /** Ranks that it can run. */
  slots: number
  mine: boolean
  /** Its pages may take part; false while one waits for a person's yes. */
  admitted: boolean
  tone: Tone
  state: string
  /** Pages that make up the node; empty for seats without one. */
  pageIds: string[]
  /** What its ranks did in the run so far, together; null before they trained. */
  samplesPerSecond: number | null
}

/** `now` is the page's clock, ms. */
export function nodesOf(state: SessionView, now: number): NodeEntry[] {
  const { run, snapshot } = state
  const members = snapshot?.members ?? []
  const nodes = new Map<string, Member[]>()
  for (const member of members) nodes.set(member.nodeId, [...(nodes.get(member.nodeId) ?? []), member])
  const admitted = members.filter((member) => member.admitted)
  const live = run !== null && !hasEnded(run)
  const seats = run?.state.seats ?? []
  const present = [...nodes].map(([nodeId, own]): NodeEntry => {
    const held = seats.filter((seat) => own.some((member) => member.memberId === seat.memberId))
    return {
      key: nodeId,
      label: own[0]?.nodeLabel ?? '',
      device: usedDevice(run, held, own),
      ranks:
        live || held.length > 0
          ? held.map((seat) => seat.rank)
          : own.flatMap((member) => (member.admitted ? [admitted.indexOf(member)] : [])),
      slots: own.length,
      admitted: own.every((member) => member.admitted),
      mine: own.some((member) => member.pageId === state.pageId),
      pageIds: [...new Set(own.map((member) => member.pageId))],
      samplesPerSecond: speedOf(run, held),
      ...(own.every((member) => member.admitted)
        ? entryState(run === null ? [] : held.map((seat) => standing(run, seat)), live)
        : ASKS),
    }
  })
  const here = new Set(members.map((member) => member.memberId))
  const isGone = (seat: Seat) => run !== null && GONE.has(standing(run, seat))
  const gone = seats.filter((seat) => isGone(seat) && (seat.memberId === null || !here.has(seat.memberId)))
  const empty = live ? seats.filter((seat) => seat.memberId === null && !isGone(seat)) : []
  return [...present, ...grouped(gone, (seat) => goneState(seat, state, now)), ...grouped(empty, () => MISSING)]
}

const GONE = new Set<Standing>(['lost', 'failed'])
const ASKS = { tone: 'wait', state: 'waits to be let in' } as const
const MISSING = { tone: 'wait', state: 'expected', device: 'not here yet' } as const

/** The device that a rank reported to use; before that, what its page says it has. */
function usedDevice(run: RunProgress | null, held: readonly Seat[], [member]: readonly Member[]): string {
  if (member === undefined) return ''
  const setup = held.map((seat) => run?.ranks[seat.rank]?.setup).find((event) => event != null)
  if (setup == null) return deviceName(member.device)
  const adapter = setup.adapter ?? plural(member.device.cores, 'core')
  return `trains on ${setup.accelerator}: ${adapter}${setup.software ? ' (software)' : ''}`
}

function speedOf(run: RunProgress | null, held: readonly Seat[]): number | null {
  const speeds = held.flatMap((seat) => run?.ranks[seat.rank]?.samplesPerSecond || [])
  return speeds.length === 0 ? null : speeds.reduce((sum, speed) => sum + speed, 0)
}

function entryState(held: readonly Standing[], live: boolean): Pick<NodeEntry, 'tone' | 'state'> {
  if (held.includes('failed')) return { tone: 'fail', state: 'failed' }
  if (held.includes('lost')) return { tone: 'fail', state: 'lost' }
  if (live && held.length === 0) return { tone: 'wait', state: 'watching' }
  if (held.length > 0 && held.every((stands) => stands === 'done')) return { tone: 'ok', state: 'done' }
  if (live && held.includes('running')) return { tone: 'work', state: 'training' }
  if (live && held.includes('starting')) return { tone: 'wait', state: 'starting' }
  return { tone: 'ok', state: 'here' }
}

function goneState(seat: Seat, state: SessionView, now: number): Pick<NodeEntry, 'tone' | 'state' | 'device'> {
  const heard =
    seat.lastSeen === null ? 'never heard' : `last heard ${formatAgo(now + state.clockSkew - seat.lastSeen)} ago`
  return { tone: 'fail', state: seat.state === 'failed' ? 'failed' : 'lost', device: heard }
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
    else
      byNode.set(key, {
        key,
        label: seat.nodeLabel,
        ranks: [seat.rank],
        slots: 0,
        mine: false,
        admitted: true,
        pageIds: [],
        samplesPerSecond: null,
        ...describe(seat),
      })
  }
  return [...byNode.values()]
}
