/**
 * Metrics as a CSV file, settings beside it: `rootDir/name/version_N/{metrics.csv,hparams.yaml}`. Writes through an
 * injected sink, since in a browser the file belongs to the agent. Keeps every row in memory until the run ends,
 * because a new column rewrites the file.
 */
import { RondoError } from '@rondo/protocol'
import type { FileSink, Hyperparams, Logger, RunStatus } from './logger.ts'
import { MetricsTable, STEP_COLUMN } from './metrics-table.ts'
import { WriteQueue } from './write-queue.ts'

/** Lightning's default: at most this many steps are lost when a page dies. */
const DEFAULT_FLUSH_STEPS = 100

export interface CSVLoggerOptions {
  /** Folder of all experiments. */
  rootDir: string
  /** Folder of this experiment; default `lightning_logs`, empty for none. */
  name?: string
  /** A number N gives the folder `version_N`, a text its own folder; see `nextVersion` for the next free number. */
  version: number | string
  /** Put before every metric's name, with `-` between. */
  prefix?: string
  /** Write after this many steps; default 100. */
  flushLogsEveryNSteps?: number
  sink: FileSink
}

export class CSVLogger implements Logger {
  readonly name: string
  readonly version: number | string
  /** Folder of this run's files. */
  readonly logDir: string
  readonly #prefix: string
  readonly #flushSteps: number
  readonly #sink: FileSink
  readonly #table = new MetricsTable()
  #hyperparams: Hyperparams | undefined
  #flushedStep = 0
  #written = { rows: 0, columns: 0 }
  readonly #queue: WriteQueue
  #finished = false

  /** Errors: BAD_ARGUMENT when `flushLogsEveryNSteps` is no whole number ≥ 1. */
  constructor(options: CSVLoggerOptions) {
    const { rootDir, name = 'lightning_logs', version, prefix, flushLogsEveryNSteps = DEFAULT_FLUSH_STEPS } = options
    if (!Number.isSafeInteger(flushLogsEveryNSteps) || flushLogsEveryNSteps < 1) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `CSVLogger: flushLogsEveryNSteps is ${flushLogsEveryNSteps}; allowed is a whole number ≥ 1. Leave it out for ${DEFAULT_FLUSH_STEPS}.`,
      )
    }
    this.name = name
    this.version = version
    const folder = typeof version === 'number' ? `version_${version}` : version
    this.logDir = [rootDir, name, folder].filter((part) => part !== '').join('/')
    this.#prefix = prefix ? `${prefix}-` : ''
    this.#flushSteps = flushLogsEveryNSteps
    this.#sink = options.sink
    this.#queue = new WriteQueue('CSVLogger', this.logDir)
  }

  logHyperparams(params: Hyperparams): void {
    this.#refuseIfFinished('logHyperparams')
    this.#hyperparams = { ...params }
  }

  /** Errors: BAD_ARGUMENT for a value that is no number, or a metric named `step`. */
  logMetrics(metrics: Readonly<Record<string, number>>, step: number): void {
    this.#refuseIfFinished('logMetrics')
    const named = Object.entries(metrics).map(([key, value]) => [this.#prefix + key, value] as const)
    for (const [key, value] of named) {
      if (typeof value === 'number' && key !== STEP_COLUMN) continue
      throw new RondoError(
        'BAD_ARGUMENT',
        `CSVLogger.logMetrics: ${key} is ${String(value)}; values are numbers and "${STEP_COLUMN}" is the file's own column. Turn tensors into numbers, or rename the metric.`,
      )
    }
    this.#table.add(Object.fromEntries(named), step)
    if (step + 1 - this.#flushedStep < this.#flushSteps) return
    this.#flushedStep = step + 1
    // A failure is not lost: the rows stay unwritten, and save() tries again and reports it.
    this.#flush().catch(() => {})
  }

  async save(): Promise<void> {
    await this.#flush()
  }

  async finalize(_status: RunStatus): Promise<void> {
    this.#finished = true
    await this.#flush()
  }

  #flush(): Promise<void> {
    return this.#queue.add(async () => {
      await this.#writeHyperparams()
      await this.#writeMetrics()
    })
  }

  async #writeHyperparams(): Promise<void> {
    const params = this.#hyperparams
    if (!params) return
    // JSON is YAML 1.2 too, and needs no library.
    await this.#sink.write(`${this.logDir}/hparams.yaml`, `${JSON.stringify(params, null, 2)}\n`)
    if (this.#hyperparams === params) this.#hyperparams = undefined
  }

  async #writeMetrics(): Promise<void> {
    const path = `${this.logDir}/metrics.csv`
    const rows = this.#table.length
    const columns = this.#table.columns.length
    if (rows === this.#written.rows) return
    if (columns === this.#written.columns && this.#sink.append) {
      await this.#sink.append(path, this.#table.body(this.#written.rows))
    } else {
      await this.#sink.write(path, this.#table.header() + this.#table.body())
    }
    this.#written = { rows, columns }
  }

  #refuseIfFinished(call: string): void {
    if (!this.#finished) return
    throw new RondoError(
      'BAD_ARGUMENT',
      `CSVLogger.${call}: called after finalize(); log before it. Make a new logger for a new run.`,
    )
  }
}

/** The next free number among folder names like `version_0`; what `version` defaults to in Lightning. */
export function nextVersion(folders: Iterable<string>): number {
  const taken = [...folders].map((folder) => /^version_(\d+)$/.exec(folder)?.[1]).filter((n) => n !== undefined)
  return taken.reduce((next, n) => Math.max(next, Number(n) + 1), 0)
}
