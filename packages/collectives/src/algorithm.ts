/**
 * What the group and an algorithm owe each other: the group moves numbered messages in order, the algorithm
 * decides what they hold. Algorithms know no links, headers, deadlines or failures.
 */
import { FRAME_HEADER_BYTES } from '@rondo/protocol'

/** Header space and payload. Its buffer starts at a multiple of 8 bytes, so the payload can be viewed. */
export type Frame = Uint8Array<ArrayBuffer>

/** Messages that are made only when the link has room for them. */
export interface MessageSource {
  readonly count: number
  /** Payload bytes of message `i`. */
  bytes(i: number): number
  fill(i: number, payload: Uint8Array): void
}

/** The group as one operation sees it. Messages to one rank arrive there in the order they were given. */
export interface Wire {
  readonly rank: number
  readonly worldSize: number
  /** Largest payload of a message, bytes, equal on all ranks and a multiple of 8. */
  readonly messageBytes: number
  /** Sends a frame whose payload is filled; the group owns it from now on. A received frame may be passed on. */
  post(to: number, frame: Frame): void
  /** Sends messages made on demand; whatever they are made from must stay untouched until the operation ends. */
  stream(to: number, source: MessageSource): void
  /** Gives back a frame that was received and is not passed on. */
  recycle(frame: Frame): void
}

export interface Algorithm {
  /**
   * It is done with a message, or has posted it, when `onMessage` returns. It may then be handed one that lies in the
   * carrier's memory (`isLent`), and write to it meanwhile.
   */
  readonly borrows?: true
  start(wire: Wire): void
  /** A message from `from`, in order. A returned text says why it can't be right; its sender is then cut off. */
  onMessage(from: number, frame: Frame): string | undefined
  /** Whether everything that has to arrive has arrived. */
  readonly done: boolean
  /** Rounds of messages, each needing the one before, that lie behind it. */
  readonly steps: number
  /** Ranks from which something is still missing. */
  waitingFor(): number[]
}

/** Whether a frame lies in memory of its carrier, which takes it back when the frame's handler returns. */
export function isLent(frame: Frame): boolean {
  return frame.byteLength !== frame.buffer.byteLength
}

export function payloadOf(frame: Frame): Uint8Array<ArrayBuffer> {
  return frame.subarray(FRAME_HEADER_BYTES)
}

/** Cuts `bytes` into messages of at most `messageBytes`; nothing at all still makes one empty message. */
export function byteMessages(bytes: Uint8Array, messageBytes: number): MessageSource {
  return {
    count: Math.max(1, Math.ceil(bytes.byteLength / messageBytes)),
    bytes: (i) => Math.min(messageBytes, bytes.byteLength - i * messageBytes),
    fill: (i, payload) => payload.set(bytes.subarray(i * messageBytes, (i + 1) * messageBytes)),
  }
}
