/**
 * How much may be on its way over one lane, from how fast the far end takes it. Not for: choosing lanes, nor for
 * congestion control, which SCTP does: the window only bounds the queue in front of it.
 */

/**
 * Bytes for which the receiver returns a credit, so that one goes back for several frames: what is less stays owed.
 * Of several lanes every frame is credited at once: the sender must see which lane is behind.
 */
export const CREDIT_BYTES_ALONE = 262_144
export const CREDIT_BYTES_SHARED = 1

/**
 * Bytes of the smallest and largest window of a lane that is alone. The channel's own `bufferedAmount` would not
 * bound what SCTP has in flight: beyond 1 to 2 MiB the slow start of a new connection overshoots and loses so much
 * at once that the first transfers run at a tenth of the rate for seconds (docs/transport.md). A larger window is
 * used only on paths that were seen to hold as much.
 */
const ALONE = { least: 1_048_576, most: 4_194_304 } as const
/** The same for one of several lanes: three frames keep SCTP busy, and no lane holds the others' successors up for long. */
const SHARED = { least: 196_608, most: 524_288 } as const
/** Windows, as multiples of what the path itself holds: SCTP's window can grow while there is more to send. */
const WINDOW_GAIN = 3
/** Milliseconds of continuous sending that give one look at the rate, and the share of the newest. */
const RATE_LOOK_MS = 100
const NEWEST_SHARE = 0.4

export class LaneWindow {
  /** Bytes sent and not credited yet. */
  underway = 0
  /** Bytes per second that the far end took while this lane was busy; null before anything was measured. */
  rate: number | null = null
  readonly #roundTripMs: number
  #busySince: number | null = null
  #bytes = 0

  /** `roundTripMs` of the path without load, 0 when not known. */
  constructor(roundTripMs: number) {
    this.#roundTripMs = roundTripMs
  }

  /** Bytes that may be under way. */
  size(isAlone: boolean): number {
    const { least, most } = isAlone ? ALONE : SHARED
    const held = ((this.rate ?? 0) * this.#roundTripMs) / 1_000
    return Math.min(most, Math.max(least, WINDOW_GAIN * held))
  }

  /** More is under way than a far end that took everything could still owe. */
  isBusy(isAlone: boolean): boolean {
    return this.underway >= (isAlone ? CREDIT_BYTES_ALONE : CREDIT_BYTES_SHARED)
  }

  sent(bytes: number, isAlone: boolean, now: number): void {
    this.underway += bytes
    if (this.#busySince !== null || !this.isBusy(isAlone)) return
    this.#busySince = now
    this.#bytes = 0
  }

  /** @returns false for a credit of what was not sent */
  credited(bytes: number, isAlone: boolean, now: number): boolean {
    if (!Number.isInteger(bytes) || bytes <= 0 || bytes > this.underway) return false
    this.underway -= bytes
    if (this.#busySince === null) return true
    this.#bytes += bytes
    const ms = now - this.#busySince
    if (ms >= RATE_LOOK_MS) {
      const rate = (1_000 * this.#bytes) / ms
      this.rate = this.rate === null ? rate : this.rate + NEWEST_SHARE * (rate - this.rate)
      this.#busySince = now
      this.#bytes = 0
    }
    if (!this.isBusy(isAlone)) this.#busySince = null
    return true
  }
}
