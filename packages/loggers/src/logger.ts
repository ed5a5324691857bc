/**
 * What a logger is, and what it is given to work with. Fabric and Trainer call it on rank 0 only, with plain numbers;
 * what it does with them, and where it keeps them, is its own affair. Not for console output.
 */

/** How a run ended, as told to `finalize`. */
export type RunStatus = 'success' | 'failed' | 'aborted'

/** A hyper-parameter: anything that survives JSON. */
export type Hyperparams = Readonly<Record<string, unknown>>

/**
 * The base of all loggers, Rondo's and one's own; semantics follow Lightning's `Logger`. A logger of one's own needs
 * `name`, `version` and `logMetrics`:
 *
 *     class Print extends Logger {
 *       name = 'print'
 *       version = 0
 *       logMetrics(metrics, step) { console.log(step, metrics) }
 *     }
 */
export abstract class Logger {
  /** Name of the experiment; empty if there is none. */
  abstract readonly name: string
  /** Tells runs of one experiment apart: a number, or a name of its own. */
  abstract readonly version: number | string

  /** Folder of all experiments, relative to the run's; empty for the run's folder itself, or where there are no files. */
  get rootDir(): string {
    return ''
  }

  /** Folder of this version's files; null where there are none. */
  get logDir(): string | null {
    return null
  }

  /** Fabric and Trainer tell it once which rank it works for, before anything else. */
  attach(_host: LoggerHost): void {}

  /** Records the settings of the run; a later call replaces the earlier one's. */
  logHyperparams(_params: Hyperparams): void {}

  /** Records values at a step. Returns at once; writing happens later. */
  abstract logMetrics(metrics: Readonly<Record<string, number>>, step: number): void

  /** Writes all that is recorded. Errors: STORAGE_FAILED, for earlier failures too. */
  async save(): Promise<void> {}

  /** Writes all and notes how the run ended. What is logged afterwards, by a next run of the same script, is kept too. */
  async finalize(_status: RunStatus): Promise<void> {
    await this.save()
  }
}

/** The rank that a logger works for. */
export interface LoggerHost {
  /** Where its files go: the run's folder. */
  readonly sink: FileSink
  /** Whether this rank writes; rank 0 alone does. */
  readonly writes: boolean
  /** The machine, as a part of file names. */
  readonly hostname: string
}

/** Where files go: a disk, a browser's storage, or the agent over HTTP. Paths use `/`. */
export interface FileSink {
  /** Creates or replaces a file, with its folders, whole or not at all. */
  write(path: string, content: string | Uint8Array<ArrayBuffer>): Promise<void>
  /**
   * Puts `content` at byte `at`, the end of a file written before; what lies behind is replaced, so that a repeated call
   * is harmless. Without it the whole file is written each time.
   */
  append?(path: string, content: string | Uint8Array<ArrayBuffer>, at: number): Promise<void>
  /** A file's content. Without it a logger keeps in memory what it may have to write again. */
  read?(path: string): Promise<Uint8Array<ArrayBuffer>>
  /** Names of what lies in a folder; none when there is no such folder. */
  list?(folder: string): Promise<string[]>
}

let provider: (() => LoggerHost) | null = null

/** Says which rank loggers work for that nobody attached: those that a script calls itself. Fabric does, once. */
export function provideLoggerHost(host: () => LoggerHost): void {
  provider = host
}

/** The host of a logger that was not attached; null outside of ranks. */
export function currentLoggerHost(): LoggerHost | null {
  return provider?.() ?? null
}
