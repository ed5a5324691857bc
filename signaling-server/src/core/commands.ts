/**
 * Who gets a controller's command: the pages that run ranks of the run that goes on. Pure; delivering it is the
 * sockets' side (../commands.ts).
 */
import { RondoError, type RunCommand, type Seat } from '@rondo/protocol'
import { requireControl } from './ownership.ts'
import type { Connection, SessionRecord } from './record.ts'

export interface CommandTarget {
  connectionId: string
  generation: number
  ranks: number[]
}

/**
 * BAD_TOKEN unless the connection proved to be a controller, UNKNOWN_RUN unless that run is running, BAD_ARGUMENT
 * for ranks that it does not have, RANK_LOST for ranks that have ended or whose page is gone.
 */
export function commandTargets(
  record: Readonly<SessionRecord>,
  connection: Connection,
  command: RunCommand,
): CommandTarget[] {
  requireControl(record, connection, 'run:command', 'Only whoever opened the run may command it.')
  const { run } = record
  if (run?.runId !== command.runId || run.status !== 'running') {
    const here = run === null ? 'no run' : `run ${run.runId}, which is ${run.status}`
    throw new RondoError(
      'UNKNOWN_RUN',
      `Run ${command.runId} is not running: session ${record.name} has ${here}. Open a run and wait for its start.`,
    )
  }
  const lives = ({ state }: Seat) => state === 'starting' || state === 'running'
  const wanted = command.ranks ?? run.seats.filter(lives).map((seat) => seat.rank)
  const unknown = wanted.filter((rank) => run.seats[rank] === undefined)
  if (unknown.length > 0 || new Set(wanted).size < wanted.length) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `ranks is [${wanted.join(', ')}]; run ${run.runId} has 0 to ${run.seats.length - 1}, each to be named once. Correct the list, or send null for all.`,
    )
  }
  const targets = new Map<string, CommandTarget>()
  const gone: number[] = []
  for (const rank of wanted) {
    const seat = run.seats[rank]
    const page = record.pages.find((entry) => entry.pageId === seat?.pageId)
    if (seat === undefined || page === undefined || !lives(seat)) {
      gone.push(rank)
      continue
    }
    const target = targets.get(page.connectionId)
    if (target) target.ranks.push(rank)
    else targets.set(page.connectionId, { connectionId: page.connectionId, generation: run.generation, ranks: [rank] })
  }
  if (gone.length === 0 && targets.size > 0) return [...targets.values()]
  throw new RondoError(
    'RANK_LOST',
    `Rank ${gone.join(', ') || '(none left)'} of run ${run.runId} has ended or its page is gone, so it takes no command. Open a new run.`,
    { details: { ranks: gone } },
  )
}
