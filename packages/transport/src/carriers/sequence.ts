/**
 * Restores the order of what comes numbered over several lanes: each lane keeps its own order, lanes overtake each
 * other. Not for: bounding what waits, the caller sees how much that is.
 */
export class Sequence<T> {
  readonly #waiting = new Map<number, T>()
  #next = 0

  /** How many items wait for an earlier one. */
  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * Notes an item. `next`: it is the one that everybody waited for, and the caller has it; then `take` has more.
   * `later`: it waits here. `known`: it came before, on another lane.
   */
  put(number: number, item: T): 'next' | 'later' | 'known' {
    if (number === this.#next) {
      this.#next += 1
      return 'next'
    }
    if (number < this.#next || this.#waiting.has(number)) return 'known'
    this.#waiting.set(number, item)
    return 'later'
  }

  /** The next item in order, if it is here. */
  take(): T | undefined {
    if (this.#waiting.size === 0) return undefined
    const item = this.#waiting.get(this.#next)
    if (item !== undefined) this.#waiting.delete(this.#next++)
    return item
  }
}
