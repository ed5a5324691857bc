/**
 * Metrics and hyper-parameters to an MLflow tracking server by its REST API, in batches beside training. A server that
 * is away, slow or refuses never stops training: what it did not take is tried again with the next batch, a line says
 * so, and only so many values are kept. Semantics follow Lightning's `MLFlowLogger`. Not for: artifacts.
 */
import { RondoError } from '@rondo/protocol'
import { currentLoggerHost, type Hyperparams, Logger, type LoggerHost, type RunStatus } from '../logger.ts'
import { MlflowApi } from './api.ts'

/** Limits of runs/log-batch: of metrics and of parameters in one request. */
const MAX_METRICS = 1000
const MAX_PARAMS = 100
/** Limits of MLflow: characters of a parameter's value and of a key. */
const MAX_PARAM_CHARS = 6000
const MAX_KEY_CHARS = 250
/** Metrics that wait; beyond it the oldest are dropped, and a line says how many. */
const MAX_WAITING = 100_000
/** Values that wait before a batch is sent by itself. */
const BATCH = 100
/** Milliseconds that the first value waits for others. */
const BATCH_MS = 1_000
/** Characters that MLflow does not take in keys. */
const FORBIDDEN = /[^\w./ -]/g

/** Which experiment and run an MLFlowLogger writes to; names are Lightning's. */
export interface MLFlowLoggerOptions {
  /** Default `lightning_logs`; made when it is not there. */
  experimentName?: string
  /** Address of the tracking server; default `http://localhost:5000`. */
  trackingUri?: string
  /** Shown as the run's name. */
  runName?: string
  tags?: Readonly<Record<string, string>>
  /** Put before every metric's name, with `-` between. */
  prefix?: string
  /** Goes on with a run that is there. */
  runId?: string
  /** Sent as `Authorization: Bearer …`. */
  token?: string
  /** Milliseconds after which a request is given up, tries included; default 60,000. */
  deadlineMs?: number
}

interface Metric {
  key: string
  value: number
  timestamp: number
  step: number
}

export class MLFlowLogger extends Logger {
  readonly #options: MLFlowLoggerOptions
  readonly #api: MlflowApi
  readonly #experiment: string
  #host: LoggerHost | null = null
  #experimentId: string | null = null
  #runId: string | null
  #metrics: Metric[] = []
  #params: Array<{ key: string; value: string }> = []
  #dropped = 0
  /** Settles when nothing is under way; never rejects. */
  #last: Promise<void> = Promise.resolve()
  #timer: ReturnType<typeof setTimeout> | null = null
  #warned = false
  /** Whether a batch is on its way by itself. */
  #sending = false

