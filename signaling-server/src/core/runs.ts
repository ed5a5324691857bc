/**
 * The life of a run: opened and waiting, started when every seat is taken, ended by its ranks, by a stop,
 * by a loss or by a deadline. Pure changes of a session record that return effects. Not for: one rank's
 * reports (rank-events.ts).
 */
import {
  emptySeats,
  fillSeats,
  listMembers,
  MAX_MEMBERS,
  type Member,
  missingSeats,
  nodeRanks,
  RondoError,
  type RunOpen,
  type RunState,
  type RunStop,
  type Seat,
  seatsOf,
  seatsOfAll,
  type WireError,
} from '@rondo/protocol'
import type { Effect } from './effects.ts'
import { requireControl, requireRun } from './ownership.ts'
import type { Connection, PageEntry, SessionRecord } from './record.ts'
import type { LastSeen } from './snapshot.ts'
import { ranksLost, startTimeout } from './verdicts.ts'

export function isActive(run: RunState | null): run is RunState & { status: 'waiting' | 'running' } {
  return run !== null && (run.status === 'waiting' || run.status === 'running')
}

/** BAD_TOKEN unless the connection proved to be a controller. */
export function openRun(
  record: SessionRecord,
  connection: Connection,
  open: RunOpen,
  now: number,
): { run: RunState; effects: Effect[] } {
  requireControl(record, connection, 'run:open', 'Send run:request to ask the controller instead.')
  if (isActive(record.run)) {
    throw new RondoError(
      'RUN_ACTIVE',
      `Session ${record.name} is already at run ${record.run.runId} (${record.run.status}, ${record.run.seats.length} ranks). Wait for its end or stop it first.`,
    )
  }
  const members = listMembers(record.agents, record.pages)
  if (open.members !== undefined) return openSeated(record, open, open.members, members, now)
  const wanted = open.nodes?.reduce((sum, slots) => sum + slots, 0) ?? members.filter(({ admitted }) => admitted).length
  if (wanted < 1 || wanted > MAX_MEMBERS) {
    const counts = open.nodes === null ? `${members.length} slots are present` : `nodes is [${open.nodes.join(', ')}]`
    throw new RondoError(
      'NOT_ENOUGH_DEVICES',
      `A run needs 1 to ${MAX_MEMBERS} slots, but ${counts}. ${open.nodes === null ? 'Open the join page in a browser first.' : 'Ask for fewer devices.'}`,
    )
  }
  if (open.nodes === null) {
    const run = begin(record, open, seatsOfAll(members), now)
    return { run, effects: startRun(record, run, now) }
  }
  const run = begin(record, open, emptySeats(open.nodes, nodeLabels(record)), now)
  const effects: Effect[] = [
    { kind: 'snapshot', urgent: true },
    { kind: 'deadline', name: 'start', inMs: open.config.startTimeoutSeconds * 1000 },
  ]
  return { run, effects: [...effects, ...seatWaiting(record, now)] }
}

/** A run of slots that the controller chose: nobody is waited for. */
function openSeated(
  record: SessionRecord,
  open: RunOpen,
  chosen: readonly string[],
  members: readonly Member[],
  now: number,
): { run: RunState; effects: Effect[] } {
  if (open.nodes !== null) {
    throw new RondoError(
      'BAD_ARGUMENT',
      'run:open came with both members and nodes; members alone says who takes part. Send nodes: null.',
    )
  }
  const run = begin(record, open, seatsOf(chosen, members), now)
  return { run, effects: startRun(record, run, now) }
}

function begin(record: SessionRecord, { config }: RunOpen, seats: Seat[], now: number): RunState {
  const { generation } = record
  const times = { createdAt: now, startedAt: null, endedAt: null }
  const run: RunState = { runId: config.runId, status: 'waiting', generation, config, seats, ...times, error: null }
  record.run = run
  record.progress = []
  record.suspicion = null
  return run
}

/** Sits present members down at a waiting run and starts it when nobody is missing. */
export function seatWaiting(record: SessionRecord, now: number): Effect[] {
  const { run } = record
  if (run?.status !== 'waiting') return []
  growToPlans(record, run)
  run.seats = fillSeats(run.seats, listMembers(record.agents, record.pages))
  return missingSeats(run.seats).length > 0 ? [] : startRun(record, run, now)
}

/** Nodes may bring different numbers of devices: each agent's own flag counts for its node as soon as it is here. */
function growToPlans(record: SessionRecord, run: RunState): void {
  if (run.config.numNodes < 2) return
  const ranks = nodeRanks(record.agents, record.pages)
  const planned = new Map(record.agents.map((agent) => [ranks.get(agent.nodeId), agent.plan.devices]))
  const before = Array.from(
    { length: run.config.numNodes },
    (_, nodeRank) => run.seats.filter((seat) => seat.nodeRank === nodeRank).length,
  )
  const nodes = before.map((slots, nodeRank) => planned.get(nodeRank) ?? slots)
  if (nodes.some((slots, nodeRank) => slots !== before[nodeRank])) run.seats = emptySeats(nodes, nodeLabels(record))
}

