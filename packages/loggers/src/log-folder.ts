/**
 * Where a file logger keeps its files: `rootDir/name/version_N`, with N the next free number unless one is given. Not
 * for: what is in the files.
 */
import { RondoError } from '@rondo/protocol'
import { currentLoggerHost, type FileSink, type LoggerHost } from './logger.ts'

export interface LogFolderOptions {
  /** The logger's class, for messages. */
  owner: string
  rootDir?: string | undefined
  name?: string | undefined
  version?: number | string | undefined
  /** A sink of the caller's, whose paths are his own affair; without one files go to the run's folder. */
  sink?: FileSink | undefined
}

/** Lightning's name for the folder of an experiment. */
export const DEFAULT_NAME = 'lightning_logs'
/** A piece of a path as the agent takes it. */
const PIECE = /^(?!\.)[\w.=-]{1,100}$/
/** Pieces that a folder may have: a file below it has one more, and six are the most. */
const MAX_PIECES = 5

/** Numbers given out by folder, for each rank: loggers of one run do not meet in one folder. */
const given = new WeakMap<LoggerHost | FileSink, Map<string, number>>()

export class LogFolder {
  readonly name: string
  readonly rootDir: string
  readonly #owner: string
  readonly #sink: FileSink | undefined
  #host: LoggerHost | null = null
  #version: number | string | null
  readonly #chosen: boolean
  #settled = false
  /** What was in the folder before this run wrote there. */
  #stored: Promise<string[]> | null = null

  /** Errors: BAD_ARGUMENT for a folder that is absolute, leads out of the run's, or has names that files may not have. */
  constructor({ owner, rootDir = '', name = DEFAULT_NAME, version, sink }: LogFolderOptions) {
    this.#owner = owner
    this.name = name
    this.rootDir = sink === undefined ? rootDir.replace(/^(\.\/)+|^\.$/, '').replace(/\/+$/, '') : rootDir
    this.#sink = sink
    this.#chosen = version !== undefined
    this.#version = version ?? null
    if (typeof version === 'number' && !(Number.isSafeInteger(version) && version >= 0)) {
      throw this.#refuse(`version is ${version}`, 'a whole number of at least 0, or a name')
    }
    if (sink === undefined) this.#check()
  }

  /** The number in use, which is certain once something was written: until then another process may take it. */
  get version(): number | string {
    if (this.#version === null) this.#version = this.#next(0)
    return this.#version
  }

  get path(): string {
    const { version } = this
    const folder = typeof version === 'number' ? `version_${version}` : version
    return [this.rootDir, this.name, folder].filter((piece) => piece !== '').join('/')
  }

  attach(host: LoggerHost): void {
    if (this.#host) return
    this.#host = host
    // Asked now, before any logger of this run writes: one that shares this folder's number must not count as taken.
    if (host.writes && !this.#chosen) this.#stored = host.sink.list?.(this.#parent).catch(() => []) ?? null
  }

  /** The rank that this folder is written by. Errors: STORAGE_FAILED where there is none. */
  get host(): LoggerHost {
    if (this.#sink) return { sink: this.#sink, writes: true, hostname: 'localhost' }
    const here = this.#host ?? currentLoggerHost()
    if (here) {
      this.attach(here)
      return here
    }
    throw new RondoError(
      'STORAGE_FAILED',
      `${this.#owner}: there is no run here whose folder it could write in. Allowed is a logger inside a script of "rondo run" or a launched function, or one with a sink of its own. Give it to new Fabric({ loggers }) or new Trainer({ logger }).`,
    )
  }

  /** The folder, its number checked against what is stored already; from now on it stays. */
  async settle(): Promise<string> {
    if (!this.#settled) {
      const { version } = this
      const free = nextVersion((await this.#stored) ?? [])
      if (!this.#chosen && free > Number(version)) this.#version = this.#next(free)
      this.#settled = true
    }
    return this.path
  }

  get #parent(): string {
    return [this.rootDir, this.name].filter((piece) => piece !== '').join('/')
  }

  /** The next number of this folder on this rank, `least` or above. */
  #next(least: number): number {
    const owner = this.#sink ?? this.#host ?? currentLoggerHost()
    if (owner === null) return least
    const folders = given.get(owner) ?? new Map<string, number>()
    given.set(owner, folders)
    const key = `${this.rootDir}/${this.name}`
    const number = Math.max(least, folders.get(key) ?? 0)
    folders.set(key, number + 1)
    return number
  }

  #check(): void {
    const pieces = [this.rootDir, this.name]
      .filter((part) => part !== '')
      .flatMap((part) => part.split('/'))
      .concat(typeof this.#version === 'string' ? this.#version.split('/') : 'version_0')
    const wrong = pieces.find((piece) => !PIECE.test(piece))
    const shown = `rootDir ${JSON.stringify(this.rootDir)}, name ${JSON.stringify(this.name)}${this.#chosen ? `, version ${JSON.stringify(this.#version)}` : ''}`
    const allowed =
      'a folder inside of the run\'s folder, its pieces of letters, digits and "._=-", none starting with a dot, five at most'
    if (wrong !== undefined) throw this.#refuse(`${shown} with the piece ${JSON.stringify(wrong)}`, allowed)
    if (pieces.length > MAX_PIECES) throw this.#refuse(`${shown} with ${pieces.length} pieces`, allowed)
  }

  #refuse(problem: string, allowed: string): RondoError {
    return new RondoError(
      'BAD_ARGUMENT',
      `${this.#owner}: ${problem}. Allowed is ${allowed}. Use one such as { rootDir: "logs", name: "mnist" }.`,
    )
  }
}

/** The next free number among folder names like `version_0`; what `version` defaults to in Lightning. */
export function nextVersion(folders: Iterable<string>): number {
  const taken = [...folders].map((folder) => /^version_(\d+)$/.exec(folder)?.[1]).filter((n) => n !== undefined)
  return taken.reduce((next, n) => Math.max(next, Number(n) + 1), 0)
}
