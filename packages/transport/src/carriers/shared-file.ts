/**
 * Memory that two tabs of one browser share: a file of the origin's private file system that both hold open. Its pages
 * stay in the system's cache, so writing and reading are copies, several times cheaper than a large message between
 * processes. Not for: telling the other tab that something was written (port-link.ts), or keeping anything.
 */

export interface SharedFile {
  write(bytes: Uint8Array, at: number): void
  /** Fills `into`. */
  read(into: Uint8Array, at: number): void
  close(): void
}

const FOLDER = 'rondo-links'
/** Milliseconds after which a file that nobody holds open is taken for left behind by a tab that died. */
const STALE_MS = 600_000
/** Bytes written and read to see whether the file is memory: in private windows every access asks another process. */
const PROBE_BYTES = 1_048_576
/** At most: one that is fast enough decides. */
const PROBES = 8
/** Milliseconds for writing and reading that many: measured 0.3 in a plain profile, 9 in a private window. */
const MAX_PROBE_MS = 3

/** What the file system's standard has and the library of the language level that we compile for has not. */
interface AccessHandle {
  read(into: Uint8Array, options: { at: number }): number
  write(bytes: Uint8Array, options: { at: number }): number
  truncate(bytes: number): void
  close(): void
}
type FileHandle = FileSystemFileHandle & {
  createSyncAccessHandle?(options: { mode: 'readwrite-unsafe' }): Promise<AccessHandle>
}
type Folder = FileSystemDirectoryHandle & { keys(): AsyncIterable<string> }

/** A name for a new file; it says when it was made. */
export const sharedFileName = (): string => `${Date.now()}-${crypto.randomUUID()}`

/**
 * Opens the file of that name for this worker and others at once, made if need be. Null where that cannot be had or
 * would not pay: no private file system, a browser that gives a file to one worker only, a private window.
 */
export async function openSharedFile(name: string, bytes: number): Promise<SharedFile | null> {
  try {
    const root = await globalThis.navigator?.storage?.getDirectory?.()
    if (!root) return null
    const folder = (await root.getDirectoryHandle(FOLDER, { create: true })) as Folder
    const file = (await folder.getFileHandle(name, { create: true })) as FileHandle
    const handle = await file.createSyncAccessHandle?.({ mode: 'readwrite-unsafe' })
    if (!handle) return null
    const close = (): void => {
      handle.close()
      // Fails while the other tab holds it; whoever closes last removes it.
      folder.removeEntry(name).catch(() => undefined)
    }
    handle.truncate(bytes)
    if (isFast(handle)) {
      void removeStale(folder)
      return {
        write: (from, at) => void handle.write(from, { at }),
        read: (into, at) => void handle.read(into, { at }),
        close,
      }
    }
    close()
  } catch {
    // Refused: links do without.
  }
  return null
}

function isFast(handle: AccessHandle): boolean {
  const bytes = new Uint8Array(PROBE_BYTES)
  for (let probe = 0; probe < PROBES; probe++) {
    const started = performance.now()
    handle.write(bytes, { at: 0 })
    handle.read(bytes, { at: 0 })
    if (performance.now() - started <= MAX_PROBE_MS) return true
  }
  return false
}

async function removeStale(folder: Folder): Promise<void> {
  try {
    for await (const name of folder.keys()) {
      // One that is open cannot be removed.
      if (Date.now() - Number.parseInt(name, 10) > STALE_MS) await folder.removeEntry(name).catch(() => undefined)
    }
  } catch {
    // The folder is somebody else's business then.
  }
}