function startRun(record: SessionRecord, run: RunState, now: number): Effect[] {
  record.generation++
  run.generation = record.generation
  run.status = 'running'
  run.startedAt ??= now
  for (const seat of run.seats) seat.state = 'starting'
  const effects: Effect[] = [
    { kind: 'snapshot', urgent: true },
    { kind: 'deadline', name: 'start', inMs: run.config.startTimeoutSeconds * 1000 },
  ]
  return [...effects, ...record.pages.flatMap((page) => tellStart(run, page, record.pages))]
}

/** `run:start` for one page, if ranks of a run that goes on still have to start there. */
export function tellStart(
  run: RunState | null,
  page: Readonly<PageEntry>,
  pages: readonly Readonly<PageEntry>[],
): Effect[] {
  if (run?.status !== 'running') return []
  const own = run.seats.filter((seat) => seat.pageId === page.pageId)
  if (!own.some((seat) => seat.state === 'starting')) return []
  const { runId, generation, config, seats } = run
  const seated = new Set(seats.map((seat) => seat.memberId))
  const ofNode = pages.filter(({ nodeId, admitted }) => admitted && nodeId === page.nodeId)
  const idle = ofNode.flatMap(({ memberIds }) => memberIds).filter((id) => !seated.has(id)).length
  const yours = own.map((seat) => seat.rank)
  const payload = { runId, generation, config, seats, yours, ...(idle === 0 ? {} : { idleSlots: idle }) }
  return [{ kind: 'send', to: page.connectionId, message: { event: 'run:start', payload } }]
}

/** Ends a run that is active; every page that holds a seat, and every controller, is told to stop. */
export function endRun(
  record: SessionRecord,
  run: RunState,
  end: { status: 'failed' | 'stopped'; reason: string; error: WireError | null },
  now: number,
): Effect[] {
  run.status = end.status
  run.error = end.error
  run.endedAt = now
  record.suspicion = null
  const { runId, generation } = run
  const payload = { runId, generation, reason: end.reason, error: end.error }
  const pages = record.pages.filter((page) => run.seats.some((seat) => seat.pageId === page.pageId))
  const controllers = record.connections.filter((connection) => connection.control)
  const targets = new Set([...pages.map((page) => page.connectionId), ...controllers.map(({ id }) => id)])
  return [
    { kind: 'deadline', name: 'start', inMs: null },
    { kind: 'deadline', name: 'loss', inMs: null },
    { kind: 'snapshot', urgent: true },
    ...[...targets].map((to): Effect => ({ kind: 'send', to, message: { event: 'run:stop', payload } })),
  ]
}

/** From the controller or any page of the session. With an error the run counts as failed. Stopping twice is harmless. */
export function stopRun(record: SessionRecord, stop: RunStop, now: number): Effect[] {
  const { run } = record
  if (run?.runId !== stop.runId) requireRun(record, { runId: stop.runId, generation: run?.generation ?? 0 })
  if (!isActive(run)) return []
  const error = stop.error ?? null
  return endRun(record, run, { status: error === null ? 'stopped' : 'failed', reason: stop.reason, error }, now)
}

/** The start deadline passed: the run fails and names who is missing. */
export function expireStart(record: SessionRecord, lastSeen: LastSeen, now: number): Effect[] {
  const { run } = record
  if (!isActive(run)) return []
  if (run.status === 'running' && !run.seats.some((seat) => seat.state === 'starting')) return []
  const error = startTimeout(record, run, lastSeen, now)
  return endRun(record, run, { status: 'failed', reason: error.message, error }, now)
}

/** Marks seats of members that are gone as lost; in a run that goes on, that ends it with RANK_LOST. */
export function loseSeats(
  record: SessionRecord,
  gone: readonly string[],
  why: string,
  seenAt: number,
  now: number,
): Effect[] {
  const { run } = record
  if (run === null) return []
  // In a run that waits only ranks are held that it grows around.
  const held = (seat: Seat) => seat.state === 'starting' || seat.state === 'running'
  const lost = run.seats.filter((seat) => seat.memberId !== null && gone.includes(seat.memberId) && held(seat))
  for (const seat of lost) {
    seat.state = 'lost'
    seat.lastSeen = seenAt
  }
  if (lost.length === 0 || !isActive(run)) return []
  const error = ranksLost(record, lost, why, now)
  const { suspicion } = record
  if (suspicion !== null) error.details = { ...error.details, reportedFirst: suspicion.message }
  return endRun(record, run, { status: 'failed', reason: error.message, error }, now)
}

function nodeLabels(record: Readonly<SessionRecord>): Map<number, string> {
  const ranks = nodeRanks(record.agents, record.pages)
  return new Map(record.agents.map((agent) => [ranks.get(agent.nodeId) ?? 0, agent.label]))
}
