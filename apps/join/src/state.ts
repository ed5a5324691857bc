/**
 * The join page's whole state, and how each thing that happens changes it. A pure function: the server's
 * events, the connection and the person's own steps go in as actions. Not for: sockets, clocks, sentences.
 */
import type { DeviceInfo, RunStart, ServerEvents, SessionSnapshot, WireError } from '@rondo/protocol'
import { foldEvent, hasEnded, newRun, type SessionView } from '@rondo/ui/session'

export type Membership = 'out' | 'joining' | 'in' | 'left'

/** What the shared models show, and the page's own connection and part in it. */
export interface JoinState extends SessionView {
  /** `closed`: given up; only a person's click connects again. */
  connection: 'connecting' | 'online' | 'offline' | 'closed'
  /** Page clock, ms, at which the server was last seen to go. */
  offlineSince: number | null
  /** The server will not have this page: final until the address changes. */
  refused: WireError | null
  /** The last thing that a person asked for and did not get; gone with the next success. */
  notice: WireError | null
  device: DeviceInfo | null
  membership: Membership
}

export type JoinAction =
  | { type: 'connection'; connection: JoinState['connection']; at: number }
  | { type: 'session'; snapshot: SessionSnapshot; at: number }
  | { type: 'run:start'; start: RunStart }
  | { type: 'run:event'; message: ServerEvents['run:event']; at: number }
  | { type: 'run:stop'; message: ServerEvents['run:stop'] }
  | { type: 'refused'; error: WireError }
  | { type: 'notice'; error: WireError | null }
  | { type: 'membership'; membership: Membership }
  | { type: 'device'; device: DeviceInfo }

/** Errors after which connecting again with the same address cannot help. */
const FINAL_REFUSALS = new Set<WireError['code']>(['BAD_TOKEN', 'UNKNOWN_SESSION', 'SESSION_FULL', 'BAD_MESSAGE'])

export function initialState(pageId: string): JoinState {
  return {
    pageId,
    connection: 'connecting',
    offlineSince: null,
    refused: null,
    notice: null,
    clockSkew: 0,
    snapshot: null,
    device: null,
    membership: 'out',
    run: null,
  }
}

export function reduce(state: JoinState, action: JoinAction): JoinState {
  switch (action.type) {
    case 'connection':
      return {
        ...state,
        connection: action.connection,
        offlineSince: action.connection === 'online' ? null : (state.offlineSince ?? action.at),
      }
    case 'session':
      return withSnapshot(state, action.snapshot, action.at)
    case 'run:start': {
      const run = state.snapshot?.run
      if (run?.runId !== action.start.runId || state.run?.state.runId === run.runId) return state
      return { ...state, run: newRun(run) }
    }
    case 'run:event': {
      const { run } = state
      const { runId, generation, rank, event } = action.message
      if (run?.state.runId !== runId || generation < run.state.generation) return state
      return { ...state, run: foldEvent(run, rank, event, action.at) }
    }
    case 'run:stop': {
      const { run } = state
      if (run?.state.runId !== action.message.runId || hasEnded(run)) return state
      const { error } = action.message
      return { ...state, run: { ...run, state: { ...run.state, error: error ?? run.state.error } } }
    }
    case 'refused':
      return FINAL_REFUSALS.has(action.error.code) && state.snapshot === null
        ? { ...state, refused: action.error }
        : { ...state, notice: action.error }
    case 'notice':
      return { ...state, notice: action.error }
    case 'membership':
      return { ...state, membership: action.membership }
    case 'device':
      return { ...state, device: action.device }
    default:
      return action satisfies never
  }
}

function withSnapshot(state: JoinState, snapshot: SessionSnapshot, at: number): JoinState {
  return {
    ...state,
    snapshot,
    connection: 'online',
    offlineSince: null,
    refused: null,
    clockSkew: snapshot.serverTime - at,
    run: followRun(state.run, snapshot),
  }
}

/**
 * The session's run with what is known of it. An ended run stays readable until the next one opens; one that
 * had ended before this page came is history, and the page starts with the invitation.
 */
function followRun(known: JoinState['run'], { run }: SessionSnapshot): JoinState['run'] {
  if (run === null) return known !== null && hasEnded(known) ? known : null
  if (known?.state.runId === run.runId) return { ...known, state: run }
  const opened = newRun(run)
  return hasEnded(opened) ? null : opened
}
