/**
 * What a page must know of its session and run for the models in this folder. A page's own state may hold more; it
 * fits by its shape. Not for: how that state comes about.
 */
import type { SessionSnapshot } from '@rondo/protocol'
import type { RunProgress } from './run-progress.ts'

export interface SessionView {
  /** The page that looks: its ranks are "mine". */
  pageId: string
  /** Server clock minus page clock, ms. */
  clockSkew: number
  /** Null before the server's first word. */
  snapshot: SessionSnapshot | null
  run: RunProgress | null
}

/** True once nothing more can happen in this run. */
export function hasEnded(run: RunProgress): boolean {
  const { status } = run.state
  return status === 'done' || status === 'failed' || status === 'stopped'
}

/** The ranks that this page holds in the present run, or would hold if all members were seated now. */
export function myRanks(state: Pick<SessionView, 'pageId' | 'snapshot' | 'run'>): number[] {
  const seats = state.run === null ? [] : state.run.state.seats
  const seated = seats.filter((seat) => seat.pageId === state.pageId).map((seat) => seat.rank)
  if (seated.length > 0 || (state.run !== null && !hasEnded(state.run))) return seated
  const members = (state.snapshot?.members ?? []).filter((member) => member.admitted)
  return members.flatMap((member, rank) => (member.pageId === state.pageId ? [rank] : []))
}
