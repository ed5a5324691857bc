/**
 * What a logger is. Fabric and Trainer call it on rank 0 only, with plain numbers; what it does with them,
 * and where it keeps them, is its own affair. Not for console output.
 */

/** How a run ended, as told to `finalize`. */
export type RunStatus = 'success' | 'failed' | 'aborted'

/** A hyper-parameter: anything that survives JSON. */
export type Hyperparams = Readonly<Record<string, unknown>>

/** Semantics follow Lightning's `Logger`. */
export interface Logger {
  /** Name of the experiment; empty if there is none. */
  readonly name: string
  /** Tells runs of one experiment apart: a number, or a name of its own. */
  readonly version: number | string
  /** Records the settings of the run; a later call replaces the earlier one's. */
  logHyperparams(params: Hyperparams): void
  /** Records values at a step. Returns at once; writing happens later. */
  logMetrics(metrics: Readonly<Record<string, number>>, step: number): void
  /** Writes all that is recorded. Errors: STORAGE_FAILED, for earlier failures too. */
  save(): Promise<void>
  /** Writes all and ends; nothing may be logged afterwards. */
  finalize(status: RunStatus): Promise<void>
}

/** Where files go: a disk, a browser's storage, or the agent over HTTP. Paths use `/`. */
export interface FileSink {
  /** Creates or replaces a file, with its folders. */
  write(path: string, content: string | Uint8Array<ArrayBuffer>): Promise<void>
  /** Adds to the end of a file written before. Without it the whole file is written each time. */
  append?(path: string, content: string | Uint8Array<ArrayBuffer>): Promise<void>
}
