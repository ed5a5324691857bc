/**
 * Scalars as a TensorBoard event file, `rootDir/name/version_N/events.out.tfevents.<unix seconds>.<host>`. Every row is
 * written at once, so that a crash loses none. Not for: images, histograms, graphs.
 */
import { RondoError } from '@rondo/protocol'
import type { FileSink, Hyperparams, Logger, RunStatus } from '../logger.ts'
import { WriteQueue } from '../write-queue.ts'
import { scalarsRecord, versionRecord } from './event-record.ts'

export interface TensorBoardLoggerOptions {
  /** Folder of all experiments; what `tensorboard --logdir` is given. */
  rootDir: string
  /** Folder of this experiment; default `lightning_logs`, empty for none. */
  name?: string
  /** A number N gives the folder `version_N`, a text its own folder. */
  version: number | string
  /** Put before every metric's name, with `-` between. */
  prefix?: string
  /** Last part of the file's name: the machine that writes it. */
  host: string
  sink: FileSink
}

/** Bytes of records kept for a sink that cannot append, before it is refused to keep more. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024

export class TensorBoardLogger implements Logger {
  readonly name: string
  readonly version: number | string
  /** Folder of this run's files. */
  readonly logDir: string
  readonly #host: string
  readonly #prefix: string
  readonly #sink: FileSink
  readonly #queue: WriteQueue
  /** Records that are not written yet; all of them where the sink cannot append. */
  #records: Uint8Array[] = []
  /** Path of the file; null until the first record. */
  #path: string | null = null
  #created = false
  #unwritten = false
  #finished = false

  constructor({ rootDir, name = 'lightning_logs', version, prefix, host, sink }: TensorBoardLoggerOptions) {
    this.name = name
    this.version = version
    const folder = typeof version === 'number' ? `version_${version}` : version
    this.logDir = [rootDir, name, folder].filter((part) => part !== '').join('/')
    this.#host = host.replaceAll(/[^\w.-]/g, '_')
    this.#prefix = prefix ? `${prefix}-` : ''
    this.#sink = sink
    this.#queue = new WriteQueue('TensorBoardLogger', this.logDir)
  }

  /** Settings that are numbers become scalars of step 0 named `hparams/<name>`; others are left to other loggers. */
  logHyperparams(params: Hyperparams): void {
    const numbers = Object.entries(params).filter((entry): entry is [string, number] => typeof entry[1] === 'number')
    if (numbers.length > 0)
      this.logMetrics(Object.fromEntries(numbers.map(([key, value]) => [`hparams/${key}`, value])), 0)
  }

  /** Errors: BAD_ARGUMENT for a value that is no number or a step that is no whole number of at least 0. */
  logMetrics(metrics: Readonly<Record<string, number>>, step: number): void {
    if (this.#finished) {
      throw new RondoError(
        'BAD_ARGUMENT',
        'TensorBoardLogger.logMetrics: called after finalize(); log before it. Make a new logger for a new run.',
      )
    }
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
    if (entries.length === 0) return
    const seconds = Date.now() / 1000
    if (this.#path === null) {
      this.#path = `${this.logDir}/events.out.tfevents.${Math.floor(seconds)}.${this.#host}`
      this.#records.push(versionRecord(seconds))
    }
    this.#records.push(
      scalarsRecord(
        seconds,
        step,
        entries.map(([key, value]) => [this.#prefix + key, value]),
      ),
    )
    this.#unwritten = true
    // A failure is not lost: the records stay, and save() tries again and reports it.
    this.save().catch(() => {})
  }

  save(): Promise<void> {
    return this.#queue.add(() => this.#write())
  }

  async finalize(_status: RunStatus): Promise<void> {
    this.#finished = true
    await this.save()
  }

  async #write(): Promise<void> {
    if (!this.#unwritten || this.#path === null) return
    const count = this.#records.length
    const bytes = joined(this.#records)
    if (this.#created && this.#sink.append) await this.#sink.append(this.#path, bytes)
    else await this.#sink.write(this.#path, bytes)
    this.#created = true
    this.#unwritten = this.#records.length > count
    if (this.#sink.append) this.#records = this.#records.slice(count)
    else if (bytes.byteLength > MAX_KEPT_BYTES) {
      throw new Error(`the file has reached ${MAX_KEPT_BYTES} bytes and its place cannot be appended to`)
    }
  }
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
