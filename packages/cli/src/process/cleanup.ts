/**
 * What must be closed when a command ends, in reverse order of opening and each exactly once. Not for: when
 * to end (interrupt.ts).
 */

/** Milliseconds that one thing may take to close; then the next has its turn. */
const CLOSE_TIMEOUT_MS = 6_000

export class Cleanup {
  readonly #closers: Array<() => unknown> = []

  /** Notes how to close something that was just opened, and hands it through. */
  add<T>(opened: T, close: (opened: T) => unknown): T {
    this.#closers.push(() => close(opened))
    return opened
  }

  /** Closes everything; errors while closing are nobody's business any more. */
  async run(): Promise<void> {
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)
      })
      await Promise.race([Promise.resolve().then(close), late]).catch(() => undefined)
      clearTimeout(timer)
    }
  }
}
