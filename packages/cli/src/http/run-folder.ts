/**
 * The runs this process serves: for each its folder, its script and the token that lets rank 0 store files.
 * File names from outside become paths only here. Not for: HTTP (run-files.ts).
 */
import { timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'

export interface ServedRun {
  runId: string
  /** Absolute path of `runs/<id>`. */
  folder: string
  /** The bundled script, as ranks import it. */
  script: string
  /** Join token of the session: whoever may take part may store and fetch files. */
  token: string
}

/** Path pieces of letters, digits, `_`, `-` and dots that do not come first, at most six of them. */
const FILE_NAME = /^(?!\.)[\w.-]{1,100}(?:\/(?!\.)[\w.-]{1,100}){0,5}$/
/** Written by the recorder; a rank must not overwrite them. */
const RESERVED = new Set(['report.json', 'metrics.csv'])

export class ServedRuns {
  readonly #runs = new Map<string, ServedRun>()

  add(run: ServedRun): void {
    this.#runs.set(run.runId, run)
  }

  find(runId: string): ServedRun | undefined {
    return this.#runs.get(runId)
  }
}

/** Compares in constant time, so that the answer's delay tells nothing. */
export function tokenFits(run: ServedRun, token: unknown): boolean {
  if (typeof token !== 'string') return false
  const given = Buffer.from(token)
  const wanted = Buffer.from(run.token)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

/** Absolute path of a file inside the run's folder, or null for a name that is not allowed. */
export function pathInRun(run: ServedRun, name: string): string | null {
  return FILE_NAME.test(name) ? join(run.folder, ...name.split('/')) : null
}

export function isReserved(name: string): boolean {
  return RESERVED.has(name.toLowerCase())
}
