/** The types of this server's sockets, and what is remembered with each. Not for: what they do. */
import type { ServerEvents } from '@rondo/protocol'
import type { Server, Socket } from 'socket.io'
import type { Connection } from './core/record.ts'

type ToClient = { [E in keyof ServerEvents]: (payload: ServerEvents[E], ack?: (value: unknown) => void) => void }
/** Everything from a client passes the dispatcher as unknown; no event has a typed listener. */
type FromClient = Record<string, never>

export interface SocketData {
  session: string
  connection: Connection
  /** False for an agent without token until its hello was accepted. */
  admitted: boolean
  /** Whether `run:event` is sent to it. */
  hearsRuns: boolean
  /** Server clock, ms, of the last packet of any kind, heartbeats included. */
  lastSeen: number
  relaysInFlight: number
  /** Tail of the queue in which relayed frames wait for their budget, so that none overtakes another. */
  relayQueue: Promise<void>
}

export type RondoServer = Server<FromClient, ToClient, Record<string, never>, SocketData>
export type RondoSocket = Socket<FromClient, ToClient, Record<string, never>, SocketData>

/** socket.io room of everyone who was admitted to a session. */
export function roomOf(session: string): string {
  return `session:${session}`
}

/** socket.io room of those of a session who hear `run:event`. */
export function runRoomOf(session: string): string {
  return `runs:${session}`
}
