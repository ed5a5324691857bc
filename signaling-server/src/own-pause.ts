/**
 * Notices that this process itself stood still: suspended, swapped out, a laptop that slept. Connections that end right
 * after that ended because of us, and their pages are on their way back. Not for: machines that fall silent.
 */

/** Milliseconds between two looks at the clock. */
const LOOK_MS = 500
/** Milliseconds beyond a look that count as a pause: no work of the server's own takes that long. */
const PAUSE_MS = 3_000
/**
 * Milliseconds in which pages come back after a pause: a client's attempt takes 5 s at most and the next one begins
 * within 3 s.
 */
export const RETURN_MS = 12_000

export class OwnPause {
  readonly #timer: ReturnType<typeof setInterval>
  readonly #now: () => number
  #lookedAt: number
  #pausedUntil = Number.NEGATIVE_INFINITY

  /** @param now milliseconds of a clock that never jumps; only tests give one */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#lookedAt = now()
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
    this.#timer.unref()
  }

  /** True while connections that end may have ended because of a pause of this process. */
  get recent(): boolean {
    // Whoever asks may be called before the timer, in the first turn after the pause.
    this.#look()
    return this.#now() - this.#pausedUntil < RETURN_MS
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const now = this.#now()
    if (now - this.#lookedAt > LOOK_MS + PAUSE_MS) this.#pausedUntil = now
    this.#lookedAt = now
  }
}
