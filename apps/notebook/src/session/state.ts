/**
 * What the notebook's page knows of its session, and how each thing that happens changes it. Pure. Not for: sockets
 * (notebook-session.ts) or what ranks do (run-panels.ts): the session's run is that of the warm ranks, which goes on
 * between launches and says nothing of them.
 */
import type { SessionSnapshot, WireError } from '@rondo/protocol'
import type { SessionView } from '@rondo/ui/session'

export interface SessionState extends Omit<SessionView, 'run'> {
  /** `closed`: the session does not know this page's link any more. */
  connection: 'connecting' | 'online' | 'offline' | 'closed'
  /** Whether the snapshot came on the present connection; an older one may be of a server that is gone. */
  fresh: boolean
  /** What a launch waits for: ranks that are being started. */
  waiting: { call: string; asked: number; here: number; since: number } | null
  /** The last thing that went wrong and that no cell shows; gone with the next success. */
  notice: WireError | null
}

export type SessionAction =
  | { type: 'connection'; connection: SessionState['connection'] }
  | { type: 'session'; snapshot: SessionSnapshot; at: number }
  | { type: 'waiting'; waiting: SessionState['waiting'] }
  | { type: 'notice'; error: WireError | null }

export function initialSession(pageId: string): SessionState {
  return { pageId, clockSkew: 0, snapshot: null, connection: 'connecting', fresh: false, waiting: null, notice: null }
}

export function reduceSession(state: SessionState, action: SessionAction): SessionState {
  switch (action.type) {
    case 'connection':
      return { ...state, connection: action.connection, fresh: state.fresh && action.connection === 'online' }
    case 'session': {
      const { snapshot, at } = action
      return { ...state, snapshot, fresh: true, clockSkew: snapshot.serverTime - at }
    }
    case 'waiting':
      return { ...state, waiting: action.waiting }
    case 'notice':
      return { ...state, notice: action.error }
    default:
      return action satisfies never
  }
}
