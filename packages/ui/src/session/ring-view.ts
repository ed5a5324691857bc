/** From state to what the ring draws: seats of the run, or of whoever is here when nothing runs. Pure. */
import type { LinkReport, Seat } from '@rondo/protocol'
import { formatAgo, formatCount, formatMs, plural } from '../format.ts'
import type { RingModel, RingSeat } from '../ring-model.ts'
import type { RunProgress } from './run-progress.ts'
import { hasEnded, type SessionView } from './session-view.ts'
import { type Standing, standing } from './standing.ts'

/** `now` is the page's clock, ms. */
export function ringModel(state: SessionView, now: number): RingModel {
  const { run } = state
  if (run === null) {
    const members = state.snapshot?.members ?? []
    return {
      seats: members.map((member, rank) => ({
        rank,
        state: 'present',
        node: member.nodeLabel,
        mine: member.pageId === state.pageId,
        lastSign: null,
      })),
      links: [],
    }
  }
  const seats = run.state.seats.map((seat) => ringSeat(run, seat, state, now))
  return { seats, links: ringLinks(run) }
}

function ringSeat(run: RunProgress, seat: Seat, state: SessionView, now: number): RingSeat {
  const stands = standing(run, seat)
  const gone = stands === 'lost' || stands === 'failed'
  const silence = seat.lastSeen === null ? null : now + state.clockSkew - seat.lastSeen
  return {
    rank: seat.rank,
    state: seatState(stands, seat.memberId !== null),
    node: seat.nodeLabel,
    mine: seat.pageId !== null && seat.pageId === state.pageId,
    lastSign: gone && silence !== null ? `${formatAgo(silence)} ago` : null,
  }
}

function seatState(stands: Standing, taken: boolean): RingSeat['state'] {
  switch (stands) {
    case 'waiting':
      return taken ? 'present' : 'missing'
    case 'starting':
    case 'stopped':
      return 'present'
    case 'running':
      return 'working'
    case 'done':
    case 'failed':
    case 'lost':
      return stands
    default:
      return stands satisfies never
  }
}

/** Each rank's report of its link to its successor; where only the successor spoke, its end of the same link. */
function ringLinks(run: RunProgress): LinkReport[] {
  const world = run.state.seats.length
  if (world < 2) return []
  return run.state.seats.flatMap(({ rank }) => {
    const next = (rank + 1) % world
    const own = run.ranks[rank]?.links.find((link) => link.to === next)
    if (own) return [own]
    const other = run.ranks[next]?.links.find((link) => link.to === rank)
    return other ? [{ ...other, from: rank, to: next, bytesSent: 0, throughput: null }] : []
  })
}

/** What stands in the middle of the ring. */
export function ringCentre(state: SessionView): { title: string; detail: string } {
  const { run } = state
  if (run === null) {
    const count = state.snapshot?.members.length ?? 0
    return { title: String(count), detail: count === 1 ? 'rank is here' : 'ranks are here' }
  }
  const world = run.state.seats.length
  switch (run.state.status) {
    case 'waiting': {
      const here = run.state.seats.filter((seat) => seat.memberId !== null).length
      return { title: `${here} of ${world}`, detail: 'ranks are here' }
    }
    case 'running': {
      const progress = firstProgress(run)
      if (!progress) return { title: plural(world, 'rank'), detail: 'getting ready' }
      return { title: formatMs(progress.times.total), detail: `step ${formatCount(run.step)}` }
    }
    case 'done':
      return { title: 'done', detail: plural(run.step, 'step') }
    case 'failed':
      return { title: 'failed', detail: endedAt(run) }
    case 'stopped':
      return { title: 'stopped', detail: endedAt(run) }
    default:
      return run.state.status satisfies never
  }
}

function endedAt({ step }: RunProgress): string {
  return step === 0 ? 'before the first step' : `at step ${formatCount(step)}`
}

/** The step whose pulse travels round the ring; null while nothing moves. */
export function ringBeat(state: SessionView): number | null {
  return state.run !== null && !hasEnded(state.run) && state.run.pace !== null ? state.run.step : null
}

function firstProgress(run: RunProgress) {
  return Object.values(run.ranks).find((rank) => rank.progress !== null)?.progress ?? null
}
