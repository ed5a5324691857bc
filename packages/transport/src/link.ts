/**
 * A link: a reliable, ordered pipe of frames between two ranks, whatever carries it. Every carrier passes
 * the same contract test. Not for: making connections (broker) or what frames mean (collectives).
 */
import type { CandidateType, Carrier } from '@rondo/protocol'

/** Why a link ended; `clean` when one side closed it on purpose. */
export interface LinkEnd {
  clean: boolean
  reason: string
}

export interface LinkStats {
  /** Payload and header bytes handed to the carrier, and received from it. */
  bytesSent: number
  bytesReceived: number
  framesSent: number
  framesReceived: number
  /** Milliseconds that senders spent waiting for room (back-pressure). */
  waitedMs: number
}

export interface Link {
  /** Rank at the other end. */
  readonly peer: number
  readonly carrier: Carrier
  /** WebRTC only: the local end's candidate type, null when the browser does not tell. */
  readonly candidateType?: CandidateType | null
  /** WebRTC only: peer connections that the link has at present. */
  readonly connections?: number
  /** Largest frame (header included, bytes) that may be sent: the carrier's best size or the remote's limit, whichever is less. */
  readonly maxFrameBytes: number
  readonly closed: boolean
  readonly stats: Readonly<LinkStats>
  /**
   * Hands a frame to the carrier. Returns nothing when the carrier took it at once, else a promise that
   * resolves when there is room again: that is the back-pressure, and the caller must wait for it before
   * the next send. The link owns the frame's buffer afterwards if `transfer` is set (carriers that can move
   * memory then do not copy; the frame must span its whole ArrayBuffer); otherwise the bytes are taken
   * before `send` returns. Throws CONNECTION_LOST after the link ended.
   */
  send(frame: Uint8Array<ArrayBuffer>, options?: { transfer?: boolean }): undefined | Promise<void>
  /**
   * Memory of the carrier's own for the next frame, where it has some: filled in place and then given to `send`
   * before anything else is sent, it need not be copied. Undefined when there is none now.
   */
  reserve?(bytes: number): Uint8Array<ArrayBuffer> | undefined
  /** Set while `transfer` gains nothing on this link, because it copies frames anyway: buffers are better reused. */
  readonly copies?: boolean
  /**
   * Set by a receiver that is done with a frame, or has copied it, when its handler returns. A carrier whose frames
   * lie in memory of its own then hands out that memory, which may be written to: a view that does not span its buffer.
   * Others ignore it.
   */
  borrows?: boolean
  /** Called for every frame in order. The frame belongs to the receiver. Frames before a handler is set are kept. */
  onFrame: ((frame: Uint8Array<ArrayBuffer>) => void) | null
  /** Called once, when the link ended for whatever reason. */
  onEnd: ((end: LinkEnd) => void) | null
  close(reason?: string): void
}
