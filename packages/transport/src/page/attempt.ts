/**
 * One try to give a pair of ranks a carrier: what every carrier's attempt gets and offers. Not for: the
 * order of attempts (pair.ts).
 */
import type { ConnectionFacts } from '../page-messages.ts'
import type { LinkSignaling } from './link-signaling.ts'
import type { PortRendezvous } from './port-rendezvous.ts'

/** What is shared by all pairs of one page. */
export interface PageServices {
  signaling: LinkSignaling
  iceServers: RTCIceServer[]
  /** The only addresses of this machine for WebRTC; null for the browser's choice. */
  iceAddresses: readonly string[] | null
  /** Milliseconds from the other page's first answer to a standing connection. */
  iceTimeoutMs: number
  /** Opened on first use; null where ports cannot cross tabs. */
  rendezvous(): PortRendezvous | null
  /** Ends of channels between two ranks of this page: the first to come leaves one end for the second. */
  localEnds: Map<string, LocalEnd>
}

/** One end of a channel within this page; with `memory` the frames go there and the port only says hello and bye. */
export interface LocalEnd {
  port: MessagePort
  memory?: SharedArrayBuffer
}

export interface AttemptContext extends PageServices {
  runId: string
  generation: number
  rank: number
  peer: number
  attempt: number
  /** The lower rank of the pair starts and decides. */
  initiator: boolean
  /** Gives the worker its end. Throws DataCloneError where a channel cannot be transferred. */
  offer(end: LocalEnd | { channel: RTCDataChannel }): void
  connected(facts: ConnectionFacts): void
  state(state: RTCPeerConnectionState): void
  /** Handshake data for the other page's attempt. */
  handshake(data: unknown): void
  fail(reason: string): void
}

export interface Attempt {
  /** Handshake data from the other page. */
  signal?(data: unknown): void
  /** A relay message from the other page. */
  relayed?(frame: Uint8Array | ArrayBuffer): void
  /** The worker holds what was offered. */
  taken?(): void
  close(): void
}

/** The same on both pages, and unique to this pair's attempt. */
export function meetingKey({ runId, generation, rank, peer, attempt }: AttemptContext): string {
  return `${runId}/${generation}/${Math.min(rank, peer)}-${Math.max(rank, peer)}/${attempt}`
}
