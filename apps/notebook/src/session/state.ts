/**
 * What the notebook's page knows of its session, and how each thing that happens changes it. Pure. Not for: sockets
 * (notebook-session.ts) or the panels under cells (run-panels.ts).
 */
import type { ServerEvents, SessionSnapshot, WireError } from '@rondo/protocol'
import { foldEvent, hasEnded, newRun, type SessionView } from '@rondo/ui/session'

export interface SessionState extends SessionView {
  /** `closed`: given up; only a person's click connects again. */
  connection: 'connecting' | 'online' | 'offline' | 'closed'
  /** What a launch waits for: ranks that are being started. */
  waiting: { call: string; asked: number; here: number; since: number } | null
  /** The last thing that went wrong and that no cell shows; gone with the next success. */
  notice: WireError | null
}

export type SessionAction =
  | { type: 'connection'; connection: SessionState['connection'] }
  | { type: 'session'; snapshot: SessionSnapshot; at: number }
  | { type: 'run:event'; message: ServerEvents['run:event']; at: number }
  | { type: 'waiting'; waiting: SessionState['waiting'] }
  | { type: 'notice'; error: WireError | null }

export function initialSession(pageId: string): SessionState {
  return { pageId, clockSkew: 0, snapshot: null, run: null, connection: 'connecting', waiting: null, notice: null }
}

export function reduceSession(state: SessionState, action: SessionAction): SessionState {
  switch (action.type) {
    case 'connection':
      return { ...state, connection: action.connection }
    case 'session': {
      const { snapshot, at } = action
      const { run } = snapshot
      const same = run !== null && state.run?.state.runId === run.runId
      const next = run === null ? null : same && state.run !== null ? { ...state.run, state: run } : newRun(run)
      return { ...state, snapshot, run: next, clockSkew: snapshot.serverTime - at }
    }
    case 'run:event': {
      const { runId, rank, event } = action.message
      const { run } = state
      // A warm rank trains many times; between two launches its last figures stay.
      if (run === null || run.state.runId !== runId || hasEnded(run) || event.kind === 'message') return state
      return { ...state, run: foldEvent(run, rank, event, action.at) }
    }
    case 'waiting':
      return { ...state, waiting: action.waiting }
    case 'notice':
      return { ...state, notice: action.error }
    default:
      return action satisfies never
  }
}

/** Actions that come many times a second and may be shown in batches. */
export function isFrequentAction(action: SessionAction): boolean {
  return action.type === 'run:event' && action.message.event.kind !== 'error'
}
