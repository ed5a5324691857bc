/**
 * Keeps the record of one run while it goes on and writes what stays: `report.json`, `metrics.csv` and a TensorBoard
 * event file in the run's folder, for failed and stopped runs too. Not for: printing (terminal/) or the model files of rank 0.
 */
import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { CSVLogger, type FileSink, type Logger, TensorBoardLogger } from '@rondo/loggers'
import type { LinkReport, ProgressEvent, RankEvent, RunReport, RunState, WireError } from '@rondo/protocol'
import { RankRecord } from './rank-record.ts'

/** Rows are few (progress is thinned to five a second), so each is written at once: a crash of this process loses none. */
const FLUSH_STEPS = 1
/** What carries gradients when the strategy says nothing else: uncompressed float32. */
const DEFAULT_CODEC = 'f32'

export interface RecorderOptions {
  runId: string
  /** Path of the script as the person gave it. */
  script: string
  /** Absolute path of `runs/<id>`. */
  folder: string
  /** `--report`: a copy of the report goes there. */
  copyTo?: string | undefined
}

/** How a run ended, as the controller saw it. */
export interface RunEnd {
  status: RunReport['status']
  error: WireError | null
}

export class RunRecorder {
  readonly #options: RecorderOptions
  readonly #ranks = new Map<number, RankRecord>()
  readonly #metrics: Record<string, number> = {}
  readonly #links = new Map<string, LinkReport>()
  readonly #loggers: readonly Logger[]
  readonly #startedAt = performance.now()
  #run: RunState | null = null
  #firstStepAt: number | null = null
  #lastStepAt = 0
  #written: RunReport | null = null

  constructor(options: RecorderOptions) {
    this.#options = options
    const where = { rootDir: options.folder, name: '', version: '.', sink: diskSink() }
    this.#loggers = [
      new CSVLogger({ ...where, flushLogsEveryNSteps: FLUSH_STEPS }),
      new TensorBoardLogger({ ...where, host: hostname() }),
    ]
  }

  /** The newest state of the run. */
  state(run: RunState): void {
    this.#run = run
  }

  event(rank: number, event: RankEvent): void {
    const record = this.#ranks.get(rank) ?? new RankRecord(rank)
    this.#ranks.set(rank, record)
    switch (event.kind) {
      case 'ready':
        this.#sawLinks(event.links)
        return
      case 'setup':
        record.setup = event
        return
      case 'progress':
        record.progress(event)
        this.#sawLinks(event.links)
        this.#onProgress(rank, event)
        return
      case 'bar':
      case 'message':
      case 'timeline':
        return
      case 'metrics':
        this.#onMetrics(event.step, event.values)
        return
      case 'done':
      case 'error':
        record.report = event.report ?? record.report
        return
      case 'console':
        return
      default:
        event satisfies never
    }
  }

  /** Writes everything; later calls give the same report. Errors: STORAGE_FAILED. */
  async finish(end: RunEnd): Promise<RunReport> {
    if (this.#written !== null) return this.#written
    const report = this.#toReport(end)
    this.#written = report
    const text = `${JSON.stringify(report, null, 2)}\n`
    await mkdir(this.#options.folder, { recursive: true })
    await writeFile(join(this.#options.folder, 'report.json'), text)
    if (this.#options.copyTo !== undefined) {
      await mkdir(dirname(resolve(this.#options.copyTo)), { recursive: true })
      await writeFile(this.#options.copyTo, text)
    }
    const status = end.status === 'done' ? 'success' : end.status === 'failed' ? 'failed' : 'aborted'
    await Promise.all(this.#loggers.map((logger) => logger.finalize(status)))
    return report
  }

  #onMetrics(step: number, values: Readonly<Record<string, number>>): void {
    Object.assign(this.#metrics, values)
    // The step is the file's own column; a metric of that name stays in the report alone.
    const { step: _, ...columns } = values
    this.#log(columns, step)
  }

  /** One row a report of rank 0: its own figures, and the latest mean loss of all ranks. */
  #onProgress(rank: number, event: ProgressEvent): void {
    const now = performance.now()
    this.#firstStepAt ??= now - event.times.total
    this.#lastStepAt = now
    if (event.loss !== null) this.#metrics['loss'] = event.loss
    if (rank !== 0) return
    const { times } = event
    const row: Record<string, number> = { epoch: event.epoch }
    if (event.loss !== null) row['loss'] = event.loss
    row['samples_per_second'] = event.samplesPerSecond
    for (const [phase, ms] of Object.entries(times)) row[`${phase}_ms`] = ms
    row['hidden_ms'] = event.hiddenMs
    this.#log(row, event.step)
  }

  #log(values: Readonly<Record<string, number>>, step: number): void {
    for (const logger of this.#loggers) logger.logMetrics(values, step)
  }

  #sawLinks(links: readonly LinkReport[]): void {
    for (const link of links) this.#links.set(`${link.from}-${link.to}`, link)
  }

  #toReport(end: RunEnd): RunReport {
    const run = this.#run
    const config = run?.config
    const seats = run?.seats ?? []
    const setup = [...this.#ranks.values()].find((record) => record.setup !== null)?.setup
    const ranks = seats.map((seat) => (this.#ranks.get(seat.rank) ?? new RankRecord(seat.rank)).toReport(seat))
    const samples = ranks.reduce((sum, rank) => sum + rank.samples, 0)
    const trainedMs = this.#firstStepAt === null ? 0 : this.#lastStepAt - this.#firstStepAt
    return {
      run: this.#options.runId,
      script: this.#options.script,
      status: end.status,
      ...(end.error === null ? {} : { error: end.error }),
      strategy: setup?.strategy ?? config?.strategy ?? 'none',
      worldSize: seats.length,
      ...numbersOf(setup?.precision ?? config?.precision ?? '32-true'),
      processGroupBackend: config?.processGroupBackend ?? 'auto',
      ranks,
      links: [...this.#links.values()].map(({ from, to, carrier, candidate, bytesSent }) => ({
        from,
        to,
        carrier,
        ...(candidate === undefined ? {} : { candidate }),
        bytesSent,
      })),
      metrics: this.#metrics,
      wallSeconds: round((performance.now() - this.#startedAt) / 1000),
      samplesPerSecond: trainedMs > 0 ? round((1000 * samples) / trainedMs) : 0,
    }
  }
}

/** The setup line says `name: weights …, arithmetic …, wire …`; the report keeps the name and what travels. */
function numbersOf(line: string): { precision: string; codec: string } {
  return {
    precision: line.split(':')[0] ?? line,
    codec: /\bwire (\S+?)(?:,|$)/.exec(line)?.[1] ?? DEFAULT_CODEC,
  }
}

/** Three decimals: a millisecond, which is finer than anything here is measured. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000
}

function diskSink(): FileSink {
  return {
    async write(path, content) {
      await mkdir(dirname(path), { recursive: true })
      // Beside its place first: whoever reads meanwhile, or after a crash, finds the old file or the new one.
      const draft = `${path}.${process.pid}.part`
      await writeFile(draft, content)
      await rename(draft, path)
    },
    append: (path, content) => appendFile(path, content),
    read: async (path) => new Uint8Array(await readFile(path)),
  }
}
