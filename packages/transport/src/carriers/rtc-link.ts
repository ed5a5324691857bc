/**
 * The carrier across machines: one WebRTC data channel, ordered and reliable, that this thread owns. The
 * gate follows the channel's own `bufferedamountlow`. Not for: making the connection (page/) nor for the
 * channel's thread: a worker owns it after a transfer, a page only where transfer is impossible.
 */
import { type LinkControl, parseControlText } from '../control.ts'
import type { Watermarks } from '../flow-control.ts'
import { DEFAULT_FRAME_BYTES } from '../link-base.ts'
import { WireLink } from '../wire-link.ts'

/**
 * Bytes in the channel's send buffer. Browsers fail a channel at 16 MiB; a tenth of that bridges the
 * longest pause between two event-loop turns at the rates that were measured, and keeps latency low.
 */
const RTC_WATERMARKS: Watermarks = { high: 1_048_576, low: 262_144 }

/** Name and stream id of the payload lane: agreed beforehand, so that no side waits for the other's announcement. */
export const LANE_LABEL = 'rondo-lane'
export const LANE_INIT: RTCDataChannelInit = { negotiated: true, id: 100, ordered: true }

export interface RtcLinkOptions {
  rank: number
  peer: number
  channel: RTCDataChannel
  watermarks?: Watermarks
}

/** Binary messages are frames, text messages are control. Sending copies into the channel, so `transfer` changes nothing. */
export class RtcLink extends WireLink {
  readonly #channel: RTCDataChannel
  readonly #open: Promise<void>
  #error = ''

  constructor({ rank, peer, channel, watermarks = RTC_WATERMARKS }: RtcLinkOptions) {
    super({ rank, peer, carrier: 'webrtc', maxFrameBytes: DEFAULT_FRAME_BYTES, watermarks })
    this.#channel = channel
    channel.binaryType = 'arraybuffer'
    channel.bufferedAmountLowThreshold = watermarks.low
    channel.onbufferedamountlow = () => this.gate.drained(channel.bufferedAmount)
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

  protected carry(frame: Uint8Array<ArrayBuffer>): undefined | Promise<void> {
    const channel = this.#channel
    if (channel.readyState !== 'open') {
      this.fail(`the data channel to rank ${this.peer} is ${channel.readyState}${this.#error}`)
      throw this.lost()
    }
    channel.send(frame)
    return this.gate.after(channel.bufferedAmount)
  }

  protected opened(): Promise<void> {
    return this.#open
  }

  protected sendControl(control: LinkControl): void {
    if (this.#channel.readyState === 'open') this.#channel.send(JSON.stringify(control))
  }

  /** Closing a channel sends what it still holds first. */
  protected hangUp(): void {
    this.#channel.close()
  }

  #receive(data: unknown): void {
    if (this.closed) return
    if (data instanceof ArrayBuffer) this.arrive(data)
    else this.heard(typeof data === 'string' ? parseControlText(data) : null)
  }
}
