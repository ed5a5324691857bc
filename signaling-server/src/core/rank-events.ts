/**
 * What ranks report, and what it means for their run: ready, progress, done, error. An error that only says
 * "my neighbour is gone" is held for a moment, because the neighbour's own error or loss is the real cause.
 */
import {
  isSecondHandCode,
  type RankEvent,
  type RankEventMessage,
  RondoError,
  type RunState,
  type WireError,
} from '@rondo/protocol'
import type { Effect } from './effects.ts'
import { requireOwnSeat, requireRun } from './ownership.ts'
import type { Connection, SessionRecord } from './record.ts'
import { endRun, isActive } from './runs.ts'

/** Milliseconds that a second-hand error waits for its cause; with the heartbeat still below the 5 s promise. */
const SECOND_HAND_WAIT_MS = 1_000

/** Checks ownership, keeps what state needs, and fans the event out. Events after the end still reach everyone. */
export function rankEvent(
  record: SessionRecord,
  connection: Connection,
  message: RankEventMessage,
  now: number,
): Effect[] {
  const seat = requireOwnSeat(record, connection, message)
  const run = requireRun(record, message)
  // A run that grows waits too, but its first ranks have much to tell.
  if (run.status === 'waiting' && seat.state === 'waiting') {
    throw new RondoError('UNKNOWN_RUN', `Run ${run.runId} has not started. Send rank events after run:start.`)
  }
  seat.lastSeen = now
  const event = named(message.event, message.rank, seat.nodeLabel)
  const { runId, generation, rank } = message
  const fanOut: Effect = {
    kind: 'broadcast',
    message: { event: 'run:event', payload: { runId, generation, rank, event } },
    droppable: event.kind === 'progress',
  }
  switch (event.kind) {
    case 'ready':
      if (seat.state === 'starting') seat.state = 'running'
      return [fanOut, { kind: 'snapshot', urgent: false }, ...whenAllReady(run)]
    case 'progress':
      record.progress = record.progress.filter((entry) => entry.rank !== rank)
      record.progress.push({ rank, epoch: event.epoch, step: event.step })
      return [fanOut]
    case 'setup':
    case 'bar':
    case 'console':
    case 'metrics':
    case 'message':
    case 'timeline':
      return [fanOut]
    case 'done':
      seat.state = 'done'
      if (run.status === 'waiting') return [fanOut, ...endedWhileGrowing(record, run, rank, now)]
      return [fanOut, { kind: 'snapshot', urgent: false }, ...whenAllReady(run), ...whenAllEnded(record, run, now)]
    case 'error':
      seat.state = 'failed'
      return [fanOut, { kind: 'snapshot', urgent: false }, ...judge(record, run, rank, event.error, now)]
    default:
      return event satisfies never
  }
}

/** The cause of a second-hand error did not show up in time: the error itself is the verdict. */
export function expireSuspicion(record: SessionRecord, now: number): Effect[] {
  const { run, suspicion } = record
  if (run?.status !== 'running' || suspicion === null) return []
  return endRun(record, run, { status: 'failed', reason: suspicion.message, error: suspicion }, now)
}

function judge(record: SessionRecord, run: RunState, reporter: number, error: WireError, now: number): Effect[] {
  if (!isActive(run)) return []
  if (!isSecondHandCode(error.code) && error.rank === reporter) {
    return endRun(record, run, { status: 'failed', reason: error.message, error }, now)
  }
  const first = record.suspicion === null
  record.suspicion ??= error
  const ended = whenAllEnded(record, run, now)
  if (ended.length > 0 || !first) return ended
  return [{ kind: 'deadline', name: 'loss', inMs: SECOND_HAND_WAIT_MS }]
}

function whenAllReady(run: RunState): Effect[] {
  if (run.status !== 'running' || run.seats.some((seat) => seat.state === 'starting')) return []
  return [{ kind: 'deadline', name: 'start', inMs: null }]
}

/** No rank is left to say anything: the run is done, or failed with what was suspected. */
function whenAllEnded(record: SessionRecord, run: RunState, now: number): Effect[] {
  if (run.status !== 'running') return []
  if (run.seats.some((seat) => seat.state === 'starting' || seat.state === 'running')) return []
  if (record.suspicion !== null) return expireSuspicion(record, now)
  run.status = 'done'
  run.endedAt = now
  return [{ kind: 'snapshot', urgent: true }]
}

/** Nobody would be there to meet the ranks that are on their way. */
function endedWhileGrowing(record: SessionRecord, run: RunState, rank: number, now: number): Effect[] {
  const error: WireError = {
    code: 'SCRIPT_FAILED',
    name: 'RondoError',
    message: `The script of rank ${rank} ended while the ranks that it launched were still opening. Write await before fabric.launch().`,
    rank,
  }
  return endRun(record, run, { status: 'failed', reason: error.message, error }, now)
}

/** An error event with the rank and node that met it; news of another rank's end keeps the name of that rank. */
function named(event: RankEvent, rank: number, node: string): RankEvent {
  if (event.kind !== 'error' || (event.error.rank !== undefined && event.error.rank !== rank)) return event
  return { ...event, error: { ...event.error, rank, node } }
}
