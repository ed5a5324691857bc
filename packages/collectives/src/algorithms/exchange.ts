/**
 * One step in which every rank sends known bytes to some ranks and receives from some: the small all-reduce,
 * all-gather, gather, scatter, all-to-all, broadcast to few, barrier, send and recv are all this. An empty
 * payload still is one message, so that every rank learns that its counterpart is there.
 */
import { FRAME_HEADER_BYTES } from '@rondo/protocol'
import { type Algorithm, byteMessages, type Frame, payloadOf, type Wire } from '../algorithm.ts'

/** Bytes in front of a payload whose length only its sender knows: the length as float64. */
const LENGTH_BYTES = 8
/** Bytes. A length beyond this is taken for garbage rather than allocated. */
const MAX_UNKNOWN_BYTES = 2 ** 30

interface Incoming {
  /** Where the payload goes; undefined until the sender's length is known. */
  target: Uint8Array | undefined
  at: number
}

/** Puts the length in front, for receivers that can't know it. */
export function withLength(bytes: Uint8Array): Uint8Array {
  const framed = new Uint8Array(LENGTH_BYTES + bytes.byteLength)
  new DataView(framed.buffer).setFloat64(0, bytes.byteLength, true)
  framed.set(bytes, LENGTH_BYTES)
  return framed
}

export class Exchange implements Algorithm {
  readonly borrows = true
  readonly #outgoing: ReadonlyMap<number, Uint8Array>
  readonly #incoming = new Map<number, Incoming>()
  #wire!: Wire
  #missing: number

  /**
   * `incoming` gives for each rank the memory that its bytes fill, or 'unknown' for one that sends
   * `withLength` bytes; those are had from `received` afterwards.
   */
  constructor(outgoing: ReadonlyMap<number, Uint8Array>, incoming: ReadonlyMap<number, Uint8Array | 'unknown'>) {
    this.#outgoing = outgoing
    for (const [from, target] of incoming) {
      this.#incoming.set(from, { target: target === 'unknown' ? undefined : target, at: 0 })
    }
    this.#missing = incoming.size
  }

  get done(): boolean {
    return this.#missing === 0
  }

  get steps(): number {
    return this.done ? 1 : 0
  }

  waitingFor(): number[] {
    return [...this.#incoming.keys()].filter((from) => !this.#complete(from))
  }

  /** The bytes that a rank of unknown length sent. */
  received(from: number): Uint8Array {
    return this.#incoming.get(from)?.target?.subarray(LENGTH_BYTES) ?? new Uint8Array(0)
  }

  start(wire: Wire): void {
    this.#wire = wire
    // Each rank begins with its neighbour, so that not all of them send to rank 0 first.
    for (let shift = 1; shift < wire.worldSize; shift++) {
      const to = (wire.rank + shift) % wire.worldSize
      const bytes = this.#outgoing.get(to)
      if (bytes !== undefined) wire.stream(to, byteMessages(bytes, wire.messageBytes))
    }
  }

  onMessage(from: number, frame: Frame): string | undefined {
    const incoming = this.#incoming.get(from)
    if (incoming === undefined || this.#complete(from)) return 'nothing was expected from it'
    const payload = payloadOf(frame)
    if (incoming.target === undefined) {
      const bytes =
        payload.byteLength < LENGTH_BYTES
          ? -1
          : new DataView(frame.buffer, frame.byteOffset + FRAME_HEADER_BYTES).getFloat64(0, true)
      if (!Number.isInteger(bytes) || bytes < 0 || bytes > MAX_UNKNOWN_BYTES) {
        return `a length of ${bytes} bytes was announced where 0 to ${MAX_UNKNOWN_BYTES} are allowed`
      }
      incoming.target = new Uint8Array(LENGTH_BYTES + bytes)
    }
    const expected = Math.min(this.#wire.messageBytes, incoming.target.byteLength - incoming.at)
    if (payload.byteLength !== expected) {
      return `${payload.byteLength} payload bytes came where ${expected} were expected`
    }
    incoming.target.set(payload, incoming.at)
    incoming.at += payload.byteLength
    this.#wire.recycle(frame)
    if (incoming.at === incoming.target.byteLength) {
      // One past the end marks an empty payload as arrived, too.
      incoming.at = Number.POSITIVE_INFINITY
      this.#missing--
    }
    return undefined
  }

  #complete(from: number): boolean {
    return this.#incoming.get(from)?.at === Number.POSITIVE_INFINITY
  }
}
