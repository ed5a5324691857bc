/**
 * The carrier inside one browser: a MessagePort whose other end is in another worker, be it of this page,
 * of another tab, or a pump of this page that passes on to a slower carrier. Frames move by
 * transfer. Not for: finding the other end.
 */
import { type Carrier, FRAME_HEADER_BYTES } from '@rondo/protocol'
import { type LinkControl, parseControl } from '../control.ts'
import type { Watermarks } from '../flow-control.ts'
import { WireLink } from '../wire-link.ts'

/** Bytes on their way. A port moves hundreds of MB/s, so a few ms of scheduling must not run it dry. */
const PORT_WATERMARKS: Watermarks = { high: 4_194_304, low: 1_048_576 }

/**
 * Bytes of the largest frame between two workers. Each message has a cost of its own, whatever it holds: an
 * all-reduce of 16 MiB takes less than half as long as with 64 KiB, and small ones no longer (docs/benchmarks.md).
 */
export const PORT_FRAME_BYTES = 524_288 + FRAME_HEADER_BYTES

export interface PortLinkOptions {
  rank: number
  peer: number
  carrier: Carrier
  port: MessagePort
  /** Both ends must use the same. */
  watermarks?: Watermarks
  /** `PORT_FRAME_BYTES` by default; less where the port leads to a slower carrier. */
  maxFrameBytes?: number
}

/**
 * Messages on the port: an ArrayBuffer is a frame, a number is a credit in bytes, an object is a control
 * message. Sending without `transfer` costs one copy, receiving none.
 */
export class PortLink extends WireLink {
  readonly #port: MessagePort

  constructor(options: PortLinkOptions) {
    const { rank, peer, carrier, port, watermarks = PORT_WATERMARKS, maxFrameBytes = PORT_FRAME_BYTES } = options
    super({ rank, peer, carrier, maxFrameBytes, watermarks })
    this.#port = port
    port.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data)
    port.onmessageerror = () => this.abandon(`a message of rank ${peer} could not be read`)
  }

  protected sendFrame(frame: Uint8Array<ArrayBuffer>, transfer: boolean): void {
    const buffer = transfer ? frame.buffer : frame.slice().buffer
    this.#port.postMessage(buffer, [buffer])
  }

  protected sendCredit(bytes: number): void {
    this.#port.postMessage(bytes)
  }

  /** A port takes messages at once and keeps them for an end that is not there yet. */
  protected async opened(): Promise<void> {}

  protected sendControl(control: LinkControl): void {
    this.#port.postMessage(control)
  }

  protected hangUp(): void {
    this.#port.close()
  }

  #receive(data: unknown): void {
    if (this.closed) return
    if (data instanceof ArrayBuffer) this.arrive(data)
    else if (typeof data === 'number') this.credited(data)
    else this.heard(parseControl(data))
  }
}
