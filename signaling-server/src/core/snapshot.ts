/** The view of a session that everyone in it may see: no tokens, no connection ids. */
import { listMembers, nodeRanks, type SessionSnapshot } from '@rondo/protocol'
import type { SessionRecord } from './record.ts'

/** Last sign of life of a connection (server clock, ms); undefined when it is not of this process. */
export type LastSeen = (connectionId: string) => number | undefined

export function snapshotOf(record: Readonly<SessionRecord>, lastSeen: LastSeen, now: number): SessionSnapshot {
  const pages = record.pages.map((page) => ({ ...page, lastSeen: lastSeen(page.connectionId) ?? page.lastSeen }))
  const ranks = nodeRanks(record.agents, record.pages)
  return {
    session: record.name,
    generation: record.generation,
    members: listMembers(record.agents, pages),
    agents: record.agents.map(({ nodeId, label, host, since }) => ({
      nodeId,
      label,
      nodeRank: ranks.get(nodeId) ?? 0,
      host,
      since,
    })),
    controlled: record.connections.some((connection) => connection.control),
    admission: record.admission,
    offer: record.offer,
    run: record.run,
    serverTime: now,
  }
}
