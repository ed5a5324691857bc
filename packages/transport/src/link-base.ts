/**
 * What every carrier's link has in common: frames kept until a handler is there, one end that is told
 * once, counters, and the error after the end. Not for: moving bytes, that is what a carrier adds.
 */
import { type Carrier, DEFAULT_MESSAGE_BYTES, FRAME_HEADER_BYTES, RondoError } from '@rondo/protocol'
import { SendGate, type Watermarks } from './flow-control.ts'
import type { Link, LinkEnd, LinkStats } from './link.ts'

/** Bytes of one full frame: the payload size that was measured best, and the header. */
export const DEFAULT_FRAME_BYTES = DEFAULT_MESSAGE_BYTES + FRAME_HEADER_BYTES

type Frame = Uint8Array<ArrayBuffer>

export interface LinkIdentity {
  rank: number
  peer: number
  carrier: Carrier
  maxFrameBytes: number
  watermarks: Watermarks
}

export abstract class LinkBase implements Link {
  readonly rank: number
  readonly peer: number
  readonly carrier: Carrier
  #maxFrameBytes: number
  protected readonly gate: SendGate
  protected bytesSent = 0
  protected framesSent = 0
  #bytesReceived = 0
  #framesReceived = 0
  #kept: Frame[] = []
  #flushing = false
  #frameHandler: ((frame: Frame) => void) | null = null
  #endHandler: ((end: LinkEnd) => void) | null = null
  #end: LinkEnd | null = null
  #endTold = false
  #endWatcher: ((end: LinkEnd) => void) | null = null

  constructor({ rank, peer, carrier, maxFrameBytes, watermarks }: LinkIdentity) {
    this.rank = rank
    this.peer = peer
    this.carrier = carrier
    this.#maxFrameBytes = maxFrameBytes
    this.gate = new SendGate(watermarks)
  }

  get maxFrameBytes(): number {
    return this.#maxFrameBytes
  }

  /** The remote's limit became known: frames get no larger than it. */
  limitFrames(bytes: number): void {
    this.#maxFrameBytes = Math.min(this.#maxFrameBytes, bytes)
  }

  get closed(): boolean {
    return this.#end !== null
  }

  get stats(): Readonly<LinkStats> {
    return {
      bytesSent: this.bytesSent,
      bytesReceived: this.#bytesReceived,
      framesSent: this.framesSent,
      framesReceived: this.#framesReceived,
      waitedMs: this.gate.waitedMs,
    }
  }

  get onFrame(): ((frame: Frame) => void) | null {
    return this.#frameHandler
  }

  set onFrame(handler: ((frame: Frame) => void) | null) {
    this.#frameHandler = handler
    if (handler && this.#kept.length > 0 && !this.#flushing) {
      this.#flushing = true
      queueMicrotask(() => this.#flush())
    }
  }

  get onEnd(): ((end: LinkEnd) => void) | null {
    return this.#endHandler
  }

  set onEnd(handler: ((end: LinkEnd) => void) | null) {
    this.#endHandler = handler
    if (handler && this.#end && !this.#endTold) queueMicrotask(() => this.#tellEnd())
  }

  /** For the link's own makers: told first, apart from the user's `onEnd`. */
  whenEnded(watcher: (end: LinkEnd) => void): void {
    this.#endWatcher = watcher
  }

  /** Hands the bytes to the carrier. `transfer` is only set for a frame that spans its whole buffer. */
  protected abstract carry(frame: Frame, transfer: boolean): undefined | Promise<void>
  /** Says goodbye to the other end and lets go of the carrier. Called once, on purpose or after a failure. */
  protected abstract release(end: LinkEnd, byUs: boolean): void
  /** A handler has taken a frame: carriers with credits return them here. */
  protected taken(_bytes: number): void {}

  send(frame: Frame, options?: { transfer?: boolean }): undefined | Promise<void> {
    if (this.#end) throw this.lost()
    const bytes = frame.byteLength
    if (bytes > this.maxFrameBytes || bytes === 0) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `link.send got a frame of ${bytes} bytes for rank ${this.peer}. A frame may have 1 to ${this.maxFrameBytes} bytes on this ${this.carrier} link. Split the payload by link.maxFrameBytes.`,
      )
    }
    const transfer = options?.transfer === true
    if (transfer && bytes !== frame.buffer.byteLength) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `link.send got {transfer: true} with a view of ${bytes} bytes into a buffer of ${frame.buffer.byteLength}. A transferred frame must span its whole ArrayBuffer. Send it without transfer, or allocate it by itself.`,
      )
    }
    this.bytesSent += bytes
    this.framesSent += 1
    return this.carry(frame, transfer)
  }

  close(reason = `rank ${this.rank} closed the link`): void {
    this.finish({ clean: true, reason }, true)
  }

  /** A frame arrived. */
  protected deliver(frame: Frame): void {
    if (this.#end) return
    const handler = this.#frameHandler
    if (!handler || this.#kept.length > 0) {
      this.#kept.push(frame)
      return
    }
    this.hand(frame, handler)
  }

  /** The link is over; the first reason stays. */
  protected finish(end: LinkEnd, byUs: boolean): void {
    if (this.#end) return
    this.#end = end
    if (byUs) this.#kept = []
    this.gate.fail(this.lost())
    this.release(end, byUs)
    this.#endWatcher?.(end)
    this.#tellEnd()
  }

  protected lost(): RondoError {
    return new RondoError(
      'CONNECTION_LOST',
      `The ${this.carrier} link from rank ${this.rank} to rank ${this.peer} has ended: ${this.#end?.reason ?? 'unknown reason'}. Nothing can be sent on it any more. Restart the run, and look at rank ${this.peer}'s page or terminal for the cause.`,
      { rank: this.rank, details: { peer: this.peer, carrier: this.carrier } },
    )
  }

  /** Hands a frame to the user's handler. */
  protected hand(frame: Frame, handler: (frame: Frame) => void): void {
    // Taken before the handler runs: the frame is the receiver's then, and may be transferred on.
    const bytes = frame.byteLength
    this.#bytesReceived += bytes
    this.#framesReceived += 1
    this.taken(bytes)
    handler(frame)
  }

  #flush(): void {
    let given = 0
    try {
      while (given < this.#kept.length && this.#frameHandler) {
        const frame = this.#kept[given] as Frame
        given += 1
        this.hand(frame, this.#frameHandler)
      }
    } finally {
      this.#kept.splice(0, given)
      this.#flushing = false
      if (this.#kept.length > 0 && this.#frameHandler) this.onFrame = this.#frameHandler
      this.#tellEnd()
    }
  }

  /** Frames that came before the end are handed over before the end is told. */
  #tellEnd(): void {
    if (!this.#end || this.#endTold || !this.#endHandler) return
    if (this.#kept.length > 0 && this.#end.clean) return
    this.#endTold = true
    this.#endHandler(this.#end)
  }
}
