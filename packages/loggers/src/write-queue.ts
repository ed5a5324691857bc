/** Writes of one logger, one after the other, so that its files never see two at once. */
import { RondoError } from '@rondo/protocol'

export class WriteQueue {
  readonly #owner: string
  readonly #folder: string
  #last: Promise<void> = Promise.resolve()

  /** @param owner class that writes, @param folder where; both for errors */
  constructor(owner: string, folder: string) {
    this.#owner = owner
    this.#folder = folder
  }

  /** Runs `write` after all before it. Errors: STORAGE_FAILED; later writes go on. */
  add(write: () => Promise<void>): Promise<void> {
    const next = this.#last.then(async () => {
      try {
        await write()
      } catch (cause) {
        throw new RondoError(
          'STORAGE_FAILED',
          `${this.#owner}: could not write in ${this.#folder}: ${cause instanceof Error ? cause.message : String(cause)}. Check that the folder can be written and has room; what was logged is kept and written by the next save().`,
          { cause },
        )
      }
    })
    this.#last = next.catch(() => {})
    return next
  }
}
