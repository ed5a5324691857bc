/**
 * The program of a notebook's rank: takes commands one after another, runs their jobs, tells how they ended. It ends
 * only with its run, so that ranks stay warm. Not for: what a job does (launch-job.ts, cell-job.ts).
 */
import { tf } from '@rondo/engine'
import { abortJob, currentRankContext, disposeJob, nextRankContext, type RankContext, regroup } from '@rondo/fabric'
import { toCellError } from '@rondo/kernel'
import { createDisplay } from '@rondo/kernel/display'
import { fromWireError, RondoError, toWireError, type WireError } from '@rondo/protocol'
import { CellThrew, RankCells } from './cell-job.ts'
import { RankConsole } from './console.ts'
import { cellErrorOf, isSecondHand, named, newsOf, reasonOf } from './failure.ts'
import { runLaunch } from './launch-job.ts'
import type { JobOrder, RankCommand, RankMessage } from './messages.ts'
import { Outlet } from './outlet.ts'

interface Running {
  order: JobOrder
  interrupted: boolean
  /** Ends the job with an error that nobody awaits. */
  fail: (error: unknown) => void
}

/** The rank worker imports this module and calls it; resolves never, rejects when the run ends. */
export default async function notebookRank(): Promise<void> {
  const rank = new NotebookRank(currentRankContext())
  await rank.serve()
}

class NotebookRank {
  readonly #base: RankContext
  readonly #console: RankConsole
  #running: Running | null = null
  #cells: RankCells | null = null

  constructor(base: RankContext) {
    this.#base = base
    this.#console = new RankConsole(base.emit, createDisplay().text)
  }

  async serve(): Promise<void> {
    this.#console.install()
    catchUnhandled((error) => this.#unhandled(error))
    this.#base.signal.addEventListener('abort', () => this.#cells?.interrupt(), { once: true })
    this.#send({ type: 'open' })
    for await (const { data } of this.#base.commands) {
      // From the controller through our own server; the other end of messages.ts.
      this.#obey(data as RankCommand)
    }
  }

  #obey(command: RankCommand): void {
    switch (command.do) {
      case 'job':
        void this.#run(command)
        return
      case 'interrupt':
        this.#interrupt(command.job, command.error)
        return
      case 'regroup':
        void this.#answer(regroup(), (error) => ({ type: 'regrouped', id: command.id, error }))
        return
      case 'sync':
        void this.#answer(this.#base.group.barrier('%sync', { signal: this.#base.signal }), (error) => ({
          type: 'synced',
          id: command.id,
          error,
        }))
        return
      case 'status':
        this.#status(command.id)
        return
      default:
        command satisfies never
    }
  }

  /** One job to its end. Everything that it makes belongs to its own context. */
  async #run(order: JobOrder): Promise<void> {
    const { job } = order
    const context = nextRankContext({ kind: job.kind })
    const outlet = new Outlet(context, this.#console, job.job)
    let fail: (error: unknown) => void = () => {}
    const unhandled = new Promise<never>((_, reject) => {
      fail = reject
    })
    const running: Running = { order, interrupted: false, fail }
    this.#running = running
    this.#send({ type: 'started', job: job.job })
    const startedAt = performance.now()
    try {
      const work = job.kind === 'launch' ? runLaunch(order, job, context, outlet) : this.#cell(order, context, outlet)
      const file = await Promise.race([work, unhandled])
      await outlet.flush()
      this.#send({ type: 'done', job: job.job, milliseconds: performance.now() - startedAt, file })
    } catch (thrown) {
      await outlet.flush()
      this.#failed(running, thrown, context, performance.now() - startedAt)
    } finally {
      this.#running = null
      await disposeJob()
    }
  }

  async #cell(order: JobOrder, context: RankContext, outlet: Outlet): Promise<string | null> {
    if (order.job.kind !== 'cell') return null
    this.#cells ??= await RankCells.start(order.token)
    return this.#cells.run(order.job, context, outlet)
  }

  #failed({ order, interrupted }: Running, thrown: unknown, context: RankContext, milliseconds: number): void {
    const ofCell = thrown instanceof CellThrew ? thrown : null
    const error = ofCell?.cellError ? named(ofCell.cellError, context) : cellErrorOf(thrown, context)
    const raw = ofCell?.cellError ?? toCellError(thrown)
    const reason = reasonOf(raw, context, interrupted || ofCell?.interrupted === true)
    this.#send({ type: 'failed', job: order.job.job, milliseconds, error, reason })
    // The others may wait for this rank in a collective: they hear at once why it does not come.
    if (reason === 'own') abortJob(newsOf(error))
  }

  #interrupt(job: number, error: WireError): void {
    const running = this.#running
    if (running?.order.job.job !== job) return
    running.interrupted = true
    this.#cells?.interrupt()
    abortJob(fromWireError(error))
  }

  /** Something thrown that nobody awaits: a timer, a forgotten promise. Between jobs it is only told. */
  #unhandled(error: unknown): void {
    const running = this.#running
    const old = error instanceof RondoError && isSecondHand(error, this.#base.group.rank)
    if (running === null) {
      // Waits of a job that was ended reject late; that is no news.
      if (!old) console.error(error)
    } else if (running.order.job.kind === 'cell') this.#cells?.reportUnhandled(error)
    else running.fail(error)
  }

  #status(id: number): void {
    const { accelerator } = this.#base
    this.#send({
      type: 'status',
      id,
      busy: this.#running !== null,
      memoryBytes: tf.memory().numBytes,
      adapter: accelerator ? [accelerator.name, accelerator.adapter?.description].filter(Boolean).join(', ') : '',
    })
  }

  async #answer(work: Promise<void>, message: (error: WireError | null) => RankMessage): Promise<void> {
    const error = await work.then(
      () => null,
      (thrown: unknown) => toWireError(thrown),
    )
    this.#send(message(error === null ? null : { code: error.code, name: error.name, message: error.message }))
  }

  #send(message: RankMessage): void {
    this.#base.emit({ kind: 'message', data: message })
  }
}

/** What no code awaits belongs to the job that runs, and does not end the rank as it would end a script's. */
function catchUnhandled(take: (error: unknown) => void): void {
  const scope = self as unknown as {
    onerror: ((message: unknown, source?: string, line?: number, column?: number, error?: unknown) => boolean) | null
    onunhandledrejection: ((rejection: PromiseRejectionEvent) => void) | null
  }
  scope.onerror = (message, _source, _line, _column, error) => {
    take(error ?? new Error(String(message)))
    return true
  }
  scope.onunhandledrejection = (rejection) => {
    rejection.preventDefault()
    take(rejection.reason)
  }
}
