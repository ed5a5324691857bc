/** Listeners by event name, typed by a table of payloads. */
export class Listeners<Table> {
  readonly #sets = new Map<keyof Table, Set<(payload: never) => void | Promise<void>>>()

  add<E extends keyof Table>(event: E, listener: (payload: Table[E]) => void | Promise<void>): () => void {
    const set = this.#sets.get(event) ?? new Set()
    this.#sets.set(event, set)
    set.add(listener)
    return () => set.delete(listener)
  }

  /** Calls all in order; resolves when all promises they returned did. False when nobody listens. */
  async call<E extends keyof Table>(event: E, payload: Table[E]): Promise<boolean> {
    const set = this.#sets.get(event)
    if (set === undefined || set.size === 0) return false
    await Promise.all([...set].map((listener) => listener(payload as never)))
    return true
  }
}
