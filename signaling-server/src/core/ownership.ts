/** Whose rank is it: every message about a rank has to come from the connection that runs it. */
import { RondoError, type RunState, type Seat } from '@rondo/protocol'
import type { Connection, PageEntry, SessionRecord } from './record.ts'

/** What names a place in a run, in every message about ranks. */
export interface RankAddress {
  runId: string
  generation: number
  rank: number
}

export function pageOf(record: Readonly<SessionRecord>, connectionId: string): PageEntry | undefined {
  return record.pages.find((page) => page.connectionId === connectionId)
}

/** The run of that id and generation, or UNKNOWN_RUN: late messages of an earlier run end here. */
export function requireRun(record: Readonly<SessionRecord>, address: Omit<RankAddress, 'rank'>): RunState {
  const run = record.run
  if (run === null || run.runId !== address.runId || run.generation !== address.generation) {
    const here = run === null ? 'no run' : `run ${run.runId}, generation ${run.generation}`
    throw new RondoError(
      'UNKNOWN_RUN',
      `Run ${address.runId}, generation ${address.generation} is not the current one: session ${record.name} has ${here}. Drop what belongs to the old run.`,
    )
  }
  return run
}

/** The seat, when the connection's page sits there; BAD_MESSAGE when somebody else does. */
export function requireOwnSeat(record: Readonly<SessionRecord>, connection: Connection, address: RankAddress): Seat {
  const run = requireRun(record, address)
  const seat = run.seats[address.rank]
  if (seat?.state === 'lost') {
    throw new RondoError(
      'UNKNOWN_RUN',
      `Rank ${address.rank} of run ${run.runId} was given up when its connection was lost. Wait for the next run.`,
    )
  }
  const page = pageOf(record, connection.id)
  if (seat === undefined || seat.memberId === null || !page?.memberIds.includes(seat.memberId)) {
    throw new RondoError(
      'BAD_MESSAGE',
      `rank ${address.rank} of run ${run.runId} does not belong to this connection. A page may only speak for the ranks that run:start gave it.`,
    )
  }
  return seat
}

/** Connection id of whoever runs `rank`, or CONNECTION_LOST when nobody does (any more). */
export function requirePeer(record: Readonly<SessionRecord>, address: RankAddress): string {
  const run = requireRun(record, address)
  const seat = run.seats[address.rank]
  const memberId = seat?.memberId ?? null
  const page = memberId === null ? undefined : record.pages.find((entry) => entry.memberIds.includes(memberId))
  if (page === undefined) {
    throw new RondoError(
      'CONNECTION_LOST',
      `Rank ${address.rank} of run ${run.runId} is not connected (${run.seats.length} ranks in this run). The run ends or restarts shortly.`,
    )
  }
  return page.connectionId
}
