/** Who may say what: messages about a rank come from the connection that runs it, commands from a controller. */
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

/** BAD_TOKEN unless the connection proved to be a controller. `advice` says what others can do. */
export function requireControl(
  record: Readonly<SessionRecord>,
  connection: Connection,
  event: string,
  advice = 'Ask whoever controls the session.',
): void {
  if (connection.control) return
  throw new RondoError(
    'BAD_TOKEN',
    `${event} needs the control token of session ${record.name}; this connection is a ${connection.role}. ${advice}`,
  )
}

/** The page of that id, or BAD_ARGUMENT. */
export function requirePage(record: Readonly<SessionRecord>, pageId: string): PageEntry {
  const page = record.pages.find((entry) => entry.pageId === pageId)
  if (page !== undefined) return page
  throw new RondoError(
    'BAD_ARGUMENT',
    `pageId ${pageId} is not in session ${record.name}. Choose among the pages of the newest snapshot.`,
  )
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
