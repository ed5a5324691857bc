/**
 * Two storages of a browser that outlive the page: the origin's private file system and IndexedDB. Both write a file
 * whole or not at all. They belong to one browser, one profile and one address (port included).
 */
import { RondoError } from '@rondo/protocol'
import type { DBSchema, IDBPDatabase } from 'idb'

export interface BrowserStorage {
  write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>
  /** Errors: BAD_FILE when there is none. */
  read(name: string): Promise<Uint8Array<ArrayBuffer>>
  /** Harmless when there is none. */
  remove(name: string): Promise<void>
}

/** Folder of ours in the private file system, and name of our database. */
const HOME = 'rondo-checkpoints'
const DATABASE_VERSION = 1
const STORE = 'files'

interface Schema extends DBSchema {
  files: { key: string; value: Uint8Array<ArrayBuffer> }
}

/** The origin private file system (WHATWG File System): a writable's content appears when it is closed, not before. */
export const privateFileSystem: BrowserStorage = {
  async write(name, bytes) {
    await failing('opfs', 'write', name, async () => {
      const { folder, file } = await locate(name, true)
      const handle = await folder.getFileHandle(file, { create: true })
      const out = await handle.createWritable()
      try {
        await out.write(bytes)
        await out.close()
      } catch (cause) {
        await out.abort().catch(() => {})
        throw cause
      }
    })
  },
  async read(name) {
    return failing('opfs', 'read', name, async () => {
      const { folder, file } = await locate(name, false)
      const handle = await folder.getFileHandle(file)
      return new Uint8Array(await (await handle.getFile()).arrayBuffer())
    })
  },
  async remove(name) {
    await failing('opfs', 'remove', name, async () => {
      const { folder, file } = await locate(name, false)
      await folder.removeEntry(file)
    }).catch(unlessMissing)
  },
}

async function locate(name: string, create: boolean): Promise<{ folder: FileSystemDirectoryHandle; file: string }> {
  const pieces = name.split('/')
  const file = pieces.pop() as string
  let folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(HOME, { create })
  for (const piece of pieces) folder = await folder.getDirectoryHandle(piece, { create })
  return { folder, file }
}

let database: Promise<IDBPDatabase<Schema>> | null = null

/** Opened once a realm, and again after a failure. */
function openDatabase(): Promise<IDBPDatabase<Schema>> {
  database ??= import('idb')
    .then(({ openDB }) =>
      openDB<Schema>(HOME, DATABASE_VERSION, {
        upgrade: (fresh) => void fresh.createObjectStore(STORE),
      }),
    )
    .catch((cause: unknown) => {
      database = null
      throw cause
    })
  return database
}

/** One record a file: a transaction is all or nothing. */
export const indexedDbStorage: BrowserStorage = {
  async write(name, bytes) {
    await failing('indexeddb', 'write', name, async () => void (await (await openDatabase()).put(STORE, bytes, name)))
  },
  async read(name) {
    return failing('indexeddb', 'read', name, async () => {
      const bytes = await (await openDatabase()).get(STORE, name)
      if (bytes) return bytes
      throw new DOMException('there is no such record', 'NotFoundError')
    })
  },
  async remove(name) {
    await failing('indexeddb', 'remove', name, async () => (await openDatabase()).delete(STORE, name))
  },
}

async function failing<T>(scheme: string, verb: string, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const path = `${scheme}:${name}`
    if (cause instanceof Error && cause.name === 'NotFoundError') {
      throw new RondoError(
        'BAD_FILE',
        `${path}: this browser has no such file at this address. Allowed are files that were saved as ${path} in the same browser, profile and address (its port too). Save it here first, or load it from a plain path.`,
        { cause },
      )
    }
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    throw new RondoError(
      'STORAGE_FAILED',
      `${path}: could not ${verb} it (${why}). The page needs a secure context (https or localhost) and room in its storage. Free some, or use a plain path.`,
      { cause },
    )
  }
}

function unlessMissing(error: unknown): void {
  if (!(error instanceof RondoError && error.code === 'BAD_FILE')) throw error
}
