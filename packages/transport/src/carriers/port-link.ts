/**
 * The carrier inside one browser: a MessagePort whose other end is in another worker, be it of this page,
 * of another tab, or a pump of this page that passes on to a slower carrier. Frames move by
 * transfer, large ones through a shared file where both ends can open one. Not for: finding the other end.
 */
import { type Carrier, MAX_MESSAGE_BYTES } from '@rondo/protocol'
import { type LinkControl, parseControl } from '../control.ts'
import type { Watermarks } from '../flow-control.ts'
import { WireLink } from '../wire-link.ts'
import { FILE_LANE_BYTES, FileLane, parsePlace } from './file-lane.ts'
import { type SharedFile, sharedFileName } from './shared-file.ts'

/** Bytes on their way. A port moves hundreds of MB/s, so a few ms of scheduling must not run it dry. */
const PORT_WATERMARKS: Watermarks = { high: 4_194_304, low: 1_048_576 }

/**
 * Bytes of the largest frame between two workers: as many as a frame may have. Each message has a cost of its own,
 * whatever it holds, and small frames are no faster with a lower limit (docs/benchmarks/same-machine.md).
 */
export const PORT_FRAME_BYTES = MAX_MESSAGE_BYTES
/** Bytes in front of a lent frame: it lies in a buffer that it does not span, where its payload can be viewed. */
const LENT_OFFSET = 8

export interface PortLinkOptions {
  rank: number
  peer: number
  carrier: Carrier
  port: MessagePort
  /** Both ends must use the same. */
  watermarks?: Watermarks
  /** `PORT_FRAME_BYTES` by default; less where the port leads to a slower carrier. */
  maxFrameBytes?: number
  /** Opens the file for large frames, or says that there is none (null). Without it none is tried. */
  openFile?: ((name: string, bytes: number) => Promise<SharedFile | null>) | undefined
}

/**
 * Messages on the port: an ArrayBuffer is a frame, a pair of numbers the place of one in the shared file, a number is a
 * credit in bytes, an object is a control message. Sending without `transfer` costs one copy, receiving none.
 */
export class PortLink extends WireLink {
  readonly #port: MessagePort
  readonly #openFile: PortLinkOptions['openFile']
  #proposed: { name: string; file: SharedFile } | null = null
  #lane: FileLane | null = null
  /** What receivers that borrow get frames of the file in. */
  #lent: Uint8Array<ArrayBuffer> | null = null
  borrows = false

  constructor(options: PortLinkOptions) {
    const { rank, peer, carrier, port, watermarks = PORT_WATERMARKS, maxFrameBytes = PORT_FRAME_BYTES } = options
    super({ rank, peer, carrier, maxFrameBytes, watermarks })
    this.#port = port
    this.#openFile = options.openFile
    port.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data)
    port.onmessageerror = () => this.abandon(`a message of rank ${peer} could not be read`)
  }

  /** Once large frames are written to a file nothing is gained by giving their buffers away. */
  get copies(): boolean {
    return this.#lane !== null
  }

  protected sendFrame(frame: Uint8Array<ArrayBuffer>, transfer: boolean): void {
    if (this.#lane?.takes(frame.byteLength)) {
      this.#port.postMessage(this.#lane.write(frame))
      return
    }
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
    if (this.#lane !== null) this.#lane.close()
    else this.#proposed?.file.close()
  }

  #receive(data: unknown): void {
    if (this.closed) return
    if (data instanceof ArrayBuffer) this.arrive(data)
    else if (typeof data === 'number') this.credited(data)
    else if (Array.isArray(data)) this.#arriveByFile(data)
    else this.#control(parseControl(data))
  }

  #control(control: LinkControl | null): void {
    if (control?.kind === 'file') {
      if (this.rank < this.peer) this.#agreed(control.name)
      else void this.#agree(control.name)
      return
    }
    this.heard(control)
    if (control?.kind === 'hello' && this.rank < this.peer) void this.#propose()
  }

  /** The lower rank opens a file and names it. Until the other one has it too, large frames go by transfer. */
  async #propose(): Promise<void> {
    const name = sharedFileName()
    const file = await this.#open(name)
    if (file === null) return
    this.#proposed = { name, file }
    this.sendControl({ kind: 'file', name })
  }

  async #agree(name: string): Promise<void> {
    if (this.#lane !== null) return
    const file = await this.#open(name)
    if (file === null) return
    this.#lane = new FileLane(file, false)
    this.sendControl({ kind: 'file', name })
  }

  #agreed(name: string): void {
    if (this.#proposed?.name !== name || this.#lane !== null) return
    this.#lane = new FileLane(this.#proposed.file, true)
  }

  async #open(name: string): Promise<SharedFile | null> {
    const file = (await this.#openFile?.(name, FILE_LANE_BYTES)) ?? null
    if (!this.closed) return file
    file?.close()
    return null
  }

  #arriveByFile(data: unknown): void {
    const place = parsePlace(data, this.maxFrameBytes)
    if (place === null || this.#lane === null) {
      this.abandon(`rank ${this.peer} named a place where no frame can be`)
      return
    }
    const [at, bytes] = place
    const frame = this.borrows && this.onFrame !== null ? this.#lend(bytes) : new Uint8Array(bytes)
    this.#lane.read(frame, at)
    this.arrive(frame)
  }

  #lend(bytes: number): Uint8Array<ArrayBuffer> {
    this.#lent ??= new Uint8Array(LENT_OFFSET + this.maxFrameBytes)
    return this.#lent.subarray(LENT_OFFSET, LENT_OFFSET + bytes)
  }
}
