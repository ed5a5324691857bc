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
  readonly #order: readonly number[]
  readonly #bytes: Uint8Array
  #wire!: Wire
  /** Ranks between the root and us, us included. */
  #place = 0
  #next: number | undefined
  #previous: number | undefined
  #at = 0
  #arrived = false
  #acknowledged = false

  /** `order` is that of the ring. `bytes` is what the root sends and what every other rank fills; not empty. */
  constructor(root: number, order: readonly number[], bytes: Uint8Array) {
    this.#root = root
    this.#order = order
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#arrived && this.#acknowledged
  }

  get steps(): number {
    return this.#arrived ? this.#place : 0
  }

  waitingFor(): number[] {
    const waiting: number[] = []
    if (!this.#arrived && this.#previous !== undefined) waiting.push(this.#previous)
    if (!this.#acknowledged && this.#next !== undefined) waiting.push(this.#next)
    return waiting
  }

  start(wire: Wire): void {
    this.#wire = wire
    const { worldSize } = wire
    const at = this.#order.indexOf(wire.rank)
    this.#place = (at - this.#order.indexOf(this.#root) + worldSize) % worldSize
    this.#next = this.#place < worldSize - 1 ? this.#order[(at + 1) % worldSize] : undefined
    this.#previous = this.#place > 0 ? this.#order[(at + worldSize - 1) % worldSize] : undefined
    this.#arrived = this.#place === 0
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
