/**
 * Two-watermark back-pressure: sending goes on freely until more than `high` bytes are on their way, then
 * waits for the carrier's own event that at most `low` are left. Driven by events only: no timers, no
 * polling. Not for: counting bytes, each carrier knows best what it still holds.
 */
import { invariant } from '@rondo/protocol'

export interface Watermarks {
  /** Bytes on their way above which a sender must wait. */
  high: number
  /** Bytes on their way at which a waiting sender goes on. */
  low: number
}

export class SendGate {
  readonly high: number
  readonly low: number
  #waiting: { promise: Promise<void>; open: () => void; fail: (error: unknown) => void; since: number } | null = null
  #waitedMs = 0

  constructor({ high, low }: Watermarks) {
    invariant(low >= 0 && high > low, `watermarks need 0 <= low < high, got low ${low} and high ${high}`)
    this.high = high
    this.low = low
  }

  get closed(): boolean {
    return this.#waiting !== null
  }

  /** Milliseconds during which the gate was closed, the present wait included. */
  get waitedMs(): number {
    return this.#waitedMs + (this.#waiting ? performance.now() - this.#waiting.since : 0)
  }

  /**
   * To be called after every send with the bytes that are now on their way. Returns nothing while there is
   * room, else the one promise that all senders of this gate share until `drained`.
   */
  after(buffered: number): undefined | Promise<void> {
    if (this.#waiting) return this.#waiting.promise
    if (buffered <= this.high) return undefined
    let open!: () => void
    let fail!: (error: unknown) => void
    const promise = new Promise<void>((resolve, reject) => {
      open = resolve
      fail = reject
    })
    // A sender that dropped the promise must not turn a lost link into an unhandled rejection.
    promise.catch(() => {})
    this.#waiting = { promise, open, fail, since: performance.now() }
    return promise
  }

  /** The carrier's event: tells how many bytes are still on their way; opens the gate at or below `low`. */
  drained(buffered: number): void {
    if (!this.#waiting || buffered > this.low) return
    this.#settle().open()
  }

  /** The link ended: whoever waits is told why. */
  fail(error: unknown): void {
    if (this.#waiting) this.#settle().fail(error)
  }

  #settle() {
    const waiting = this.#waiting
    invariant(waiting, 'a gate is settled only while somebody waits')
    this.#waitedMs += performance.now() - waiting.since
    this.#waiting = null
    return waiting
  }
}
