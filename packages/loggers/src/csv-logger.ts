/**
 * Metrics as a CSV file, settings beside it: `rootDir/name/version_N/{metrics.csv,hparams.yaml}`. Rows are appended; a
 * new column rewrites the file once. Not for: how bytes reach a disk (the sink).
 */
import { RondoError } from '@rondo/protocol'
import { FolderLogger } from './folder-logger.ts'
import type { FileSink, Hyperparams, RunStatus } from './logger.ts'
import { MetricsTable, STEP_COLUMN, widened } from './metrics-table.ts'
import { WriteQueue } from './write-queue.ts'

/** Lightning's default: at most this many steps are lost when a page dies. */
const DEFAULT_FLUSH_STEPS = 100

/** Where a CSVLogger writes, and how often; names and defaults are Lightning's. */
export interface CSVLoggerOptions {
  /** Folder of all experiments, relative to the run's; default the run's folder. */
  rootDir?: string
  /** Folder of this experiment; default `lightning_logs`, empty for none. */
  name?: string
  /** A number N gives the folder `version_N`, a text its own folder; default the next free number. */
  version?: number | string
  /** Put before every metric's name, with `-` between. */
  prefix?: string
  /** Write after this many steps; default 100. */
  flushLogsEveryNSteps?: number
  /** Where files go; default the run's folder, through the agent. */
  sink?: FileSink
}

/** Writes metrics as rows of `metrics.csv`, whose columns grow with new names; Lightning's CSVLogger. */
export class CSVLogger extends FolderLogger {
  readonly #prefix: string
  readonly #flushSteps: number
  readonly #table = new MetricsTable()
  readonly #queue: WriteQueue
  #hyperparams: Hyperparams | undefined
  #flushedStep = 0
  /** What the file has; null before it is there. */
  #written: { header: string; columns: number; bytes: number } | null = null
  /** Rows of the table that the file has; more than none only where the sink cannot append and read. */
  #writtenRows = 0

  /** Errors: BAD_ARGUMENT when `flushLogsEveryNSteps` is no whole number ≥ 1, or the folder is not inside of the run's. */
  constructor(options: CSVLoggerOptions = {}) {
    const { prefix, flushLogsEveryNSteps = DEFAULT_FLUSH_STEPS, ...folder } = options
    super({ owner: 'CSVLogger', ...folder })
    if (!Number.isSafeInteger(flushLogsEveryNSteps) || flushLogsEveryNSteps < 1) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `CSVLogger: flushLogsEveryNSteps is ${flushLogsEveryNSteps}; allowed is a whole number ≥ 1. Leave it out for ${DEFAULT_FLUSH_STEPS}.`,
      )
    }
    this.#prefix = prefix ? `${prefix}-` : ''
    this.#flushSteps = flushLogsEveryNSteps
    this.#queue = new WriteQueue('CSVLogger', () => this.logDir)
  }

  override logHyperparams(params: Hyperparams): void {
    this.#hyperparams = { ...params }
  }

  /** Errors: BAD_ARGUMENT for a value that is no number, or a metric named `step`. */
  override logMetrics(metrics: Readonly<Record<string, number>>, step: number): void {
    const named = Object.entries(metrics).map(([key, value]) => [this.#prefix + key, value] as const)
    for (const [key, value] of named) {
      if (typeof value === 'number' && key !== STEP_COLUMN) continue
      throw new RondoError(
        'BAD_ARGUMENT',
        `CSVLogger.logMetrics: ${key} is ${String(value)}; values are numbers and "${STEP_COLUMN}" is the file's own column. Turn tensors into numbers, or rename the metric.`,
      )
    }
    if (!this.folder.host.writes) return
    this.#table.add(Object.fromEntries(named), step)
    if (step + 1 - this.#flushedStep < this.#flushSteps && step + 1 >= this.#flushedStep) return
    this.#flushedStep = step + 1
    // A failure is not lost: the rows stay unwritten, and save() tries again and reports it.
    this.save().catch(() => {})
  }

  override save(): Promise<void> {
    return this.#queue.add(async () => {
      const { sink, writes } = this.folder.host
      if (!writes) return
      await this.#writeHyperparams(sink)
      await this.#writeMetrics(sink)
    })
  }

  override finalize(_status: RunStatus): Promise<void> {
    return this.save()
  }

  async #writeHyperparams(sink: FileSink): Promise<void> {
    const params = this.#hyperparams
    if (!params) return
    // JSON is YAML 1.2 too, and needs no library.
    await sink.write(`${await this.folder.settle()}/hparams.yaml`, `${JSON.stringify(params, null, 2)}\n`)
    if (this.#hyperparams === params) this.#hyperparams = undefined
  }

  async #writeMetrics(sink: FileSink): Promise<void> {
    if (this.#table.length === this.#writtenRows) return
    const path = `${await this.folder.settle()}/metrics.csv`
    const grows = sink.append !== undefined && sink.read !== undefined
    // Taken at once: rows that come while this writes are for the next write.
    const rows = this.#table.length
    const before = this.#written
    const header = this.#table.header()
    const columns = this.#table.columns.length
    const body = this.#table.body()
    const encoder = new TextEncoder()
    if (!grows || before === null) {
      const bytes = encoder.encode(header + body)
      await sink.write(path, bytes)
      this.#written = { header, columns, bytes: bytes.byteLength }
    } else if (columns === before.columns) {
      const bytes = encoder.encode(body)
      await sink.append?.(path, bytes, before.bytes)
      this.#written = { ...before, bytes: before.bytes + bytes.byteLength }
    } else {
      const text = new TextDecoder().decode((await sink.read?.(path))?.subarray(0, before.bytes))
      const bytes = encoder.encode(header + widened(text.slice(before.header.length), columns - before.columns) + body)
      await sink.write(path, bytes)
      this.#written = { header, columns, bytes: bytes.byteLength }
    }
    if (grows) this.#table.drop(rows)
    this.#writtenRows = grows ? 0 : rows
  }
}
