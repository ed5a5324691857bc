/**
 * One connection of a WebRTC link as its two users see it: the sender with what is on its way, the receiver with
 * what it owes. Not for: choosing a line or restoring order (rtc-link.ts).
 */

import type { Lane } from './lane.ts'
import { LaneWindow } from './lane-window.ts'

/**
 * A frame is late when it takes that many times as long as the line's rate and round trip said, and that many
 * milliseconds longer: a scheduling pause of either end is no reason to send it twice.
 */
const LATE_FACTOR = 2
const LATE_MS = 30

/** A frame on its way. */
export interface Sent {
  readonly number: number
  readonly bytes: number
  /** What can be sent again; null while the link has one line only. */
  copy: Uint8Array<ArrayBuffer> | null
  /** It went over another line too. */
  again: boolean
  /** `performance.now()` after which it is late. */
  readonly lateAt: number
}

export class Line {
  readonly lane: Lane
  window = new LaneWindow(0)
  /** Open at this end, and the other end's limits are known. */
  standing = false
  /** The other end has said that nothing more comes here. */
  finished = false
  gone = false
  /** Number of the newest frame that the far end took. */
  newest = -1
  /** Number of what comes in next. */
  nextIn = 0
  #nextOut = 0
  #roundTripMs = 0
  readonly #sent: Sent[] = []
  /** Bytes credited of the oldest frame on its way: a credit may be for a smaller one behind it. */
  #confirmed = 0
  #owed = 0

  constructor(lane: Lane) {
    this.lane = lane
  }

  /** Has carried anything, either way. */
  get used(): boolean {
    return this.nextIn > 0 || this.#nextOut > 0
  }

  /** What is known of the path before any load; 0 for nothing. */
  measuredPath(roundTripMs: number): void {
    this.#roundTripMs = roundTripMs
    this.window = new LaneWindow(roundTripMs)
  }

  /** Tells the far end where a line that was passed over goes on. */
  number(number: number): void {
    if (this.#nextOut !== number) this.lane.say({ kind: 'from', number })
    this.#nextOut = number + 1
  }

  /** Milliseconds until a frame of `bytes` would be confirmed, if this line is as fast as `rate` bytes per second. */
  expectedMs(bytes: number, rate: number): number {
    return this.#roundTripMs + (1_000 * (this.window.underway + bytes)) / rate
  }

  /** @returns null when the lane is not open */
  send(
    number: number,
    frame: Uint8Array<ArrayBuffer>,
    { transfer, isAlone, rate, now }: { transfer: boolean; isAlone: boolean; rate: number; now: number },
  ): Sent | null {
    const bytes = frame.byteLength
    const copy = isAlone ? null : frame.slice()
    const lateAt = now + LATE_MS + LATE_FACTOR * this.expectedMs(bytes, rate)
    this.number(number)
    if (!this.lane.send(frame, transfer)) return null
    this.window.sent(bytes, isAlone, now)
    const sent: Sent = { number, bytes, copy, again: false, lateAt }
    this.#sent.push(sent)
    return sent
  }

  /** The far end took that many bytes. @returns false for a credit of what was not sent */
  credited(bytes: number, isAlone: boolean, now: number): boolean {
    if (!this.window.credited(bytes, isAlone, now)) return false
    this.#confirmed += bytes
    let count = 0
    for (let sent = this.#sent[0]; sent && sent.bytes <= this.#confirmed; sent = this.#sent[count]) {
      this.#confirmed -= sent.bytes
      this.newest = sent.number
      count += 1
    }
    this.#sent.splice(0, count)
    return true
  }

  /** What was overtaken by frame `newest` of another line and is late: to be sent elsewhere. Every frame once. */
  overtaken(newest: number, now: number): Sent[] {
    const first = this.#sent[0]
    if (!first || first.number > newest || first.lateAt > now) return []
    return this.#sent.filter(({ copy, again }) => copy !== null && !again)
  }

  /** What is lost with this line; null when it cannot be sent again. */
  lost(): Sent[] | null {
    const open = this.#sent.filter(({ again }) => !again)
    return open.every(({ copy }) => copy !== null) ? open : null
  }

  /** Bytes taken here from this line. A credit goes out for `least` or more. */
  owe(bytes: number, least: number): void {
    this.#owed += bytes
    if (this.#owed >= least) this.payOwed()
  }

  payOwed(): void {
    if (this.#owed === 0) return
    this.lane.say(this.#owed)
    this.#owed = 0
  }
}
