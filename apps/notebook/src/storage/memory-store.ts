/** Keeps notebooks as long as the page lives: for browsers that store nothing, and for tests of the library. */
import { conflictError } from './failure.ts'
import type { NotebookRecord, NotebookStore, StoreChange } from './store.ts'

export class MemoryStore implements NotebookStore {
  readonly durable = false
  readonly #records = new Map<string, NotebookRecord>()
  readonly #texts = new Map<string, string>()

  async list(): Promise<NotebookRecord[]> {
    return [...this.#records.values()]
  }

  async read(id: string): Promise<{ record: NotebookRecord; text: string } | null> {
    const record = this.#records.get(id)
    const text = this.#texts.get(id)
    return record === undefined || text === undefined ? null : { record, text }
  }

  async readVersion(id: string, at: number): Promise<string | null> {
    return this.#texts.get(`${id}@${at}`) ?? null
  }

  async write(change: StoreChange, expected: number | null): Promise<void> {
    const { record, text, addVersion, dropVersions = [] } = change
    const stored = this.#records.get(record.id)
    if ((stored?.revision ?? null) !== expected) throw conflictError(record.name)
    this.#records.set(record.id, record)
    if (text !== undefined) this.#texts.set(record.id, text)
    for (const at of dropVersions) this.#texts.delete(`${record.id}@${at}`)
    if (addVersion !== undefined) this.#texts.set(`${record.id}@${addVersion.at}`, addVersion.text)
  }

  async remove(id: string): Promise<void> {
    for (const { at } of this.#records.get(id)?.versions ?? []) this.#texts.delete(`${id}@${at}`)
    this.#records.delete(id)
    this.#texts.delete(id)
  }

  close(): void {
    this.#records.clear()
    this.#texts.clear()
  }
}
