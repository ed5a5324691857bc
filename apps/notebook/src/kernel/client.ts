/**
 * The page's end of the kernel: starts the worker, runs cells in it, ends it, and answers what it asks of the
 * page. Not for: what a request means (session/), or how a cell is compiled (@rondo/kernel).
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { CellError, KernelOutput } from '@rondo/kernel/output'
import { RondoError, toWireError, type WireError } from '@rondo/protocol'
import type { ExecuteRequest, FromKernel, PageRequest, ToKernel } from './messages.ts'
import type { Completions, ExecuteResult, KernelPort, KernelState } from './port.ts'

/** Where the build puts the kernel. */
const KERNEL_URL = '/runtime/notebook-kernel.js'
/** Milliseconds for a fresh worker to load its program; a slow disk and two busy cores stay far below. */
const START_TIMEOUT_MS = 30_000
/** Milliseconds after which a proposal is no longer of use to the one who types. */
const COMPLETION_TIMEOUT_MS = 1_500

/** Where a request comes from. */
export interface RequestOrigin {
  cellId: string
  executionId: string
  /** Fires when the cell is interrupted or its kernel ends. */
  signal: AbortSignal
}

export interface KernelClientOptions {
  /** Lets the kernel load modules of the served folder; empty without a session. */
  token: string
  /** Answers a request of the kernel. What it throws is thrown in the cell. */
  answer(request: PageRequest, origin: RequestOrigin): Promise<unknown>
  workerUrl?: string
}

/** An error that already knows the cell's lines, as ranks report it. */
export class CellFailure extends Error {
  readonly cellError: CellError

  constructor(cellError: CellError) {
    super(cellError.message)
    this.name = 'CellFailure'
    this.cellError = cellError
  }
}

interface Execution {
  request: ExecuteRequest
  onOutput: (output: KernelOutput) => void
  startedAt: number
  abort: AbortController
  /** null once the promise has resolved; late outputs still come. */
  resolve: ((result: ExecuteResult) => void) | null
}

export class KernelClient implements KernelPort {
  readonly #options: KernelClientOptions
  readonly #state = signal<KernelState>('starting')
  /** By execution; an older execution of the same cell is forgotten when the cell runs again. */
  readonly #executions = new Map<string, Execution>()
  readonly #completions = new Map<number, (answer: Completions) => void>()
  #nextRequest = 0
  #worker: Worker | null = null
  #ready: Promise<void> = Promise.resolve()
  #settleReady: (error?: Error) => void = () => {}

  constructor(options: KernelClientOptions) {
    this.#options = options
  }

