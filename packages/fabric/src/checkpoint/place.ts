/**
 * Where a checkpoint's path leads: a plain path to the run's folder through the agent, `opfs:` and `indexeddb:` to
 * storage of this browser, `download:` to the person. Not for: what is stored.
 */
import { RondoError } from '@rondo/protocol'
import { FILE_NAME } from '../file-name.ts'
import { type BrowserStorage, indexedDbStorage, privateFileSystem } from './browser-storage.ts'

/** The schemes, for messages. */
const SCHEMES = ['opfs:', 'indexeddb:', 'download:'] as const
type Scheme = (typeof SCHEMES)[number]

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*:)(.*)$/s

/** Files of a run, as far as checkpoints need them. */
interface RunStorage extends BrowserStorage {
  remove(name: string): Promise<void>
}

/** Gives bytes to the person as a download of the page. */
export type Download = (name: string, bytes: Uint8Array<ArrayBuffer>) => void

export interface CheckpointFiles {
  write(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>
  read(path: string): Promise<Uint8Array<ArrayBuffer>>
  remove(path: string): Promise<void>
}

/** A path taken apart; `scheme` is null for a plain one. Throws BAD_ARGUMENT for a name or scheme that is not allowed. */
export function parsePlace(path: unknown): { scheme: Scheme | null; name: string } {
  if (typeof path !== 'string' || path === '') throw badPath(path, 'a path is a text that is not empty')
  const [, given, rest] = SCHEME.exec(path) ?? []
  const scheme = given === undefined ? null : SCHEMES.find((known) => known === given.toLowerCase())
  if (scheme === undefined) throw badPath(path, `${given} is no known place`)
  const name = scheme === null ? path : (rest as string).replace(/^\/+/, '')
  if (!FILE_NAME.test(name)) throw badPath(path, 'this name is not allowed')
  return { scheme, name }
}

function badPath(path: unknown, why: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `Checkpoint path ${JSON.stringify(path) ?? String(path)}: ${why}. Allowed is a path relative to the run's folder, of at most 6 pieces of letters, digits, "." "_" "=" "-" parted by "/", none starting with a dot; or such a path after ${SCHEMES.join(', ')}. Use one like "checkpoints/last.ckpt" or "opfs:last.ckpt".`,
  )
}

export interface PlaceOptions {
  run: RunStorage
  /** null where no page runs this rank. */
  download: Download | null
  /** Only tests give others than the browser's own. */
  opfs?: BrowserStorage
  indexedDb?: BrowserStorage
}

/** All places behind one interface. */
export function checkpointFiles({
  run,
  download,
  opfs = privateFileSystem,
  indexedDb = indexedDbStorage,
}: PlaceOptions): CheckpointFiles {
  const storage = (scheme: Exclude<Scheme, 'download:'> | null): BrowserStorage => {
    switch (scheme) {
      case null:
        return run
      case 'opfs:':
        return opfs
      case 'indexeddb:':
        return indexedDb
      default:
        return scheme satisfies never
    }
  }
  return {
    async write(path, bytes) {
      const { scheme, name } = parsePlace(path)
      if (scheme !== 'download:') return storage(scheme).write(name, bytes)
      if (download === null) {
        throw new RondoError(
          'UNSUPPORTED',
          `save(${JSON.stringify(path)}): no page is here that could download. Allowed are plain paths, opfs: and indexeddb:. Use one of these.`,
        )
      }
      download(name.split('/').at(-1) as string, bytes)
    },
    async read(path) {
      const { scheme, name } = parsePlace(path)
      if (scheme !== 'download:') return storage(scheme).read(name)
      throw new RondoError(
        'UNSUPPORTED',
        `load(${JSON.stringify(path)}): a page cannot read what it downloaded. Allowed are plain paths, opfs: and indexeddb:. Put the file into the run's folder and load it by its path, or save it to opfs: as well.`,
      )
    },
    async remove(path) {
      const { scheme, name } = parsePlace(path)
      if (scheme !== 'download:') await storage(scheme).remove(name)
    },
  }
}
