/**
 * Connections and pages coming and going. A page that is back on a new connection (same client key) keeps
 * its slots; anything else replaces them. Pure changes of a session record that return effects.
 */
import { randomUUID } from 'node:crypto'
import {
  type Join,
  listMembers,
  MAX_CLIENTS_PER_SESSION,
  MAX_MEMBERS,
  MAX_REMOVED_PAGES,
  type Member,
  nodeRanks,
  overlappingPage,
  type PageRemove,
  RondoError,
  toWireError,
} from '@rondo/protocol'
import type { Effect } from './effects.ts'
import { pageOf, requireControl, requirePage } from './ownership.ts'
import type { Connection, PageEntry, SessionRecord } from './record.ts'
import { loseSeats, seatWaiting, tellStart } from './runs.ts'
import { sameSecret } from './tokens.ts'

/** Agents that left and are still remembered, for the message of a start timeout. */
const MAX_DEPARTED = 32

/** SESSION_FULL when no further connection fits. */
export function requireRoom(record: Readonly<SessionRecord>): void {
  if (record.connections.length >= MAX_CLIENTS_PER_SESSION) {
    throw new RondoError(
      'SESSION_FULL',
      `Session ${record.name} already has ${record.connections.length} connections, which is the limit. Close pages that are not needed, or use another --session.`,
    )
  }
}

export function connect(record: SessionRecord, connection: Connection): Effect[] {
  requireRoom(record)
  record.connections.push(connection)
  return [{ kind: 'snapshot', urgent: false }]
}

/** The connection is gone; what it brought stays until `release`. */
export function disconnect(record: SessionRecord, connectionId: string): Effect[] {
  record.connections = record.connections.filter(({ id }) => id !== connectionId)
  return [{ kind: 'snapshot', urgent: false }]
}

/** A page brings its slots. The same page joining again with the same slots changes nothing. */
export function join(
  record: SessionRecord,
  connection: Connection,
  request: Join,
  now: number,
): { members: Member[]; effects: Effect[] } {
  const { pageId, browserId, node, firstLocalRank, slots, device } = request
  requireNotRemoved(record, pageId)
  const same = record.pages.find((page) => page.pageId === pageId)
  const back = same !== undefined && mayTakeOver(record, connection, same)
  if (same !== undefined && !back && record.connections.some(({ id }) => id === same.connectionId)) {
    throw new RondoError(
      'CONFLICT',
      `pageId ${pageId} is in use by another connection of session ${record.name}. Close that page, or join with a pageId of your own.`,
    )
  }
  const own = pageOf(record, connection.id)
  const replaced = [same, own].filter((page) => page !== undefined)
  const others = record.pages.filter((page) => !replaced.includes(page))
  const clash = overlappingPage(others, { pageId, nodeId: node.id, firstLocalRank, slots })
  if (clash !== undefined) {
    throw new RondoError(
      'CONFLICT',
      `firstLocalRank ${firstLocalRank} with ${slots} slots overlaps page ${clash.pageId} of the same node (local ranks from ${clash.firstLocalRank}, ${clash.memberIds.length} slots). Give each page its own local ranks, or null.`,
    )
  }
  const present = others.reduce((sum, page) => sum + page.memberIds.length, 0)
  if (present + slots > MAX_MEMBERS) {
    throw new RondoError(
      'SESSION_FULL',
      `slots ${slots} would make ${present + slots} in session ${record.name}; at most ${MAX_MEMBERS} are allowed. Bring ${MAX_MEMBERS - present} or fewer.`,
    )
  }

  const kept = back && sameSlots(same, request) ? same : undefined
  const entry: PageEntry = {
    pageId,
    browserId,
    nodeId: node.id,
    nodeLabel: node.label,
    firstLocalRank,
    memberIds: kept?.memberIds ?? Array.from({ length: slots }, () => randomUUID()),
    device,
    admitted: (back ? same.admitted : undefined) ?? (record.admission === 'open' || connection.control),
    joinedAt: kept?.joinedAt ?? now,
    lastSeen: now,
    connectionId: connection.id,
    clientKey: connection.clientKey,
  }
  const effects: Effect[] = []
  const dropped = replaced.filter((page) => page !== kept)
  if (kept === undefined) record.pages = [...others, entry]
  else
    record.pages = record.pages.filter((page) => !dropped.includes(page)).map((page) => (page === kept ? entry : page))
  if (kept === undefined || dropped.length > 0) {
    const why = 'its page joined again with other slots'
    effects.push(
      ...changed(
        record,
        dropped.flatMap((page) => page.memberIds),
        why,
        now,
        now,
      ),
    )
  }
  // A start that went to the old connection may have been lost with it; clients take the same start once.
  if (kept !== undefined && kept.connectionId !== connection.id)
    effects.push(...tellStart(record.run, entry, record.pages))
  effects.push({ kind: 'snapshot', urgent: false })
  const members = listMembers(record.agents, record.pages).filter((member) => member.pageId === pageId)
  return { members, effects }
}

