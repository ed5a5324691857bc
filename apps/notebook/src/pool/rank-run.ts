/**
 * One run of the notebook's ranks as its controller sees it: opened, commanded, heard, ended. Not for: which slots it
 * gets (slots.ts) or what a job's outcome means for the next one (rank-pool.ts).
 */

import type { DirectRanks } from '@rondo/fabric/page'
import {
  fromWireError,
  type RankEvent,
  RondoError,
  type RunConfig,
  type RunState,
  type Seat,
  type SessionSnapshot,
  toWireError,
  type WireError,
} from '@rondo/protocol'
import type { SignalingClient } from '@rondo/transport'
import { parseRankMessage, type RankCommand, type RankMessage } from '../rank/messages.ts'

/** Milliseconds beyond the run's own start deadline for programs to load once all links stand. */
const PROGRAM_TIMEOUT_MS = 30_000

/** What is heard of the ranks while somebody listens. */
export interface RunListener {
  onEvent(rank: number, event: RankEvent): void
  onMessage(rank: number, message: RankMessage): void
  /** Who sits where, as the server tells it. */
  onState?(state: RunState): void
  /** The run is over, by whatever cause. What its ranks say while they tidy up still comes. */
  onEnd(error: RondoError): void
}

/** Ranks of this run that are heard without the server; `areAll`: no others take part. */
interface ShortWay {
  ranks: DirectRanks
  areAll: boolean
}

export class RankRun {
  readonly runId: string
  /** Member ids in rank order. */
  readonly members: readonly string[]
  readonly config: RunConfig
  readonly #client: SignalingClient
  readonly #subscriptions: Array<() => void>
  readonly #opened = new Set<number>()
  readonly #ready = new Map<number, RankEvent>()
  readonly #listeners = new Set<RunListener>()
  readonly #lastLines = new Map<number, string>()
  readonly #short: ShortWay | null
  /** Ranks that were heard directly; what the server repeats of them is no news. */
  readonly #direct = new Set<number>()
  /** What came before the server told who sits where. */
  #early: Array<() => void> = []
  /** Why the server knows nothing of it any more, while a job on ranks of this page still goes on. */
  #orphaned: RondoError | null = null
  #state: RunState | null = null
  #commands = 0
  #end: RondoError | null = null

  constructor(client: SignalingClient, config: RunConfig, members: readonly string[], short: ShortWay | null = null) {
    this.runId = config.runId
    this.config = config
    this.members = members
    this.#client = client
    this.#short = short
    this.#subscriptions = [
      client.on('run:event', ({ runId, rank, event }) => {
        if (runId === this.runId && !this.#direct.has(rank)) this.#hear(rank, event)
      }),
      client.on('session', (snapshot) => this.#follow(snapshot)),
      client.on('run:stop', ({ runId, reason, error }) => {
        if (runId === this.runId) this.#finish(error ? fromWireError(error) : stopped(reason))
      }),
      client.onConnection((state, reason) => {
        if (state === 'closed') {
          this.#orphan(
            new RondoError(
              'CONNECTION_LOST',
              `The connection to the server is gone (${reason}), and the ranks with it. Start the server again and open the link that it prints; the notebook is saved here.`,
            ),
          )
        }
      }),
    ]
    if (short !== null) {
      const onStop = (reason: string, error: WireError | null): void =>
        this.#finish(error ? fromWireError(error) : stopped(reason))
      this.#subscriptions.push(
        short.ranks.hear(this.runId, { onEvent: (rank, event) => this.#overhear(rank, event), onStop }),
      )
    }
  }

  /** As the server told it last; null before it was opened. */
  get state(): RunState | null {
    return this.#state
  }

  get seats(): readonly Seat[] {
    return this.#state?.seats ?? []
  }

  /** Why it is over; null while it goes on. */
  get ended(): RondoError | null {
    return this.#end
  }

  /** Has the server seat and start the ranks; resolves when every rank waits for its first job. */
  async open(signal: AbortSignal): Promise<void> {
    const { run } = await this.#client.request(
      'run:open',
      { config: this.config, nodes: null, members: [...this.members] },
      { signal },
    )
    this.#see(run)
    const timeoutMs = this.config.startTimeoutSeconds * 1000 + PROGRAM_TIMEOUT_MS
    await this.until(() => this.#opened.size === this.members.length, {
      signal,
      timeoutMs,
      what: () => {
        const missing = this.members.flatMap((_, rank) => (this.#opened.has(rank) ? [] : [this.describe(rank)]))
        return `${missing.join(', ')} did not start within ${Math.round(timeoutMs / 1000)} s. Look at that page, then launch again.`
      },
    })
  }

  /** What each rank said when it was ready, with its links: a warm launch shows them too. */
  get readyEvents(): ReadonlyMap<number, RankEvent> {
    return this.#ready
  }

  /** Hears the ranks from now on. Call the result to stop. */
  listen(listener: RunListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
      if (this.#orphaned !== null) this.#orphan(this.#orphaned)
    }
  }

  /** Sends a command; resolves when the ranks' pages have it. */
  async command(ranks: readonly number[] | null, data: RankCommand, signal?: AbortSignal): Promise<void> {
    if (this.#end !== null) throw this.#end
    this.#commands += 1
    const commandId = `${this.runId.slice(0, 40)}-${this.#commands}`
    if (this.#short?.areAll) return this.#short.ranks.commandRanks(this.runId, commandId, ranks, data)
    await this.#client.request(
      'run:command',
      { runId: this.runId, commandId, ranks: ranks === null ? null : [...ranks], data },
      signal === undefined ? {} : { signal },
    )
  }

  /**
   * Waits until `met`, which is looked at after each message of a rank. Rejects with the end of the run, the signal's
   * reason, or TIMEOUT with the sentence `what`.
   */
  until(
    met: () => boolean,
    options: {
      signal?: AbortSignal
      timeoutMs: number | null
      what: () => string
      /** Goes on waiting when the run ends: for ranks that tidy up. */
      pastEnd?: boolean
    },
  ): Promise<void> {
    const { signal, timeoutMs, what, pastEnd = false } = options
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown): void => {
        clearTimeout(timer)
        stop()
        signal?.removeEventListener('abort', onAbort)
        if (error === undefined) resolve()
        else reject(error)
      }
      const onAbort = (): void => settle(signal?.reason)
      const look = (): void => {
        if (met()) settle()
      }
      const timer =
        timeoutMs === null ? undefined : setTimeout(() => settle(new RondoError('TIMEOUT', what())), timeoutMs)
      const stop = this.listen({ onEvent: () => {}, onMessage: look, onEnd: pastEnd ? () => {} : settle })
      signal?.addEventListener('abort', onAbort, { once: true })
      if (signal?.aborted) onAbort()
      else if (this.#end !== null && !pastEnd) settle(this.#end)
      else look()
    })
  }

