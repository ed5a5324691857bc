/** Named deadlines of sessions, each fired at most once. Timers of this process; state is not theirs to keep. */

/** setTimeout counts in 31 bits; anything longer waits this long and is then set again. */
const MAX_DELAY_MS = 2 ** 31 - 1

export class Deadlines {
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>()

  /** Sets or moves the deadline `key`; null clears it. Never keeps the process alive. */
  set(key: string, inMs: number | null, fire: () => void): void {
    clearTimeout(this.#timers.get(key))
    this.#timers.delete(key)
    if (inMs === null) return
    const timer = setTimeout(
      () => {
        if (inMs > MAX_DELAY_MS) return this.set(key, inMs - MAX_DELAY_MS, fire)
        this.#timers.delete(key)
        fire()
      },
      Math.min(inMs, MAX_DELAY_MS),
    )
    timer.unref?.()
    this.#timers.set(key, timer)
  }

  clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }
}
