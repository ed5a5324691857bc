/**
 * How a seat really stands. The server marks every rank that reported an error as failed, also those whose only
 * trouble was that another one is gone; people look for the one that caused it. Pure.
 */
import { isSecondHandCode, type Seat } from '@rondo/protocol'
import type { RunProgress } from './run-progress.ts'

export type Standing = Seat['state'] | 'stopped'

/** The seat's state, with the lost rank lost and the ranks that only followed it stopped. */
export function standing(run: RunProgress, seat: Seat): Standing {
  const cause = run.state.error
  if (run.state.status !== 'failed' || cause === null) return seat.state
  if (cause.rank === seat.rank) return cause.code === 'RANK_LOST' ? 'lost' : seat.state
  if (seat.state === 'running' || seat.state === 'starting') return 'stopped'
  const own = run.ranks[seat.rank]?.error
  return seat.state === 'failed' && own != null && isSecondHandCode(own.code) ? 'stopped' : seat.state
}
