/**
 * What a page and the rank worker it started say to each other. Both ends are ours and ship together, so
 * these are types only; everything from outside was checked before it came this far.
 */
import type { RankEvent, RunStart, WireError } from '@rondo/protocol'

/** First message to a new worker; the port carries links (transport). */
export interface RankInit {
  type: 'init'
  start: RunStart
  rank: number
  linkPort: MessagePort
  /** Where this page's origin serves scripts, data and run files. */
  origin: string
  /** Lets rank 0 store files with the run. */
  uploadToken: string
  /** Name of the session that the page joined. */
  session: string | null
}

/** The run is over for this rank: pending collectives reject with `error`, then the worker is ended. */
export interface RankStop {
  type: 'stop'
  reason: string
  error: WireError | null
}

/** From the run's controller; may come before the rank is ready. */
export interface RankCommandMessage {
  type: 'command'
  commandId: string
  data: unknown
}

/** The run has grown: this rank goes on in a larger world, whose links come through a new port. */
export interface RankGrow {
  type: 'grow'
  start: RunStart
  linkPort: MessagePort
}

export type ToRank = RankInit | RankGrow | RankStop | RankCommandMessage

export type FromRank =
  | { type: 'event'; event: RankEvent }
  /** For the run's controller on the same page: bytes that need not pass the server. */
  | { type: 'file'; name: string; bytes: ArrayBuffer }
  /** For the person at the page, as a download. */
  | { type: 'download'; name: string; bytes: ArrayBuffer }
