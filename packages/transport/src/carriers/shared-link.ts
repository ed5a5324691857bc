/**
 * The carrier between two workers of one page that may share memory: frames go through a ring buffer in each
 * direction, and the receiver may use them where they lie. A MessagePort beside it says hello and bye. Not for: tabs,
 * which share no memory, or pages without cross-origin isolation (port-link.ts).
 */
import { FRAME_HEADER_BYTES, invariant } from '@rondo/protocol'
import { type LinkControl, parseControl } from '../control.ts'
import type { Watermarks } from '../flow-control.ts'
import { WireLink } from '../wire-link.ts'
import { RingReader, RingWriter, ringBytes, waitAsync } from './byte-ring.ts'

type Frame = Uint8Array<ArrayBuffer>

/** Bytes of one direction: small enough to stay in a processor's cache, a few frames long. A power of two. */
const CAPACITY = 2_097_152
/** Bytes of the largest frame: measured in docs/benchmarks/same-machine.md. */
const SHARED_FRAME_BYTES = 262_144 + FRAME_HEADER_BYTES
/** Bytes that a link's memory has, both directions. */
export const SHARED_LINK_BYTES = 2 * ringBytes(CAPACITY)
/** Below `high` the largest frame always fits, even if the ring's end has to be skipped first. */
const WATERMARKS: Watermarks = { high: CAPACITY - 2 * (SHARED_FRAME_BYTES + 16), low: CAPACITY / 2 }
/** Bytes taken in one turn of the event loop: a busy writer must not keep everything else of this thread waiting. */
const TURN_BYTES = 4 * CAPACITY

/** Whether this page and its workers can share memory and wait for it without blocking. */
export const canShareMemory = (): boolean =>
  typeof SharedArrayBuffer !== 'undefined' && globalThis.crossOriginIsolated !== false && waitAsync !== undefined

export interface SharedLinkOptions {
  rank: number
  peer: number
  /** Hello and bye. */
  port: MessagePort
  /** `SHARED_LINK_BYTES`, all zero, and the same at both ends. */
  memory: SharedArrayBuffer
}

/** The lower rank writes to the first ring. Back-pressure is the ring's own room, so no credits are sent. */
export class SharedLink extends WireLink {
  readonly #port: MessagePort
  readonly #out: RingWriter
  readonly #in: RingReader
  /** Goes on in another turn of the event loop. */
  readonly #turn = new MessageChannel()
  #reserved: Frame | null = null
  #heardHello = false
  #taking = false
  borrows = false

  constructor({ rank, peer, port, memory }: SharedLinkOptions) {
    super({ rank, peer, carrier: 'shared', maxFrameBytes: SHARED_FRAME_BYTES, watermarks: WATERMARKS })
    invariant(memory.byteLength === SHARED_LINK_BYTES, `a shared link has ${SHARED_LINK_BYTES} bytes of memory`)
    const second = ringBytes(CAPACITY)
    this.#out = new RingWriter(memory, rank < peer ? 0 : second, CAPACITY)
    this.#in = new RingReader(memory, rank < peer ? second : 0, CAPACITY, WATERMARKS.low)
    this.#port = port
    port.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data)
    port.onmessageerror = () => this.abandon(`a message of rank ${peer} could not be read`)
    this.#turn.port1.onmessage = () => this.#take()
  }

  override get onFrame(): ((frame: Frame) => void) | null {
    return super.onFrame
  }

  /** Without a handler frames stay in the ring, and the sender waits when it is full. */
  override set onFrame(handler: ((frame: Frame) => void) | null) {
    super.onFrame = handler
    if (handler) queueMicrotask(() => this.#take())
  }

  /** Memory of the ring for a frame of `bytes`, to be filled and sent at once; undefined while there is no room. */
  reserve(bytes: number): Frame | undefined {
    if (this.closed || this.gate.closed || bytes > this.maxFrameBytes) return undefined
    this.#reserved = this.#out.place(bytes)
    return this.#reserved ?? undefined
  }

  protected override carry(frame: Frame): undefined | Promise<void> {
    this.sendFrame(frame)
    const room = this.gate.after(this.#out.used())
    if (room) this.#awaitRoom()
    return room
  }

  protected sendFrame(frame: Frame): void {
    if (frame !== this.#reserved) {
      const place = this.#out.place(frame.byteLength)
      invariant(place, `a frame of ${frame.byteLength} bytes was sent before there was room for it`)
      place.set(frame)
    }
    this.#reserved = null
    this.#out.commit()
  }

  /** The room in the ring is the credit. */
  protected sendCredit(): void {}

  protected async opened(): Promise<void> {}

  protected sendControl(control: LinkControl): void {
    this.#port.postMessage(control)
  }

  protected hangUp(): void {
    this.#port.close()
    this.#turn.port1.close()
    this.#out.wakeSelf()
    this.#in.wakeSelf()
  }

  #receive(data: unknown): void {
    if (this.closed) return
    const control = parseControl(data)
    if (control?.kind === 'bye') this.#takeRest()
    this.heard(control)
    this.#heardHello = true
    this.#take()
  }

  #awaitRoom(): void {
    const full = (): boolean => this.#out.used() > WATERMARKS.low
    const goOn = (): void => {
      if (this.closed) return
      if (full()) this.#awaitRoom()
      else this.gate.drained(this.#out.used())
    }
    if (!this.#out.sleep(full, goOn)) queueMicrotask(goOn)
  }

  /** Hands over what is in the ring, then sleeps until there is more. */
  #take(): void {
    if (this.#taking || !this.#heardHello) return
    this.#taking = true
    let left = TURN_BYTES
    let slept = false
    try {
      while (!slept && left > 0 && !this.closed && this.onFrame !== null) {
        const frame = this.#in.next()
        if (frame === null) {
          slept = this.#in.sleep(
            () => this.#in.used() === 0,
            () => this.#take(),
          )
          continue
        }
        left -= frame.length
        this.#hand(frame, this.borrows)
      }
    } finally {
      this.#taking = false
      // Also when a handler threw: the frames behind that one are still to be taken.
      if (!slept && !this.closed && this.onFrame !== null) this.#turn.port2.postMessage(null)
    }
  }

  #hand(frame: Frame | 'broken', lend: boolean): void {
    if (frame === 'broken') {
      this.abandon(`rank ${this.peer} wrote no frame into the shared memory`)
      return
    }
    try {
      this.arrive(lend ? frame : frame.slice())
    } finally {
      this.#in.release()
    }
  }

  /** The peer said bye: what it sent before is kept for a handler that may come yet. */
  #takeRest(): void {
    for (let frame = this.#in.next(); frame !== null && !this.closed; frame = this.#in.next()) this.#hand(frame, false)
  }
}