  /** Errors: BAD_ARGUMENT for a trackingUri that is no http address. */
  constructor(options: MLFlowLoggerOptions = {}) {
    super()
    const { trackingUri = 'http://localhost:5000', experimentName = 'lightning_logs', token, deadlineMs } = options
    if (!/^https?:\/\/[^\s]+$/.test(trackingUri)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `MLFlowLogger: trackingUri is ${JSON.stringify(trackingUri)}; allowed is the http or https address of a tracking server: a page has no files and no database. Start "mlflow server" and use its address, such as http://localhost:5000.`,
      )
    }
    this.#options = options
    this.#experiment = experimentName
    this.#runId = options.runId ?? null
    this.#api = new MlflowApi({ trackingUri, token, deadlineMs })
  }

  /** The experiment's id, once it is known; before that its name. */
  get name(): string {
    return this.#experimentId ?? this.#experiment
  }

  /** The run's id; empty before the server gave one. */
  get version(): string {
    return this.#runId ?? ''
  }

  override attach(host: LoggerHost): void {
    this.#host ??= host
  }

  /** Nested settings become `outer/inner`; others than numbers, texts and booleans are written as JSON. */
  override logHyperparams(params: Hyperparams): void {
    if (!this.#writes()) return
    for (const [key, value] of flat(params)) this.#params.push({ key: keyOf(key), value })
    this.#schedule()
  }

  override logMetrics(metrics: Readonly<Record<string, number>>, step: number): void {
    const { prefix } = this.#options
    for (const [name, value] of Object.entries(metrics)) {
      if (typeof value === 'number') continue
      throw new RondoError(
        'BAD_ARGUMENT',
        `MLFlowLogger.logMetrics: ${name} is ${String(value)}; values are numbers. Turn tensors into numbers first.`,
      )
    }
    if (!this.#writes()) return
    const timestamp = Date.now()
    for (const [name, value] of Object.entries(metrics)) {
      this.#metrics.push({ key: keyOf(prefix ? `${prefix}-${name}` : name), value, timestamp, step })
    }
    const beyond = this.#metrics.length - MAX_WAITING
    if (beyond > 0) {
      this.#metrics.splice(0, beyond)
      this.#dropped += beyond
    }
    this.#schedule()
  }

  /** Sends all that waits. Errors: STORAGE_FAILED; it is kept then. */
  override save(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const sent = this.#last.then(() => this.#send())
    this.#last = sent.catch(() => {})
    return sent
  }

  override async finalize(status: RunStatus): Promise<void> {
    await this.save()
    if (this.#runId === null) return
    const named = { success: 'FINISHED', failed: 'FAILED', aborted: 'KILLED' } as const
    await this.#api.post('runs/update', { run_id: this.#runId, status: named[status], end_time: Date.now() })
  }

  #writes(): boolean {
    this.#host ??= currentLoggerHost()
    return this.#host?.writes ?? true
  }

  #schedule(): void {
    if (this.#sending) return
    if (this.#metrics.length >= BATCH) void this.#beside()
    else this.#timer ??= setTimeout(() => void this.#beside(), BATCH_MS)
  }

  /** Beside training: a failure is told once, and what was not taken stays for the next batch. */
  async #beside(): Promise<void> {
    this.#sending = true
    try {
      await this.save()
      this.#warned = false
    } catch (error) {
      if (!this.#warned) console.warn(`${String(error)} Training goes on, and what was logged is sent later.`)
      this.#warned = true
    }
    this.#sending = false
    // What came meanwhile waits for its own batch, however much it is: a server in trouble is not pressed.
    if (this.#metrics.length > 0) this.#timer ??= setTimeout(() => void this.#beside(), BATCH_MS)
  }

  async #send(): Promise<void> {
    if (this.#metrics.length === 0 && this.#params.length === 0) return
    const runId = await this.#run()
    if (this.#dropped > 0)
      console.warn(`MLFlowLogger: the server was away for long; ${this.#dropped} values were dropped.`)
    this.#dropped = 0
    while (this.#params.length > 0) {
      const params = this.#params.slice(0, MAX_PARAMS)
      await this.#api.post('runs/log-batch', { run_id: runId, metrics: [], params, tags: [] })
      this.#params = this.#params.slice(params.length)
    }
    while (this.#metrics.length > 0) {
      const waiting = this.#metrics
      const batch = waiting.slice(0, MAX_METRICS)
      await this.#api.post('runs/log-batch', { run_id: runId, metrics: batch.map(toWire), params: [], tags: [] })
      const taken = new Set(batch)
      this.#metrics = this.#metrics.filter((metric) => !taken.has(metric))
    }
  }

  /** The run's id; experiment and run are made with the first values. */
  async #run(): Promise<string> {
    if (this.#runId !== null) return this.#runId
    const { runName, tags = {} } = this.#options
    this.#experimentId ??= await this.#experimentOf(this.#experiment)
    const answer = await this.#api.post('runs/create', {
      experiment_id: this.#experimentId,
      ...(runName === undefined ? {} : { run_name: runName }),
      start_time: Date.now(),
      tags: Object.entries(tags).map(([key, value]) => ({ key, value: String(value) })),
    })
    this.#runId = textAt(answer, 'run', 'info', 'run_id')
    return this.#runId
  }

  async #experimentOf(name: string): Promise<string> {
    try {
      const answer = await this.#api.get('experiments/get-by-name', { experiment_name: name })
      return textAt(answer, 'experiment', 'experiment_id')
    } catch (error) {
      const code = error instanceof RondoError ? error.details?.['errorCode'] : null
      if (code !== 'RESOURCE_DOES_NOT_EXIST') throw error
      return textAt(await this.#api.post('experiments/create', { name }), 'experiment_id')
    }
  }
}

/** JSON has no word for these, and MLflow takes them as texts. */
function toWire(metric: Metric): object {
  const { value } = metric
  if (Number.isFinite(value)) return metric
  return { ...metric, value: Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity' }
}

function keyOf(name: string): string {
  return name.replaceAll(FORBIDDEN, '_').slice(0, MAX_KEY_CHARS)
}

function flat(params: Hyperparams, above = ''): Array<[string, string]> {
  return Object.entries(params).flatMap(([key, value]): Array<[string, string]> => {
    const name = above + key
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return flat(value as Hyperparams, `${name}/`)
    const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
    return [[name, text.slice(0, MAX_PARAM_CHARS)]]
  })
}

function textAt(answer: unknown, ...path: string[]): string {
  let value: unknown = answer
  for (const key of path) value = (value as Record<string, unknown> | undefined)?.[key]
  if (typeof value === 'string' && value !== '') return value
  throw new RondoError(
    'STORAGE_FAILED',
    `MLFlowLogger: the server's answer has no ${path.join('.')}. Allowed is an MLflow tracking server with REST API 2.0. Check trackingUri.`,
  )
}