/** Takes away what a connection brought: its page (running ranks are lost) and its agent. */
export function release(
  record: SessionRecord,
  connectionId: string,
  why: string,
  seenAt: number,
  now: number,
): Effect[] {
  const page = pageOf(record, connectionId)
  const agent = record.agents.find((entry) => entry.connectionId === connectionId)
  if (page === undefined && agent === undefined) return []
  if (agent !== undefined) {
    const nodeRank = nodeRanks(record.agents, record.pages).get(agent.nodeId) ?? 0
    const { label, host } = agent
    record.departed = [...record.departed, { label, host, nodeRank, lastSeen: seenAt }].slice(-MAX_DEPARTED)
    record.agents = record.agents.filter((entry) => entry !== agent)
  }
  record.pages = record.pages.filter((entry) => entry !== page)
  const effects: Effect[] = [{ kind: 'snapshot', urgent: false }]
  if (page === undefined) return [...effects, ...seatWaiting(record, now)]
  return [...effects, ...changed(record, page.memberIds, why, seenAt, now)]
}

/**
 * A controller sends a page away: it is told by `refused`, its slots are gone (ranks that run there are lost) and
 * its connection ends, unless it is a controller's own. UNKNOWN pages are refused as BAD_ARGUMENT.
 */
export function removePage(
  record: SessionRecord,
  connection: Connection,
  { pageId, reason }: PageRemove,
  now: number,
): Effect[] {
  requireControl(record, connection, 'page:remove')
  if (record.removed.includes(pageId)) return []
  const page = requirePage(record, pageId)
  record.removed = [...record.removed, pageId].slice(-MAX_REMOVED_PAGES)
  const why = `its page was removed from the session: ${reason}`
  const released = release(record, page.connectionId, why, now, now)
  const { stack: _, ...error } = toWireError(removedPage(record, pageId, reason))
  const told: Effect = { kind: 'send', to: page.connectionId, message: { event: 'refused', payload: error } }
  const controls = record.connections.some(({ id, control }) => id === page.connectionId && control)
  return [told, ...released, ...(controls ? [] : [{ kind: 'disconnect', to: page.connectionId } as const])]
}

function requireNotRemoved(record: Readonly<SessionRecord>, pageId: string): void {
  if (record.removed.includes(pageId)) throw removedPage(record, pageId, 'by its controller')
}

function removedPage(record: Readonly<SessionRecord>, pageId: string, reason: string): RondoError {
  return new RondoError(
    'PAGE_REMOVED',
    `Page ${pageId} was removed from session ${record.name}: ${reason}. Ask whoever leads the session; a new page may join with the join link.`,
  )
}

/** Membership changed: next generation, lost seats, and perhaps a waiting run that is now complete. */
function changed(record: SessionRecord, gone: string[], why: string, seenAt: number, now: number): Effect[] {
  record.generation++
  return [...loseSeats(record, gone, why, seenAt, now), ...seatWaiting(record, now)]
}

/** The same connection, or a new one of the same client. */
export function mayTakeOver(
  record: Readonly<SessionRecord>,
  connection: Connection,
  entry: { connectionId: string; clientKey: string | undefined },
): boolean {
  if (entry.connectionId === connection.id) return true
  if (entry.clientKey !== undefined) return sameSecret(entry.clientKey, connection.clientKey)
  return !record.connections.some(({ id }) => id === entry.connectionId)
}

function sameSlots(page: PageEntry, request: Join): boolean {
  return (
    page.memberIds.length === request.slots &&
    page.nodeId === request.node.id &&
    page.firstLocalRank === request.firstLocalRank
  )
}
