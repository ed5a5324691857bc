/**
 * The carrier across machines: one WebRTC data channel, ordered and reliable, that this thread owns. Not
 * for: making the connection (page/) nor for the channel's thread: a worker owns it after a transfer.
 */
import { type LinkControl, parseControlText } from '../control.ts'
import type { Watermarks } from '../flow-control.ts'
import { DEFAULT_FRAME_BYTES } from '../link-base.ts'
import { WireLink } from '../wire-link.ts'

/**
 * Bytes sent and not credited by the receiver. The channel's own `bufferedAmount` would bound what this side
 * holds, but not what SCTP has in flight: beyond 1 to 2 MiB its slow start overshoots and loses so much at
 * once that the first transfers run at a tenth of the rate for seconds (docs/transport.md). The window
 * bounds both, and the receiver's queue; at 1 MiB it still fills a path of 50 MB/s and 20 ms.
 */
export const RTC_WATERMARKS: Watermarks = { high: 1_048_576, low: 524_288 }

/** Name and stream id of the payload lane: agreed beforehand, so that no side waits for the other's announcement. */
export const LANE_LABEL = 'rondo-lane'
export const LANE_INIT: RTCDataChannelInit = { negotiated: true, id: 100, ordered: true }

export interface RtcLinkOptions {
  rank: number
  peer: number
  channel: RTCDataChannel
  watermarks?: Watermarks
}

/**
 * Binary messages are frames, a text of digits is a credit, other text is control. Sending copies into the
 * channel, so `transfer` changes nothing.
 */
export class RtcLink extends WireLink {
  readonly #channel: RTCDataChannel
  readonly #open: Promise<void>
  #error = ''

  constructor({ rank, peer, channel, watermarks = RTC_WATERMARKS }: RtcLinkOptions) {
    super({ rank, peer, carrier: 'webrtc', maxFrameBytes: DEFAULT_FRAME_BYTES, watermarks })
    this.#channel = channel
    channel.binaryType = 'arraybuffer'
    channel.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data)
    channel.onerror = (event) => {
      this.#error = `: ${event.error.message}`
    }
    channel.onclose = () => this.fail(`the data channel to rank ${peer} closed${this.#error}`)
    this.#open =
      channel.readyState === 'connecting'
        ? new Promise((resolve) => {
            channel.onopen = () => resolve()
          })
        : Promise.resolve()
  }

  protected sendFrame(frame: Uint8Array<ArrayBuffer>): void {
    const channel = this.#channel
    if (channel.readyState !== 'open') {
      this.fail(`the data channel to rank ${this.peer} is ${channel.readyState}${this.#error}`)
      throw this.lost()
    }
    channel.send(frame)
  }

  protected sendCredit(bytes: number): void {
    if (this.#channel.readyState === 'open') this.#channel.send(String(bytes))
  }

  protected sendControl(control: LinkControl): void {
    if (this.#channel.readyState === 'open') this.#channel.send(JSON.stringify(control))
  }

  protected opened(): Promise<void> {
    return this.#open
  }

  /** Closing a channel sends what it still holds first. */
  protected hangUp(): void {
    this.#channel.close()
  }

  #receive(data: unknown): void {
    if (this.closed) return
    if (data instanceof ArrayBuffer) this.arrive(data)
    else if (typeof data !== 'string') this.heard(null)
    else if (data.startsWith('{')) this.heard(parseControlText(data))
    else this.credited(Number(data))
  }
}
