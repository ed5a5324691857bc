/**
 * What a page and its rank worker say to each other about links, over the port that the worker was given.
 * Same page, same build: trusted, not parsed. Not for: what travels on the links.
 */
import type { CandidateType, Carrier, WireError } from '@rondo/protocol'
import type { Connections } from './connections.ts'

/** What the page knows of a connection once it stands. */
export interface ConnectionFacts {
  /** Bytes: the remote's SCTP limit. */
  maxFrameBytes: number
  candidateType: CandidateType | null
  /** Milliseconds of ICE's own probes, before any load; null where the browser does not tell. */
  roundTripMs: number | null
}

/** A carrier for the link to `peer`. A later attempt for the same peer replaces an earlier one. */
interface Offer {
  type: 'offer'
  peer: number
  attempt: number
  carrier: Carrier
  /** The peer is in this browser: its presence lock can be watched. */
  sameBrowser: boolean
  warmUpBytes: number
  /** Which of the link's peer connections; 0 for the first and for other carriers. */
  lane: number
  connections: Connections
}

export type ToLinkWorker =
  /** With `memory` frames go through it, and the port only says hello and bye. */
  | (Offer & { port: MessagePort; memory?: SharedArrayBuffer })
  /** A transferred data channel; greet only after `connected`. */
  | (Offer & { channel: RTCDataChannel })
  | ({ type: 'connected'; peer: number; attempt: number; lane: number } & ConnectionFacts)
  | { type: 'state'; peer: number; attempt: number; lane: number; state: RTCPeerConnectionState }
  /** The attempt is given up. */
  | { type: 'withdrawn'; peer: number; attempt: number; reason: string }
  /** A link cannot be had, or the run was closed on the page: everything ends. */
  | { type: 'failed'; error: WireError }

export type FromLinkWorker =
  /** The worker listens; offers may come. */
  | { type: 'ready' }
  /** The offered carrier is in the worker's hands: bytes that arrive from now on are not lost. */
  | { type: 'taken'; peer: number; attempt: number; lane: number }
  /** The link would like to have that many peer connections in all. */
  | { type: 'widen'; peer: number; attempt: number; connections: number }
  | { type: 'standing'; peer: number; attempt: number }
  /** The link ended, before or after it stood. */
  | { type: 'ended'; peer: number; attempt: number; reason: string }
