/**
 * Scalars as a TensorBoard event file, `rootDir/name/version_N/subDir/events.out.tfevents.<unix seconds>.<host>`. Every
 * row is written at once, so that a crash loses none. Not for: images, histograms, graphs.
 */
import { RondoError } from '@rondo/protocol'
import { FolderLogger } from '../folder-logger.ts'
import type { FileSink, Hyperparams, RunStatus } from '../logger.ts'
import { WriteQueue } from '../write-queue.ts'
import { scalarsRecord, sessionEndRecord, sessionStartRecord, versionRecord } from './event-record.ts'

/** Where a TensorBoardLogger writes; names and defaults are Lightning's. */
export interface TensorBoardLoggerOptions {
  /** Folder of all experiments, relative to the run's; default the run's. What `tensorboard --logdir` is given. */
  rootDir?: string
  /** Folder of this experiment; default `lightning_logs`, empty for none. */
  name?: string
  /** A number N gives the folder `version_N`, a text its own folder; default the next free number. */
  version?: number | string
  /** Log a metric `hp_metric` of -1 with hyper-parameters, which TensorBoard's HPARAMS page needs one of. Default true. */
  defaultHpMetric?: boolean
  /** Put before every metric's name, with `-` between. */
  prefix?: string
  /** Folder below the version's, for the event file alone. */
  subDir?: string
  /** Last part of the file's name: the machine that writes it. */
  host?: string
  /** Where files go; default the run's folder, through the agent. */
  sink?: FileSink
}

/** Bytes of records kept for a sink that cannot append, before it is refused to keep more. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024
/** Lightning's: what a metric is before anybody measured it. */
const NO_HP_METRIC = -1

/** Writes scalars and settings as an event file that TensorBoard opens; Lightning's TensorBoardLogger. */
export class TensorBoardLogger extends FolderLogger {
  readonly #options: { defaultHpMetric: boolean; prefix: string; subDir: string; host: string | undefined }
  readonly #queue: WriteQueue
  /** Records that are not written yet; all of them where the sink cannot append. */
  #records: Uint8Array[] = []
  /** When the first record was made, seconds; null before it. */
  #startedAt: number | null = null
  #path: string | null = null
  /** Bytes of the file. */
  #size = 0
  #unwritten = false
  #hyperparams: { unwritten: boolean; params: Hyperparams } | null = null

  /** Errors: BAD_ARGUMENT when the folder is not inside of the run's. */
  constructor(options: TensorBoardLoggerOptions = {}) {
    const { defaultHpMetric = true, prefix, subDir = '', host, ...folder } = options
    super({ owner: 'TensorBoardLogger', ...folder })
    if (subDir !== '' && !/^(?!\.)[\w.=-]{1,100}$/.test(subDir)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `TensorBoardLogger: subDir is ${JSON.stringify(subDir)}; allowed is one folder name of letters, digits and "._=-" that does not start with a dot. Use one such as "train".`,
      )
    }
    this.#options = { defaultHpMetric, prefix: prefix ? `${prefix}-` : '', subDir, host }
    this.#queue = new WriteQueue('TensorBoardLogger', () => this.logDir)
  }

  /** Folder of the event file. */
  override get logDir(): string {
    const { subDir } = this.#options
    return subDir === '' ? this.folder.path : `${this.folder.path}/${subDir}`
  }

  /**
   * Settings go to `hparams.yaml`, and to TensorBoard's HPARAMS page: numbers, texts and booleans as they are, others as
   * JSON. Numbers are scalars of step 0 named `hparams/<name>` too.
   */
  override logHyperparams(params: Hyperparams): void {
    if (!this.folder.host.writes) return
    this.#hyperparams = { unwritten: true, params: { ...params } }
    const entries = Object.entries(params)
    const shown = entries.map(([key, value]) => [key, isPlain(value) ? value : JSON.stringify(value ?? null)] as const)
    const now = this.#open()
    this.#records.push(sessionStartRecord(now, shown))
    const numbers = entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number')
    this.logMetrics(Object.fromEntries(numbers.map(([key, value]) => [`hparams/${key}`, value])), 0)
    if (this.#options.defaultHpMetric) this.logMetrics({ hp_metric: NO_HP_METRIC }, 0)
    this.#flush()
  }

  /** Errors: BAD_ARGUMENT for a value that is no number or a step that is no whole number of at least 0. */
  override logMetrics(metrics: Readonly<Record<string, number>>, step: number): void {
    if (!(Number.isSafeInteger(step) && step >= 0)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `TensorBoardLogger.logMetrics: step is ${step}; allowed are whole numbers of at least 0. Pass the optimizer steps so far.`,
      )
    }
    const entries = Object.entries(metrics)
    const wrong = entries.find(([, value]) => typeof value !== 'number')
    if (wrong) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `TensorBoardLogger.logMetrics: ${wrong[0]} is ${String(wrong[1])}; values are numbers. Turn tensors into numbers first.`,
      )
    }
    if (entries.length === 0 || !this.folder.host.writes) return
    const { prefix } = this.#options
    const now = this.#open()
    const named = entries.map(([key, value]) => [prefix + key, value] as const)
    this.#records.push(scalarsRecord(now, step, named))
    this.#flush()
  }

  override save(): Promise<void> {
    return this.#queue.add(() => this.#write())
  }

  override async finalize(status: RunStatus): Promise<void> {
    if (this.#hyperparams && this.folder.host.writes) {
      this.#records.push(sessionEndRecord(this.#open(), status === 'success'))
      this.#unwritten = true
    }
    await this.save()
  }

  /** The time now, seconds; with the first call the file begins. */
  #open(): number {
    const now = Date.now() / 1000
    if (this.#startedAt === null) {
      this.#startedAt = now
      this.#records.push(versionRecord(now))
    }
    return now
  }

  #flush(): void {
    this.#unwritten = true
    // A failure is not lost: the records stay, and save() tries again and reports it.
    this.save().catch(() => {})
  }

  async #write(): Promise<void> {
    if (!this.#unwritten || this.#startedAt === null) return
    const { sink, hostname } = this.folder.host
    const folder = await this.folder.settle()
    const saved = this.#hyperparams
    if (saved?.unwritten) {
      await sink.write(`${folder}/hparams.yaml`, `${JSON.stringify(saved.params, null, 2)}\n`)
      saved.unwritten = false
    }
    const host = (this.#options.host ?? hostname).replaceAll(/[^\w.-]/g, '_')
    this.#path ??= `${this.logDir}/events.out.tfevents.${Math.floor(this.#startedAt)}.${host}`
    const count = this.#records.length
    const bytes = joined(this.#records)
    if (this.#size > 0 && sink.append) await sink.append(this.#path, bytes, this.#size)
    else await sink.write(this.#path, bytes)
    this.#unwritten = this.#records.length > count
    if (sink.append) {
      this.#size += bytes.byteLength
      this.#records = this.#records.slice(count)
    } else if (bytes.byteLength > MAX_KEPT_BYTES) {
      throw new Error(`the file has reached ${MAX_KEPT_BYTES} bytes and its place cannot be appended to`)
    }
  }
}

function isPlain(value: unknown): value is number | string | boolean {
  return ['number', 'string', 'boolean'].includes(typeof value)
}

function joined(records: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(records.reduce((sum, record) => sum + record.byteLength, 0))
  let at = 0
  for (const record of records) {
    out.set(record, at)
    at += record.byteLength
  }
  return out
}
