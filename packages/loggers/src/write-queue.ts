/** Writes of one logger, one after the other, so that its files never see two at once. */
import { RondoError } from '@rondo/protocol'

export class WriteQueue {
  readonly #owner: string
  readonly #folder: () => string
  #last: Promise<void> = Promise.resolve()
  /** The write that waits for the one under way; further ones are the same. */
  #waiting: Promise<void> | null = null

  /** @param owner class that writes, @param folder where; both for errors */
  constructor(owner: string, folder: () => string) {
    this.#owner = owner
    this.#folder = folder
  }

  /**
   * Runs `write`, which writes all that there is by then, after the one under way. Calls meanwhile share one run.
   * Errors: STORAGE_FAILED; later writes go on.
   */
  add(write: () => Promise<void>): Promise<void> {
    if (this.#waiting) return this.#waiting
    const next = this.#last.then(async () => {
      this.#waiting = null
      try {
        await write()
      } catch (cause) {
        if (cause instanceof RondoError && cause.code !== 'STORAGE_FAILED') throw cause
        throw new RondoError(
          'STORAGE_FAILED',
          `${this.#owner}: could not write in ${this.#folder()}: ${cause instanceof Error ? cause.message : String(cause)}. Check that the folder can be written and has room; what was logged is kept and written by the next save().`,
          { cause },
        )
      }
    })
    this.#waiting = next
    this.#last = next.catch(() => {})
    return next
  }
}
