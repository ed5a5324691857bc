/**
 * What the core asks the outside to do after a change was kept: send, tell everyone, set a deadline. Data,
 * so that the core knows no sockets and a change can be repeated before anything was sent.
 */
import type { ServerEvents } from '@rondo/protocol'

type Message = { [E in keyof ServerEvents]: { event: E; payload: ServerEvents[E] } }[keyof ServerEvents]

/** `start`: all ranks ready by then. `loss`: a broken link is blamed on a lost page until then. */
export type DeadlineName = 'start' | 'loss'

export type Effect =
  /** Everyone in the session gets a new snapshot: at once, or together with other changes of the moment. */
  | { kind: 'snapshot'; urgent: boolean }
  | { kind: 'send'; to: string; message: Message }
  /** Ends a connection, after what was sent to it. */
  | { kind: 'disconnect'; to: string }
  | { kind: 'broadcast'; message: Message; droppable: boolean }
  /** Sets, moves or (null) clears a deadline of the session. Milliseconds from now. */
  | { kind: 'deadline'; name: DeadlineName; inMs: number | null }
