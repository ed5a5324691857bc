/**
 * A run that grows while its first ranks go on: `rondo exec` begins with one, and its script asks for the others. The
 * seats that are taken stay; when the new ones are taken too, everyone starts as one larger world, a generation later.
 */
import { emptySeats, MAX_MEMBERS, RondoError, type RunGrow, type RunState } from '@rondo/protocol'
import type { Effect } from './effects.ts'
import { requireControl, requireRun } from './ownership.ts'
import type { Connection, SessionRecord } from './record.ts'
import { seatWaiting } from './runs.ts'

/** BAD_TOKEN for others than controllers, UNSUPPORTED for runs that keep their size, BAD_ARGUMENT for a size that does not hold those who are there. */
export function growRun(
  record: SessionRecord,
  connection: Connection,
  { runId, nodes }: RunGrow,
  now: number,
): { run: RunState; effects: Effect[] } {
  requireControl(record, connection, 'run:grow')
  const run = requireRun(record, { runId, generation: record.run?.generation ?? 0 })
  if (run.status !== 'running' || run.config.growable !== true) {
    throw new RondoError(
      'UNSUPPORTED',
      `Run ${runId} (${run.status}) keeps its ${run.seats.length} ranks: only a running run of rondo exec grows. Start it anew with as many devices as it needs.`,
    )
  }
  const wanted = nodes.reduce((sum, slots) => sum + slots, 0)
  const stays = run.seats.every((seat) => seat.localRank < (nodes[seat.nodeRank] ?? 0))
  if (!stays || wanted <= run.seats.length || wanted > MAX_MEMBERS) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `nodes is [${nodes.join(', ')}], but run ${runId} has ${run.seats.length} ranks that stay. Give more slots than that, ${MAX_MEMBERS} in all at most.`,
    )
  }
  const before = run.seats
  run.seats = emptySeats(nodes).map((seat) => {
    const held = before.find((old) => old.nodeRank === seat.nodeRank && old.localRank === seat.localRank)
    return held === undefined ? seat : { ...held, rank: seat.rank }
  })
  run.config = { ...run.config, devices: Math.max(...nodes), numNodes: nodes.length }
  run.status = 'waiting'
  const effects: Effect[] = [
    { kind: 'snapshot', urgent: true },
    { kind: 'deadline', name: 'start', inMs: run.config.startTimeoutSeconds * 1000 },
  ]
  return { run, effects: [...effects, ...seatWaiting(record, now)] }
}
