/**
 * Where notebooks are kept, as an interface: IndexedDB where the browser lets us (idb-store.ts), else the page's
 * memory (memory-store.ts). Types only; what is kept and for how long is the library's business.
 */

/** An earlier text of a notebook. */
export interface Version {
  /** When it was kept, Unix ms; also its key. */
  at: number
  /** `saved`: a person pressed save. `auto`: kept along the way. `before-restore`: what a restore replaced. */
  reason: 'saved' | 'auto' | 'before-restore'
  cells: number
  /** True when outputs were left out because they were too large. */
  withoutOutputs: boolean
}

/** What is known of a notebook without reading its text. */
export interface NotebookRecord {
  id: string
  /** Shown name, ends in `.ipynb`. */
  name: string
  createdAt: number
  savedAt: number
  /** Grows with every write; a writer that has not seen the latest is refused. */
  revision: number
  /** False for a notebook from elsewhere until the reader says that it may run. */
  trusted: boolean
  cells: number
  /** Newest first. */
  versions: readonly Version[]
}

export interface StoreChange {
  record: NotebookRecord
  /** The notebook's new text; absent when only the record changes. */
  text?: string
  /** Text of the version that `record.versions` has new, under its `at`. */
  addVersion?: { at: number; text: string }
  dropVersions?: readonly number[]
}

export interface NotebookStore {
  /** False: everything is gone when the page closes. */
  readonly durable: boolean
  list(): Promise<NotebookRecord[]>
  read(id: string): Promise<{ record: NotebookRecord; text: string } | null>
  readVersion(id: string, at: number): Promise<string | null>
  /**
   * All or nothing.
   * @param expected The revision that the stored record must have; null: it must not exist.
   * @throws RondoError `CONFLICT` when it has another, `STORAGE_FAILED` with `details.reason` `quota` or `denied`.
   */
  write(change: StoreChange, expected: number | null): Promise<void>
  remove(id: string): Promise<void>
  close(): void
}
