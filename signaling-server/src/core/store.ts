/**
 * Where sessions live: the one interface behind which all state sits. `MemoryStore` is enough for one
 * process. A shared store (Redis) has to promise the same: `update` runs `change` on the newest record and
 * keeps its result atomically (`change` is synchronous and may be repeated after a lost race), a `change`
 * that throws changes nothing, and calls for one session finish in the order in which they were made.
 */
import type { SessionRecord } from './record.ts'

export interface SessionStore {
  get(name: string): Promise<Readonly<SessionRecord> | undefined>
  /** False when a session of that name exists. */
  create(record: SessionRecord): Promise<boolean>
  /** The result of `change`, or undefined when no such session exists. */
  update<T>(name: string, change: (record: SessionRecord) => T): Promise<T | undefined>
  delete(name: string): Promise<void>
  list(): Promise<Readonly<SessionRecord>[]>
}

/** State in this process, gone with it. */
export class MemoryStore implements SessionStore {
  readonly #records = new Map<string, SessionRecord>()

  async get(name: string): Promise<Readonly<SessionRecord> | undefined> {
    return this.#records.get(name)
  }

  async create(record: SessionRecord): Promise<boolean> {
    if (this.#records.has(record.name)) return false
    this.#records.set(record.name, record)
    return true
  }

  /** Changes in place: every function that changes a record checks everything before it touches anything. */
  async update<T>(name: string, change: (record: SessionRecord) => T): Promise<T | undefined> {
    const record = this.#records.get(name)
    return record === undefined ? undefined : change(record)
  }

  async delete(name: string): Promise<void> {
    this.#records.delete(name)
  }

  async list(): Promise<Readonly<SessionRecord>[]> {
    return [...this.#records.values()]
  }
}
