import { RondoError, toWireError } from '@rondo/protocol'
import { CellFailure } from '../kernel/client.ts'
import type { DistStatus, LaunchOptions } from '../kernel/messages.ts'
import type { JobListeners, PoolEvent } from './events.ts'
import { askAll, runJob } from './job.ts'
import { type OpenedRun, openRun, type RunShape, sameShape } from './open-run.ts'
import type { RankPoolOptions } from './options.ts'
import { requireRanks, wantedDevices } from './requests.ts'
import { requireServer } from './server-here.ts'
import { chooseSlots, listSlots, type Slot } from './slots.ts'
import { askStatus } from './status.ts'

/** Milliseconds for all ranks to pass `%sync`: a rank's cell may still run on. */
const SYNC_TIMEOUT_MS = 90_000

export interface CellOrder {
  code: string
  cellId: string
  cellNumber: number
  /** null for all. */
  ranks: readonly number[] | null
}

/** `none`: no ranks; `warm`: a launch's ranks wait for the next; `persistent`: between `%dist_init` and shutdown. */
export type PoolState = 'none' | 'warm' | 'persistent'

interface Active {
  abort: AbortController
  /** Stop was pressed once, here or through the job's own signal. */
  stopping: boolean
}

export class RankPool {
  readonly #options: RankPoolOptions
  #opened: OpenedRun | null = null
  #persistent = false
  /** Why persistent ranks are gone although nobody shut them down. */
  #lost: RondoError | null = null
  #jobs = 0
  #active: Active | null = null
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: RankPoolOptions) {
    this.#options = options
  }

  get state(): PoolState {
    if (this.#alive() === null) return 'none'
    return this.#persistent ? 'persistent' : 'warm'
  }

  get busy(): boolean {
    return this.#active !== null
  }

  /** Whether Stop was pressed and ranks still have to let go: the next {@link stop} terminates them. */
  get stopping(): boolean {
    return this.#active?.stopping === true
  }

  /** Slots in the order in which launches take them: this page's first. */
  slots(): Slot[] {
    return listSlots({
      snapshot: this.#options.client.snapshot,
      localPageId: this.#options.localPageId(),
      idleRunId: this.#active === null ? (this.#alive()?.run.runId ?? null) : null,
    })
  }

  /**
   * Runs a forked function on fresh or warm ranks; resolves with rank 0's encoded result. Rejects with BAD_DEVICES,
   * NOT_ENOUGH_DEVICES or CONFLICT before anything starts, CellFailure for what a rank threw, RANK_LOST and the like
   * for ranks that are gone, ABORTED when stopped. Launches wait for one another.
   */
  launch(program: ArrayBuffer, options: LaunchOptions, listeners: JobListeners = {}): Promise<ArrayBuffer> {
    return this.#exclusive(listeners, async (signal, tell) => {
      if (this.state === 'persistent') {
        throw new RondoError(
          'CONFLICT',
          `${options.call}: ${this.#alive()?.run.members.length} persistent ranks of %dist_init are here, and a launch wants ranks of its own. Run %dist_shutdown first, or call the function in a %%distributed cell.`,
        )
      }
      await requireServer(this.#options.client, options.call, signal)
      const slots = chooseSlots(this.slots(), options.devices, options.call)
      const opened = await this.#ranksOn(slots, options, signal, tell)
      const job = this.#nextJob()
      const values = await runJob({
        ...opened,
        job: { kind: 'launch', job, file: `jobs/${job}.bin`, call: options.call },
        ranks: slots.map((_, rank) => rank),
        program,
        signal,
        tell,
      })
      return values.get(0) ?? missingResult(options.call)
    })
  }

  /**
   * `%dist_init`: ranks whose scopes stay alive. Warm ranks of the same shape are taken over.
   * @param request.slots numbers in the order of {@link slots}
   */
  distInit(
    request: { numProcesses: number | null; slots: readonly number[] | null },
    listeners: JobListeners = {},
  ): Promise<DistStatus> {
    return this.#exclusive(listeners, async (signal, tell) => {
      if (this.state === 'persistent') {
        throw new RondoError(
          'CONFLICT',
          `%dist_init: ${this.#alive()?.run.members.length} persistent ranks are here already. Use them, or run %dist_shutdown first.`,
        )
      }
      const devices = wantedDevices(request)
      await requireServer(this.#options.client, '%dist_init', signal)
      const slots = chooseSlots(this.slots(), devices, '%dist_init')
      const opened = await this.#ranksOn(slots, { accelerator: null, processGroupBackend: 'auto' }, signal, tell)
      this.#persistent = true
      this.#lost = null
      return askStatus(opened.run)
    })
  }

  /**
   * A cell on persistent ranks; resolves with each rank's encoded last value, in the order of `ranks`. A rank's error
   * rejects with CellFailure and leaves all ranks idle, their scopes as they are.
   */
  distRun(order: CellOrder, listeners: JobListeners = {}): Promise<ArrayBuffer[]> {
    return this.#exclusive(listeners, async (signal, tell) => {
      await requireServer(this.#options.client, '%%distributed', signal)
      const opened = this.#requirePersistent('A %%distributed cell')
      const ranks = requireRanks(order.ranks, opened.run.members.length)
      const { cellId, cellNumber, code } = order
      tellWarm(opened, tell)
      const job = this.#nextJob()
      const values = await runJob({
        ...opened,
        job: { kind: 'cell', job, file: `jobs/${job}.js`, cellId, cellNumber },
        ranks,
        program: new TextEncoder().encode(code),
        signal,
        tell,
      })
      return ranks.map((rank) => values.get(rank) ?? missingResult('%%distributed'))
    })
  }

  /** `%sync`: resolves when every rank has passed a barrier. */
  distSync(listeners: JobListeners = {}): Promise<void> {
    return this.#exclusive(listeners, async (signal) => {
      const { run } = this.#requirePersistent('%sync')
      await askAll(run, 'sync', this.#nextJob(), SYNC_TIMEOUT_MS, signal)
    })
  }

  /** `%dist_status`, also while a cell runs. Ranks that never yield are shown as busy. */
  async distStatus(): Promise<DistStatus> {
    return askStatus(this.#requirePersistent('%dist_status').run)
  }

  /** `%dist_shutdown`; harmless without ranks. What runs there is stopped. */
  async distShutdown(): Promise<void> {
    this.#persistent = false
    this.#lost = null
    await this.#end('shut down in the notebook')
  }

  /**
   * Stop. The first time: a launch's ranks end within two seconds, a cell's awaits reject in every rank and scopes
   * stay. The second time, also after the job's own signal: all ranks are terminated. Stopping a job that waits for
   * ranks which were stopped already counts as that second time.
   */
  async stop(): Promise<void> {
    const active = this.#active
    if (active === null) return
    if (active.stopping) return this.#end('stopped twice in the notebook')
    active.stopping = true
    active.abort.abort(new RondoError('ABORTED', 'Stopped: the ranks were interrupted.'))
  }

  /** Ends ranks that are only kept warm; false when they are at work or hold scopes that somebody wants. */
  async giveWay(): Promise<boolean> {
    if (this.busy || this.state !== 'warm') return false
    await this.#end('another notebook of this session wants to launch')
    return true
  }

  /** Ends the ranks, as closing the notebook does. */
  async dispose(): Promise<void> {
    await this.#end('the notebook was closed')
  }

  #alive(): OpenedRun | null {
    return this.#opened?.run.ended === null ? this.#opened : null
  }

  /** Warm ranks where the shape is the same, else new ones in their place. */
  async #ranksOn(
    slots: readonly Slot[],
    { accelerator, processGroupBackend }: Pick<LaunchOptions, 'accelerator' | 'processGroupBackend'>,
    signal: AbortSignal,
    tell: (event: PoolEvent) => void,
  ): Promise<OpenedRun> {
    const shape: RunShape = { slots, accelerator, processGroupBackend }
    const warm = this.#alive()
    if (warm !== null && sameShape(warm, shape)) {
      tellWarm(warm, tell)
      return warm
    }
    await this.#end('the notebook wants other ranks')
    this.#opened = await openRun(this.#options, shape, signal, tell)
    return this.#opened
  }

  async #end(reason: string): Promise<void> {
    const opened = this.#opened
    this.#opened = null
    if (opened === null) return
    await opened.run.stop(reason).catch(() => {})
    opened.run.dispose()
  }

  #requirePersistent(what: string): OpenedRun {
    const opened = this.#alive()
    if (opened !== null && this.#persistent) return opened
    if (this.#persistent) {
      this.#persistent = false
      this.#lost = this.#opened?.run.ended ?? null
    }
    const why = this.#lost === null ? '' : ` The last ones ended: ${this.#lost.message}`
    throw new RondoError(
      'NOT_LAUNCHED',
      `${what} needs persistent ranks, and there are none.${why} Start them with %dist_init --num-processes 2.`,
    )
  }

  #nextJob(): number {
    this.#jobs += 1
    return this.#jobs
  }

  /** One job at a time, in the order of the calls; tells the end of each. */
  #exclusive<T>(
    { signal, onEvent }: JobListeners,
    work: (signal: AbortSignal, tell: (event: PoolEvent) => void) => Promise<T>,
  ): Promise<T> {
    const onImpatience = (): void => {
      if (this.stopping) void this.stop()
    }
    signal?.addEventListener('abort', onImpatience, { once: true })
    const turn = this.#turn.then(async () => {
      signal?.removeEventListener('abort', onImpatience)
      signal?.throwIfAborted()
      const active: Active = { abort: new AbortController(), stopping: false }
      const onAbort = (): void => {
        active.stopping = true
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#active = active
      const tell = onEvent ?? (() => {})
      const startedAt = performance.now()
      const ended = (status: 'done' | 'failed' | 'stopped', thrown: unknown): void => {
        const error = status === 'done' ? null : errorOf(thrown)
        tell({ type: 'ended', status, milliseconds: performance.now() - startedAt, error })
      }
      const both = signal === undefined ? active.abort.signal : AbortSignal.any([signal, active.abort.signal])
      try {
        const value = await work(both, tell)
        ended('done', null)
        return value
      } catch (thrown) {
        ended(both.aborted ? 'stopped' : 'failed', thrown)
        throw thrown
      } finally {
        signal?.removeEventListener('abort', onAbort)
        this.#active = null
      }
    })
    this.#turn = turn.catch(() => {})
    return turn
  }
}

/** Ranks that are there already: who they are, and by which links they are joined. */
function tellWarm({ run }: OpenedRun, tell: (event: PoolEvent) => void): void {
  if (run.state !== null) tell({ type: 'open', run: run.state, warm: true })
  for (const [rank, event] of run.readyEvents) tell({ type: 'rank', rank, event })
}

/** For panels, which know no cells: the error with its rank. */
function errorOf(thrown: unknown): ReturnType<typeof toWireError> {
  if (!(thrown instanceof CellFailure)) return toWireError(thrown)
  const { name, message, rank, node } = thrown.cellError
  return {
    code: 'RANK_FAILED',
    name,
    message,
    ...(rank === null ? {} : { rank }),
    ...(node === null ? {} : { node }),
  }
}

function missingResult(call: string): never {
  throw new RondoError('INTERNAL', `${call}: a rank ended well but stored no result. Launch again.`)
}
