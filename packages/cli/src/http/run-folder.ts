/**
 * The runs this process serves: for each its folder, its script and the token that lets rank 0 store files.
 * Pages that control a session may open runs of their own here. File names from outside become paths only
 * here. Not for: HTTP (run-files.ts).
 */
import { timingSafeEqual } from 'node:crypto'
import { dirname, join } from 'node:path'

export interface ServedRun {
  runId: string
  /** Absolute path of `runs/<id>`. */
  folder: string
  /** The bundled script, as ranks import it; null for a run that a page opened: its script is part of the runtime. */
  script: string | null
  /** Join token of the session: whoever may take part may store and fetch files. */
  token: string
}

/** A session whose controllers may open runs from a page. */
export interface ServedSession {
  joinToken: string
  controlToken: string
  /** Absolute path under which run folders are made. */
  runsFolder: string
}

/** What became of the wish to open a run. */
export type OpenOutcome = 'opened' | 'known' | 'forbidden' | 'taken' | 'bad-name'

/** Path pieces of letters, digits, `_`, `=`, `-` and dots that do not come first, at most six of them. */
const FILE_NAME = /^(?!\.)[\w.=-]{1,100}(?:\/(?!\.)[\w.=-]{1,100}){0,5}$/
/** As the protocol's ids. */
const RUN_ID = /^(?!__proto__$)[A-Za-z0-9_-]{1,64}$/
/** Written by the recorder; a rank must not overwrite them. */
const RESERVED = /^(report\.json|metrics\.csv|events\.out\.tfevents\..*)$/
/**
 * Runs that pages opened and that are still served: days of launching. Beyond, the oldest is forgotten (its files
 * stay on disk), so that a page in a loop cannot fill the memory.
 */
const MAX_OPENED_RUNS = 1_024

export class ServedRuns {
  readonly #runs = new Map<string, ServedRun>()
  readonly #sessions: ServedSession[] = []
  /** Oldest first. */
  readonly #opened = new Map<string, ServedSession>()
  readonly #maxOpened: number

  /** @param maxOpened only tests set it */
  constructor(maxOpened: number = MAX_OPENED_RUNS) {
    this.#maxOpened = maxOpened
  }

  add(run: ServedRun): void {
    this.#runs.set(run.runId, run)
  }

  find(runId: string): ServedRun | undefined {
    return this.#runs.get(runId)
  }

  /** From now on pages with the session's control token may open runs with {@link open}. */
  admit(session: ServedSession): void {
    this.#sessions.push(session)
  }

  /** Serves a run that a page controls. The folder itself is made with its first file. Opening twice is harmless. */
  open(runId: string, controlToken: unknown): OpenOutcome {
    // Every session is compared, so that the time taken does not depend on which one fits.
    const session = this.#sessions.filter((candidate) => sameToken(candidate.controlToken, controlToken))[0]
    if (session === undefined) return 'forbidden'
    if (!RUN_ID.test(runId)) return 'bad-name'
    if (this.#runs.has(runId)) return this.#opened.get(runId) === session ? 'known' : 'taken'
    const folder = join(session.runsFolder, runId)
    this.#runs.set(runId, { runId, folder, script: null, token: session.joinToken })
    this.#opened.set(runId, session)
    const [oldest] = this.#opened.keys()
    if (this.#opened.size > this.#maxOpened && oldest !== undefined) {
      this.#opened.delete(oldest)
      this.#runs.delete(oldest)
    }
    return 'opened'
  }

  /** Whether the token is the control token of the session that opened the run. */
  controls(runId: string, token: unknown): boolean {
    const session = this.#opened.get(runId)
    return session !== undefined && sameToken(session.controlToken, token)
  }
}

export function tokenFits(run: ServedRun, token: unknown): boolean {
  return sameToken(run.token, token)
}

/** Compares in constant time, so that the answer's delay tells nothing. */
function sameToken(expected: string, token: unknown): boolean {
  if (typeof token !== 'string') return false
  const given = Buffer.from(token)
  const wanted = Buffer.from(expected)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

/** A checkpoint of another run, a file or a file of a sharded one: `runs/<id>/…`, as people see it from where they started `rondo`. */
const OTHER_RUN = /^runs\/([^/]+)\/(.+\.ckpt(?:\/[^/]+)?)$/

/**
 * Absolute path of a checkpoint of a run that lies beside this one, for going on from it; null for other names. Whoever
 * may take part in a run may read the checkpoints of its neighbours, and nothing else of them.
 */
export function pathInNeighbour(run: ServedRun, name: string): string | null {
  const [, runId = '', file = ''] = OTHER_RUN.exec(name) ?? []
  if (!RUN_ID.test(runId) || !FILE_NAME.test(file)) return null
  return join(dirname(run.folder), runId, ...file.split('/'))
}

/** Absolute path of a file inside the run's folder, or null for a name that is not allowed. */
export function pathInRun(run: ServedRun, name: string): string | null {
  return FILE_NAME.test(name) ? join(run.folder, ...name.split('/')) : null
}

export function isReserved(name: string): boolean {
  return RESERVED.test(name.toLowerCase())
}
