/**
 * The notebooks of this browser: make, open, save with history, restore, rename, remove. Works on any store.
 * Not for: when to save (autosave.ts) or .ipynb files (model/nbformat).
 */
import { RondoError } from '@rondo/protocol'
import { newCellId } from '../model/cell-id.ts'
import type { Notebook } from '../model/notebook.ts'
import { storageError } from './failure.ts'
import { openIdbStore } from './idb-store.ts'
import { MemoryStore } from './memory-store.ts'
import { decodeNotebook, encodeNotebook } from './snapshot.ts'
import type { NotebookRecord, NotebookStore, StoreChange, Version } from './store.ts'
import { isVersionDue, thinVersions } from './versions.ts'

/** Characters above which a kept version leaves its outputs out: history is for what a person wrote. */
const MAX_VERSION_CHARS = 2_000_000

export interface SaveOptions {
  /** Keeps the version for sure, as a person asked for it. */
  keep?: boolean
}

export class NotebookLibrary {
  /** Why nothing outlives this page; null when it does. */
  readonly problem: RondoError | null
  readonly #store: NotebookStore
  readonly #now: () => number

  constructor(store: NotebookStore, problem: RondoError | null = null, now: () => number = Date.now) {
    this.#store = store
    this.problem = problem
    this.#now = now
  }

  /** The browser's notebooks, or an empty library in memory when it stores nothing. Never rejects. */
  static async open(): Promise<NotebookLibrary> {
    try {
      return new NotebookLibrary(await openIdbStore())
    } catch (error) {
      return new NotebookLibrary(new MemoryStore(), storageError(error))
    }
  }

  /** Latest first. */
  async list(): Promise<NotebookRecord[]> {
    return (await this.#store.list()).sort((a, b) => b.savedAt - a.savedAt)
  }

  /** @throws RondoError `BAD_FILE` when this browser has no such notebook. */
  async read(id: string): Promise<{ record: NotebookRecord; notebook: Notebook }> {
    const found = await this.#store.read(id)
    if (found === null) {
      throw new RondoError(
        'BAD_FILE',
        `This browser has no notebook "${id}". It may have been deleted; go to the list.`,
      )
    }
    return { record: found.record, notebook: decodeNotebook(found.text) }
  }

  async create(notebook: Notebook, options: { name: string; trusted: boolean }): Promise<NotebookRecord> {
    const now = this.#now()
    const record: NotebookRecord = {
      id: newCellId(),
      name: options.name,
      createdAt: now,
      savedAt: now,
      revision: 1,
      trusted: options.trusted,
      cells: notebook.cells.length,
      versions: [],
    }
    await this.#store.write({ record, text: encodeNotebook(notebook) }, null)
    return record
  }

  /**
   * Stores the notebook's new text and, now and then or when asked, keeps it as a version. When the browser's
   * storage is full, old versions make room first.
   * @param known The record as this page last saw it.
   * @returns The record as it is stored now.
   */
  async save(known: NotebookRecord, notebook: Notebook, { keep = false }: SaveOptions = {}): Promise<NotebookRecord> {
    const text = encodeNotebook(notebook)
    const reason = keep ? 'saved' : isVersionDue(known.versions, this.#now()) ? 'auto' : null
    const change = this.#change(known, notebook, text, reason)
    try {
      await this.#store.write(change, known.revision)
      return change.record
    } catch (error) {
      if (!isFull(error) || known.versions.length === 0) throw error
    }
    const kept = known.versions.slice(0, Math.floor(known.versions.length / 2))
    const record = { ...change.record, versions: kept }
    await this.#store.write({ record, text, dropVersions: missing(known.versions, kept) }, known.revision)
    return record
  }

  /** Replaces the text by an earlier version; what was there becomes a version itself. */
  async restore(
    known: NotebookRecord,
    current: Notebook,
    at: number,
  ): Promise<{ record: NotebookRecord; notebook: Notebook }> {
    const notebook = await this.readVersion(known.id, at)
    const saved = this.#change(known, current, encodeNotebook(current), 'before-restore')
    const record = { ...saved.record, cells: notebook.cells.length }
    await this.#store.write({ ...saved, record, text: encodeNotebook(notebook) }, known.revision)
    return { record, notebook }
  }

  async readVersion(id: string, at: number): Promise<Notebook> {
    const text = await this.#store.readVersion(id, at)
    if (text === null) throw new RondoError('BAD_FILE', 'This version is no longer kept. Choose another one.')
    return decodeNotebook(text)
  }

  rename(known: NotebookRecord, name: string): Promise<NotebookRecord> {
    return this.#update(known, { name })
  }

  trust(known: NotebookRecord): Promise<NotebookRecord> {
    return this.#update(known, { trusted: true })
  }

  remove(id: string): Promise<void> {
    return this.#store.remove(id)
  }

  close(): void {
    this.#store.close()
  }

  async #update(known: NotebookRecord, fields: Partial<NotebookRecord>): Promise<NotebookRecord> {
    const record = { ...known, ...fields, revision: known.revision + 1 }
    await this.#store.write({ record }, known.revision)
    return record
  }

  #change(known: NotebookRecord, notebook: Notebook, text: string, reason: Version['reason'] | null): StoreChange {
    const now = this.#now()
    const cells = notebook.cells.length
    const record = { ...known, savedAt: now, revision: known.revision + 1, cells }
    if (reason === null) return { record, text }
    const withoutOutputs = text.length > MAX_VERSION_CHARS
    // Two versions in one millisecond would share a key.
    const at = Math.max(now, (known.versions[0]?.at ?? 0) + 1)
    const all: Version[] = [{ at, reason, cells, withoutOutputs }, ...known.versions]
    const versions = thinVersions(all, now)
    const versionText = withoutOutputs ? encodeNotebook(stripOutputs(notebook)) : text
    return {
      record: { ...record, versions },
      text,
      addVersion: { at, text: versionText },
      dropVersions: missing(known.versions, versions),
    }
  }
}

function missing(before: readonly Version[], after: readonly Version[]): number[] {
  return before.filter((version) => !after.includes(version)).map(({ at }) => at)
}

function stripOutputs(notebook: Notebook): Notebook {
  return { ...notebook, cells: notebook.cells.map((cell) => ({ ...cell, outputs: [] })) }
}

function isFull(error: unknown): boolean {
  return error instanceof RondoError && error.details?.['reason'] === 'quota'
}