  /** Ends it for everyone. Ranks get two seconds to tidy up; a run opened meanwhile ends them at once. */
  async stop(reason: string, error?: RondoError): Promise<void> {
    if (this.#end !== null) return
    const wire = error === undefined ? {} : { error: withoutStack(error) }
    const told = this.#client
      .request('run:stop', { runId: this.runId, reason: reason.slice(0, 120), ...wire })
      .finally(() => this.#finish(error ?? stopped(reason)))
    if (this.#short?.areAll && this.#client.state !== 'connected') {
      // Ranks of this page stop without a server that is away; it hears of it when it is back in time.
      told.catch(() => {})
      this.#endHere(reason, error ?? null)
      this.#finish(error ?? stopped(reason))
    } else await told
  }

  /** Hears nothing more of it. */
  dispose(): void {
    this.#finish(stopped('it was left'))
    for (const unsubscribe of this.#subscriptions) unsubscribe()
    this.#listeners.clear()
  }

  /** What the rank printed last; empty before it printed anything. */
  lastLine(rank: number): string {
    return this.#lastLines.get(rank) ?? ''
  }

  /** `rank 2 (Ada's laptop)`. */
  describe(rank: number): string {
    const label = this.seats[rank]?.nodeLabel
    return label ? `rank ${rank} (${label})` : `rank ${rank}`
  }

  /** A rank of this page, heard without the server. */
  #overhear(rank: number, event: RankEvent): void {
    this.#direct.add(rank)
    if (this.#state === null) this.#early.push(() => this.#hear(rank, event))
    else this.#hear(rank, event)
    if (event.kind !== 'error' || !this.#short?.areAll || this.#client.state === 'connected') return
    // With the server away nobody else ends the run.
    const error = fromWireError(event.error)
    this.#endHere(error.message, error)
    this.#finish(error)
  }

  #hear(rank: number, event: RankEvent): void {
    if (rank >= this.members.length) return
    if (event.kind === 'ready') this.#ready.set(rank, event)
    if (event.kind === 'console') this.#lastLines.set(rank, event.text.trimEnd().split('\n').at(-1) ?? '')
    if (event.kind !== 'message') {
      for (const listener of [...this.#listeners]) listener.onEvent(rank, event)
      return
    }
    const message = parseRankMessage(event.data)
    if (message === null) return
    if (message.type === 'open') this.#opened.add(rank)
    for (const listener of [...this.#listeners]) listener.onMessage(rank, message)
  }

  #follow({ run }: SessionSnapshot): void {
    if (run?.runId === this.runId) this.#see(run)
    // A server that was started anew does not know the run any more.
    else if (this.#state !== null) this.#orphan(stopped('the session went on to something else'))
  }

  /** The server has let go of it. Ranks that are all on this page finish what somebody waits for; nothing is begun. */
  #orphan(error: RondoError): void {
    if (this.#end !== null) return
    this.#orphaned = error
    if (this.#short?.areAll && this.#listeners.size > 0) return
    if (this.#short?.areAll) this.#endHere(error.message, error)
    this.#finish(error)
  }

  #endHere(reason: string, error: RondoError | null): void {
    this.#short?.ranks.stopRun(this.runId, reason, error && withoutStack(error)).catch(() => {})
  }

  #see(run: RunState): void {
    this.#state = run
    const early = this.#early
    this.#early = []
    for (const listener of [...this.#listeners]) listener.onState?.(run)
    if (run.status === 'failed' || run.status === 'stopped' || run.status === 'done') {
      this.#finish(run.error ? fromWireError(run.error) : stopped(run.status))
    }
    for (const tell of early) tell()
  }

  #finish(error: RondoError): void {
    if (this.#end !== null) return
    this.#end = error
    for (const listener of [...this.#listeners]) listener.onEnd(error)
  }
}

/** As the server takes it: short, and without this page's own stack. */
function withoutStack(error: RondoError): WireError {
  const { stack: _, details: __, ...wire } = toWireError(error)
  return { ...wire, name: wire.name.slice(0, 120), message: wire.message.slice(0, 4_096) }
}

function stopped(reason: string): RondoError {
  return new RondoError('ABORTED', `The ranks were stopped: ${reason}. Launch again to start new ones.`)
}
