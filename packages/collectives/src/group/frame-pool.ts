/** Keeps buffers of full frames for reuse: a ring gives back as many as it takes. Not for: odd sizes. */
import { type Frame, isLent } from '../algorithm.ts'

/** Bytes of frames kept: what a few buckets in flight need. */
const MAX_BYTES = 16_777_216

export class FramePool {
  #free: Frame[] = []
  #bytes: number

  /** `bytes` is the size of a full frame, header included. */
  constructor(bytes: number) {
    this.#bytes = bytes
  }

  resize(bytes: number): void {
    this.#free = []
    this.#bytes = bytes
  }

  /** A frame with undefined contents that spans its whole buffer. */
  take(bytes: number): Frame {
    return (bytes === this.#bytes ? this.#free.pop() : undefined) ?? new Uint8Array(bytes)
  }

  /** The frame itself, or a copy that outlives the handler of a lent one. */
  own(frame: Frame): Frame {
    if (!isLent(frame)) return frame
    const copy = this.take(frame.byteLength)
    copy.set(frame)
    return copy
  }

  give(frame: Frame): void {
    const whole = frame.byteLength === this.#bytes && !isLent(frame)
    if (whole && this.#bytes * this.#free.length < MAX_BYTES) this.#free.push(frame)
  }
}
