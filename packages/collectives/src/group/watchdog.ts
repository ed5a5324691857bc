/** One timer for the deadlines of many operations: armed for the nearest, asked again when it rings. */

/** Milliseconds; the longest delay a timer takes. */
const MAX_DELAY = 2 ** 31 - 1

export class Watchdog {
  readonly #onDue: (now: number) => number
  #timer: ReturnType<typeof setTimeout> | undefined
  #due = Number.POSITIVE_INFINITY

  /** `onDue` handles what is over and returns the next deadline, infinity for none. */
  constructor(onDue: (now: number) => number) {
    this.#onDue = onDue
  }

  /** Makes sure that someone looks at `deadline` (`performance.now()` milliseconds) or earlier. */
  watch(deadline: number): void {
    if (deadline >= this.#due) return
    this.stop()
    this.#due = deadline
    this.#timer = setTimeout(() => this.#ring(), Math.min(MAX_DELAY, Math.max(0, deadline - performance.now())))
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#due = Number.POSITIVE_INFINITY
  }

  #ring(): void {
    this.#due = Number.POSITIVE_INFINITY
    this.watch(this.#onDue(performance.now()))
  }
}
