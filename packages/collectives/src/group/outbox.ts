/**
 * Everything that waits for one link: frames that are ready, and messages that are made only when there is
 * room. Earlier operations go first, so overlapping ones finish in order. Not for: what the messages mean.
 */
import { FRAME_HEADER_BYTES, type FrameKind, writeFrameHeader } from '@rondo/protocol'
import type { Link } from '@rondo/transport'
import { type Frame, isLent, type MessageSource, payloadOf } from '../algorithm.ts'
import type { FramePool } from './frame-pool.ts'

/** Carriers that move an ArrayBuffer instead of copying it. */
const MOVING: ReadonlySet<string> = new Set(['local', 'port', 'memory'])
const TRANSFER = Object.freeze({ transfer: true })
/** Sorts before every operation: probes and failures do not queue behind bulk data. */
export const URGENT = -1

/** Who sent an entry: told for each frame that the carrier took. */
export interface Sender {
  sent(payloadBytes: number): void
}

/** The part of a frame header that all messages of one operation share. */
export interface Stamp {
  readonly kind: FrameKind
  readonly source: number
  readonly generation: number
  readonly sequence: number
  readonly fingerprint: number
}

interface Entry {
  readonly priority: number
  readonly stamp: Stamp
  readonly index: number
  readonly sender: Sender | null
  readonly frame: Frame | null
  readonly source: MessageSource | null
  at: number
}

export class Outbox {
  readonly #link: Link
  readonly #pool: FramePool
  readonly #onLost: (error: unknown) => void
  readonly #moves: boolean
  #queue: Entry[] = []
  #busy = false
  #dropped = false
  #idle: (() => void) | null = null
  /** Frame bytes handed to the carrier, headers included. */
  bytesSent = 0

  constructor(link: Link, pool: FramePool, onLost: (error: unknown) => void) {
    this.#link = link
    this.#pool = pool
    this.#onLost = onLost
    this.#moves = MOVING.has(link.carrier)
  }

  get empty(): boolean {
    return this.#queue.length === 0 && !this.#busy
  }

  /** Queues one frame whose payload is filled. `priority`: lower goes first; operations use their sequence. */
  post(priority: number, stamp: Stamp, index: number, frame: Frame, sender: Sender | null): void {
    // What leaves at once need not be owned.
    const kept = this.#busy ? this.#pool.own(frame) : frame
    this.#add({ priority, stamp, index, sender, frame: kept, source: null, at: 0 })
  }

  /** Queues all messages of `source`; `index` is the number of the first. */
  stream(priority: number, stamp: Stamp, index: number, source: MessageSource, sender: Sender | null): void {
    if (source.count > 0) this.#add({ priority, stamp, index, sender, frame: null, source, at: 0 })
  }

  /** Whether an operation still has, or has lost, messages for this link. */
  get owes(): boolean {
    return this.#dropped || this.#queue.some((entry) => entry.sender !== null)
  }

  /** Forgets everything that no carrier has taken yet. */
  clear(): void {
    this.#queue = []
  }

  /** Resolves when everything queued was handed to the carrier. One waiter at a time. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.empty || this.#link.closed) resolve()
      else this.#idle = resolve
    })
  }

  #add(entry: Entry): void {
    let at = this.#queue.length
    while (at > 0 && this.#queue[at - 1]!.priority > entry.priority) at--
    this.#queue.splice(at, 0, entry)
    if (!this.#busy) this.#drain()
  }

  #drain(): void {
    this.#busy = true
    let current: Entry | undefined
    try {
      for (let entry = this.#queue[0]; entry !== undefined; entry = this.#queue[0]) {
        current = entry
        const frame = this.#frame(entry)
        const payloadBytes = frame.byteLength - FRAME_HEADER_BYTES
        entry.at++
        if (entry.source === null || entry.at === entry.source.count) this.#queue.splice(this.#queue.indexOf(entry), 1)
        const room = this.#send(frame)
        entry.sender?.sent(payloadBytes)
        if (room !== undefined) {
          room.then(
            () => this.#drain(),
            (error) => this.#lost(error),
          )
          return
        }
      }
    } catch (error) {
      this.#dropped ||= current !== undefined && current.sender !== null
      this.#lost(error)
      return
    }
    this.#busy = false
    this.#idle?.()
    this.#idle = null
  }

  #frame({ stamp, index, frame, source, at }: Entry): Frame {
    const bytes = frame?.byteLength ?? FRAME_HEADER_BYTES + source!.bytes(at)
    const ready = frame ?? this.#link.reserve?.(bytes) ?? this.#pool.take(bytes)
    if (frame === null) source!.fill(at, payloadOf(ready))
    writeFrameHeader(ready, {
      kind: stamp.kind,
      source: stamp.source,
      generation: stamp.generation,
      sequence: stamp.sequence,
      fingerprint: stamp.fingerprint,
      index: index + at,
      payloadBytes: ready.byteLength - FRAME_HEADER_BYTES,
    })
    return ready
  }

  #send(frame: Frame): undefined | Promise<void> {
    this.bytesSent += frame.byteLength
    if (this.#moves && !this.#link.copies && !isLent(frame)) return this.#link.send(frame, TRANSFER)
    const room = this.#link.send(frame)
    this.#pool.give(frame)
    return room
  }

  #lost(error: unknown): void {
    this.#dropped = this.owes
    this.#queue = []
    this.#busy = false
    this.#idle?.()
    this.#idle = null
    this.#onLost(error)
  }
}
