/**
 * The peer connections of a standing WebRTC link beyond its first: made when a worker asks for them, by the same
 * handshake. The lower rank of the pair makes them, so that both sides count alike. Failing to get one is
 * harmless: the link goes on with what it has. Not for: deciding how many are worth having (the worker does).
 */
import type { Attempt, AttemptContext } from './attempt.ts'
import { attemptWebrtc } from './webrtc-attempt.ts'

export interface MoreConnectionsOptions {
  initiator: boolean
  context(lane: number): AttemptContext
  /** Asks the other page, which makes them, for that many in all. */
  askPeer(connections: number): void
}

export class MoreConnections {
  readonly #options: MoreConnectionsOptions
  /** By number; the link's first, 0, is not among them. */
  readonly #attempts = new Map<number, Attempt>()

  constructor(options: MoreConnectionsOptions) {
    this.#options = options
  }

  /** Somebody wants that many in all; none is ever taken away. */
  widen(connections: number): void {
    if (!this.#options.initiator) this.#options.askPeer(connections)
    else for (let lane = 1; lane < connections; lane++) this.#open(lane)
  }

  /** Handshake data of the other page; the first for a number begins that connection here. */
  signal(lane: number, data: unknown): void {
    if (!this.#options.initiator) this.#open(lane)
    this.#attempts.get(lane)?.signal?.(data)
  }

  taken(lane: number): void {
    this.#attempts.get(lane)?.taken?.()
  }

  /** A connection that failed goes at the other page too, which may think that it stands. It is not tried again. */
  drop(lane: number): void {
    this.#attempts.get(lane)?.close()
  }

  close(): void {
    for (const attempt of this.#attempts.values()) attempt.close()
    this.#attempts.clear()
  }

  #open(lane: number): void {
    if (!this.#attempts.has(lane)) this.#attempts.set(lane, attemptWebrtc(this.#options.context(lane)))
  }
}
