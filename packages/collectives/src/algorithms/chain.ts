/**
 * Broadcast along the ring, for large payloads: the root sends to the next rank and every rank passes each
 * message on as soon as it arrives. Each rank sends the payload once; the last one sends none. An empty message
 * goes back to the rank before, so that no rank runs ahead of its successor.
 */
import { FRAME_HEADER_BYTES } from '@rondo/protocol'
import { type Algorithm, byteMessages, type Frame, payloadOf, type Wire } from '../algorithm.ts'

export class Chain implements Algorithm {
  readonly borrows = true
  readonly #root: number
  readonly #bytes: Uint8Array
  #wire!: Wire
  #next: number | undefined
  #previous: number | undefined
  #at = 0
  #arrived = false
  #acknowledged = false

  /** `bytes` is what the root sends and what every other rank fills. It must not be empty. */
  constructor(root: number, bytes: Uint8Array) {
    this.#root = root
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#arrived && this.#acknowledged
  }

  get steps(): number {
    const { rank, worldSize } = this.#wire
    return this.#arrived ? (rank - this.#root + worldSize) % worldSize : 0
  }

  waitingFor(): number[] {
    const waiting: number[] = []
    if (!this.#arrived && this.#previous !== undefined) waiting.push(this.#previous)
    if (!this.#acknowledged && this.#next !== undefined) waiting.push(this.#next)
    return waiting
  }

  start(wire: Wire): void {
    this.#wire = wire
    const { rank, worldSize } = wire
    const place = (rank - this.#root + worldSize) % worldSize
    this.#next = place < worldSize - 1 ? (rank + 1) % worldSize : undefined
    this.#previous = place > 0 ? (rank + worldSize - 1) % worldSize : undefined
    this.#arrived = place === 0
    this.#acknowledged = this.#next === undefined
    if (this.#previous !== undefined) wire.stream(this.#previous, byteMessages(new Uint8Array(0), wire.messageBytes))
    else if (this.#next !== undefined) wire.stream(this.#next, byteMessages(this.#bytes, wire.messageBytes))
  }

  onMessage(from: number, frame: Frame): string | undefined {
    const got = frame.byteLength - FRAME_HEADER_BYTES
    if (from === this.#next && got === 0 && !this.#acknowledged) {
      this.#acknowledged = true
      this.#wire.recycle(frame)
      return undefined
    }
    if (from !== this.#previous || this.#arrived) return 'nothing was expected from it'
    const expected = Math.min(this.#wire.messageBytes, this.#bytes.byteLength - this.#at)
    if (got !== expected) return `${got} payload bytes came where ${expected} were expected`
    this.#bytes.set(payloadOf(frame), this.#at)
    this.#at += got
    this.#arrived = this.#at === this.#bytes.byteLength
    if (this.#next !== undefined) this.#wire.post(this.#next, frame)
    else this.#wire.recycle(frame)
    return undefined
  }
}
