/**
 * Notebooks in IndexedDB: records in one object store, texts (current and earlier) in another, so that a list of
 * notebooks reads no texts. Every write is one transaction. Not for: which versions are kept (versions.ts).
 */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb'
import { conflictError, storageError } from './failure.ts'
import type { NotebookRecord, NotebookStore, StoreChange } from './store.ts'

const NAME = 'rondo-notebooks'
const SCHEMA_VERSION = 1
/** Opening takes milliseconds; a browser that does not answer at all must not keep the page waiting. */
const OPEN_DEADLINE_MS = 5_000

interface Schema extends DBSchema {
  records: { key: string; value: NotebookRecord }
  /** Key: notebook id and 0 for the current text, or the time of a version. */
  texts: { key: [string, number]; value: string }
}
const CURRENT = 0

/** @throws RondoError `STORAGE_FAILED` when the browser has or gives no storage. */
export async function openIdbStore(name = NAME): Promise<NotebookStore> {
  if (typeof indexedDB === 'undefined') throw storageError(new DOMException('no IndexedDB', 'SecurityError'))
  let timer: ReturnType<typeof setTimeout> | undefined
  const opening = openDatabase(name)
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`IndexedDB did not open within ${OPEN_DEADLINE_MS} ms`)),
      OPEN_DEADLINE_MS,
    )
  })
  try {
    return new IdbStore(await Promise.race([opening, deadline]))
  } catch (error) {
    opening.then((database) => database.close()).catch(() => undefined)
    throw storageError(error)
  } finally {
    clearTimeout(timer)
  }
}

/** Async, as a browser that forbids storage may throw at once. */
async function openDatabase(name: string): Promise<IDBPDatabase<Schema>> {
  return openDB<Schema>(name, SCHEMA_VERSION, {
    upgrade(database) {
      database.createObjectStore('records', { keyPath: 'id' })
      database.createObjectStore('texts')
    },
    // A newer page wants another schema: let it have the database.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  })
}

class IdbStore implements NotebookStore {
  readonly durable = true
  readonly #database: IDBPDatabase<Schema>

  constructor(database: IDBPDatabase<Schema>) {
    this.#database = database
  }

  list(): Promise<NotebookRecord[]> {
    return guard(() => this.#database.getAll('records'))
  }

  read(id: string): Promise<{ record: NotebookRecord; text: string } | null> {
    return guard(async () => {
      const transaction = this.#database.transaction(['records', 'texts'])
      const [record, text] = await Promise.all([
        transaction.objectStore('records').get(id),
        transaction.objectStore('texts').get([id, CURRENT]),
      ])
      return record === undefined || text === undefined ? null : { record, text }
    })
  }

  readVersion(id: string, at: number): Promise<string | null> {
    return guard(async () => (await this.#database.get('texts', [id, at])) ?? null)
  }

  write(change: StoreChange, expected: number | null): Promise<void> {
    const { record, text, addVersion, dropVersions = [] } = change
    return guard(async () => {
      const transaction = this.#database.transaction(['records', 'texts'], 'readwrite')
      const stored = await transaction.objectStore('records').get(record.id)
      if ((stored?.revision ?? null) !== expected) {
        transaction.abort()
        await transaction.done.catch(() => undefined)
        throw conflictError(record.name)
      }
      const texts = transaction.objectStore('texts')
      await Promise.all([
        transaction.objectStore('records').put(record),
        text === undefined ? undefined : texts.put(text, [record.id, CURRENT]),
        ...dropVersions.map((at) => texts.delete([record.id, at])),
        addVersion === undefined ? undefined : texts.put(addVersion.text, [record.id, addVersion.at]),
        transaction.done,
      ])
    })
  }

  remove(id: string): Promise<void> {
    return guard(async () => {
      const transaction = this.#database.transaction(['records', 'texts'], 'readwrite')
      const all = IDBKeyRange.bound([id, CURRENT], [id, Number.MAX_SAFE_INTEGER])
      await Promise.all([
        transaction.objectStore('records').delete(id),
        transaction.objectStore('texts').delete(all),
        transaction.done,
      ])
    })
  }

  close(): void {
    this.#database.close()
  }
}

async function guard<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw storageError(error)
  }
}