  prepare(): void {
    if (this.#worker === null && this.#state.peek() === 'starting') this.#start()
  }

  get state(): ReadonlySignal<KernelState> {
    return this.#state
  }

  /** Resolves when cells can run; rejects when the worker cannot be loaded. */
  get ready(): Promise<void> {
    this.prepare()
    return this.#ready
  }

  execute(request: ExecuteRequest, onOutput: (output: KernelOutput) => void): Promise<ExecuteResult> {
    const startedAt = performance.now()
    if (this.#state.value === 'dead') {
      onOutput({ kind: 'error', error: plainError('KernelDead', 'The kernel has ended. Restart it to run cells.') })
      return Promise.resolve({ status: 'error', milliseconds: 0 })
    }
    this.prepare()
    for (const [id, { request: older, resolve }] of this.#executions) {
      if (older.cellId === request.cellId && resolve === null) this.#executions.delete(id)
    }
    return new Promise((resolve) => {
      const abort = new AbortController()
      this.#executions.set(request.executionId, { request, onOutput, startedAt, abort, resolve })
      this.#updateState()
      this.#post({ type: 'execute', ...request })
    })
  }

  interrupt(): void {
    this.#post({ type: 'interrupt' })
    for (const execution of this.#running()) {
      execution.abort.abort(new RondoError('ABORTED', 'The cell was interrupted.'))
      execution.abort = new AbortController()
    }
  }

  kill(): void {
    this.#end('dead')
  }

  async restart(): Promise<void> {
    this.#end('starting')
    this.#start()
    await this.#ready
  }

  complete(code: string, offset: number, abort?: AbortSignal): Promise<Completions> {
    const nothing: Completions = { from: offset, items: [] }
    // A busy kernel answers only between two awaits, and typing must not wait for that.
    if (this.#state.value === 'dead' || this.#state.value === 'starting') return Promise.resolve(nothing)
    const requestId = this.#nextRequest++
    return new Promise((resolve) => {
      const settle = (answer: Completions): void => {
        clearTimeout(timer)
        abort?.removeEventListener('abort', onAbort)
        this.#completions.delete(requestId)
        resolve(answer)
      }
      const onAbort = (): void => settle(nothing)
      const timer = setTimeout(() => settle(nothing), COMPLETION_TIMEOUT_MS)
      abort?.addEventListener('abort', onAbort, { once: true })
      this.#completions.set(requestId, settle)
      this.#post({ type: 'complete', requestId, code, offset })
    })
  }

  /** Adds an output of the page's own making, such as a run's panel, to those of an execution. */
  show(executionId: string, output: KernelOutput): void {
    this.#executions.get(executionId)?.onOutput(output)
  }

  /** Ends the worker for good, as closing the notebook does. */
  dispose(): void {
    this.#end('dead')
  }

  #start(): void {
    this.#state.value = 'starting'
    const worker = new Worker(this.#options.workerUrl ?? KERNEL_URL, { type: 'module', name: 'notebook kernel' })
    this.#worker = worker
    this.#ready = new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#crash('it did not start in time'), START_TIMEOUT_MS)
      this.#settleReady = (error) => {
        clearTimeout(timer)
        if (error === undefined) resolve()
        else reject(error)
      }
    })
    // Whoever does not wait for it still sees the state.
    this.#ready.catch(() => {})
    worker.onmessage = ({ data }: MessageEvent<FromKernel>) => {
      if (this.#worker === worker) this.#receive(data)
    }
    worker.onerror = (failure) => {
      failure.preventDefault()
      if (this.#worker === worker) this.#crash(failure.message || 'its program could not be loaded')
    }
    this.#post({ type: 'init', origin: location.origin, token: this.#options.token })
  }

  #receive(message: FromKernel): void {
    switch (message.type) {
      case 'ready':
        this.#state.value = 'idle'
        this.#settleReady()
        this.#updateState()
        return
      case 'outputs':
        for (const { executionId, output } of message.items) this.#executions.get(executionId)?.onOutput(output)
        return
      case 'done':
        this.#done(message.executionId, { status: message.status, milliseconds: message.milliseconds })
        return
      case 'completions':
        this.#completions.get(message.requestId)?.({ from: message.from, items: message.items })
        return
      case 'request':
        void this.#answer(message.requestId, message.executionId, message.request)
        return
      default:
        message satisfies never
    }
  }

  async #answer(requestId: number, executionId: string, request: PageRequest): Promise<void> {
    const worker = this.#worker
    const execution = this.#executions.get(executionId)
    const origin: RequestOrigin = {
      cellId: execution?.request.cellId ?? '',
      executionId,
      signal: execution?.abort.signal ?? new AbortController().signal,
    }
    let value: unknown = null
    let error: WireError | CellError | null = null
    try {
      value = await this.#options.answer(request, origin)
    } catch (thrown) {
      error = thrown instanceof CellFailure ? thrown.cellError : toWireError(thrown)
    }
    if (this.#worker === worker) this.#post({ type: 'reply', requestId, value, error }, transferables(value))
  }

  #done(executionId: string, result: ExecuteResult): void {
    const execution = this.#executions.get(executionId)
    const resolve = execution?.resolve
    if (!execution || !resolve) return
    execution.resolve = null
    this.#updateState()
    resolve(result)
  }

  #crash(why: string): void {
    const error = plainError('KernelDead', `The kernel ended: ${why}. Restart it; the notebook is unchanged.`)
    for (const { onOutput } of this.#running()) onOutput({ kind: 'error', error })
    this.#end('dead')
  }

  #end(state: KernelState): void {
    this.#worker?.terminate()
    this.#worker = null
    this.#settleReady(new RondoError('ABORTED', 'The kernel was ended before it was ready.'))
    const running = this.#running()
    this.#executions.clear()
    this.#state.value = state
    for (const { abort, resolve, startedAt } of running) {
      abort.abort(new RondoError('ABORTED', 'The kernel was ended.'))
      resolve?.({ status: 'interrupted', milliseconds: performance.now() - startedAt })
    }
    for (const settle of [...this.#completions.values()]) settle({ from: 0, items: [] })
  }

  #running(): Execution[] {
    return [...this.#executions.values()].filter(({ resolve }) => resolve !== null)
  }

  #updateState(): void {
    const { value } = this.#state
    if (value === 'dead' || value === 'starting') return
    this.#state.value = this.#running().length > 0 ? 'busy' : 'idle'
  }

  #post(message: ToKernel, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(message, transfer)
  }
}

function transferables(value: unknown): Transferable[] {
  if (value instanceof ArrayBuffer) return [value]
  return Array.isArray(value) ? value.filter((item) => item instanceof ArrayBuffer) : []
}

function plainError(name: string, message: string): CellError {
  return { name, message, frames: [], cause: null, rank: null, node: null, code: null }
}
