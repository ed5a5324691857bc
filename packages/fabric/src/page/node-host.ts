/**
 * A page as a node: runs the ranks that the server seats here. It listens for run:start and run:stop,
 * starts one worker a rank, has links made for each and passes their events on. Not for: showing
 * anything (apps), joining the session (the app does) or making links (transport).
 */
import {
  fromWireError,
  type RankEvent,
  RondoError,
  type RunStart,
  type ServerEvents,
  type SessionSnapshot,
  toWireError,
  type WireError,
} from '@rondo/protocol'
import { LinkBroker, type SignalingClient } from '@rondo/transport'
import { DirectLine, type DirectListener, type DirectRanks } from './direct-line.ts'
import { RankWorker } from './rank-worker.ts'

/** Where the build puts the rank worker. */
const RANK_WORKER_URL = '/runtime/rank-worker.js'
/**
 * Milliseconds for the server to take what a rank said: an outage of a minute must not cost a rank, and a client gives
 * up by then.
 */
const FORWARD_TIMEOUT_MS = 75_000
/** What the server must hear of, however late: how a rank stands. */
const OUTCOMES: ReadonlySet<RankEvent['kind']> = new Set(['ready', 'done', 'error'])

export interface NodeHostOptions {
  client: SignalingClient
  browserId: string | null
  /** Lets rank 0 store files with the run; the session's join token. */
  uploadToken: string
  iceServers?: RTCIceServer[]
  /** The only addresses of this machine for WebRTC; by default the browser chooses. */
  iceAddresses?: readonly string[] | null
  workerUrl?: string
  /** Something went wrong on this page that no rank could report. */
  onError?: (error: unknown) => void
}

interface HostedRun {
  runId: string
  /** Grows when the run does. */
  generation: number
  workers: RankWorker[]
  abort: AbortController
  /** Commands that came; one that is said again after a lost connection is not passed on again. */
  commandIds: Set<string>
  /** Resolves when stopped ranks have tidied up. */
  stopped: Promise<unknown> | null
}

/** Construct after joining; `dispose()` ends every rank of this page. */
export class NodeHost implements DirectRanks {
  private readonly options: NodeHostOptions
  private readonly broker: LinkBroker
  private readonly direct = new DirectLine()
  private readonly subscriptions: Array<() => void>
  private run: HostedRun | null = null
  /** Name of the session, once the server told it. */
  private session: string | null = null

  constructor(options: NodeHostOptions) {
    this.options = options
    const { client, browserId, iceServers, iceAddresses = null } = options
    this.broker = new LinkBroker({ signaling: client, browserId, iceAddresses, ...(iceServers ? { iceServers } : {}) })
    this.subscriptions = [
      client.on('run:start', (start) => this.start(start)),
      client.on('run:stop', (stop) => {
        if (this.run?.runId === stop.runId) void this.stop(stop.reason, stop.error)
      }),
      client.on('run:command', (command) => this.command(command)),
      client.on('session', (snapshot) => this.follow(snapshot)),
    ]
  }

  /** Ranks that run on this page at the moment. */
  get ranks(): number[] {
    return this.run?.workers.map((worker) => worker.rank) ?? []
  }

  /** Ends every rank of this page at once, as leaving does. */
  dispose(): void {
    for (const unsubscribe of this.subscriptions) unsubscribe()
    this.end()
    this.broker.dispose()
  }

  private start(start: RunStart): void {
    const { run: before } = this
    const grows =
      start.config.growable === true && before?.runId === start.runId && before.generation < start.generation
    if (!grows) this.end()
    const run: HostedRun = (grows ? before : null) ?? {
      runId: start.runId,
      generation: start.generation,
      workers: [],
      abort: new AbortController(),
      commandIds: new Set(),
      stopped: null,
    }
    run.generation = start.generation
    this.run = run
    for (const rank of start.yours) this.startRank(run, start, rank)
  }

  /** A rank that runs already goes on in the larger world. */
  private startRank(run: HostedRun, start: RunStart, rank: number): void {
    const channel = new MessageChannel()
    const known = run.workers.find((worker) => worker.rank === rank)
    const worker =
      known ??
      new RankWorker({
        start,
        rank,
        linkPort: channel.port1,
        uploadToken: this.options.uploadToken,
        session: this.session,
        workerUrl: this.options.workerUrl ?? RANK_WORKER_URL,
        onEvent: (event) => this.forward(run, rank, event),
        onFile: (name, bytes) => this.direct.keep(run.runId, name, bytes),
      })
    if (known === undefined) run.workers.push(worker)
    else known.grow(start, channel.port1)
    const { runId, generation, seats, config } = start
    const { signal } = run.abort
    this.broker
      .connect({ runId, generation, seats, backend: config.processGroupBackend }, rank, channel.port2, {
        signal,
        timeoutMs: config.startTimeoutSeconds * 1000,
      })
      .catch((error: unknown) => {
        // Links of a smaller world are given up when it grows.
        if (!signal.aborted && run.generation === generation) worker.fail(error)
      })
  }

  /** Throwing refuses it: the controller learns that it did not arrive. */
  private command({ runId, generation, commandId, ranks, data }: ServerEvents['run:command']): void {
    if (this.run?.generation !== generation) throw noReceiver(runId, commandId)
    this.commandRanks(runId, commandId, ranks, data)
  }

  hear(runId: string, listener: DirectListener): () => void {
    return this.direct.hear(runId, listener)
  }

  takeFile(runId: string, name: string): ArrayBuffer | null {
    return this.direct.take(runId, name)
  }

  async stopRun(runId: string, reason: string, error: WireError | null): Promise<void> {
    if (this.run?.runId === runId) await this.stop(reason, error)
  }

  commandRanks(runId: string, commandId: string, ranks: readonly number[] | null, data: unknown): void {
    const { run } = this
    if (run?.runId !== runId) throw noReceiver(runId, commandId)
    if (run.commandIds.has(commandId)) return
    run.commandIds.add(commandId)
    for (const worker of run.workers) {
      if (ranks === null || ranks.includes(worker.rank)) worker.command(commandId, data)
    }
  }

  /** Progress may be lost under load; everything else is acknowledged by the server. */
  private forward(run: HostedRun, rank: number, event: RankEvent): void {
    const { client } = this.options
    this.direct.tell(run.runId, rank, event)
    const heard = this.direct.isHeard(run.runId)
    // Only others miss it then, and an outage must not fill this page's memory with what ranks print.
    if (heard && client.state !== 'connected' && !OUTCOMES.has(event.kind)) return
    const message = { runId: run.runId, generation: run.generation, rank, event }
    if (event.kind === 'progress') {
      client.notify('rank:event', message)
      return
    }
    const limits = { signal: run.abort.signal, timeoutMs: FORWARD_TIMEOUT_MS }
    client.request('rank:event', message, limits).catch((error: unknown) => {
      // It was on its way when the run grew.
      if (run.generation !== message.generation && !run.abort.signal.aborted) return this.forward(run, rank, event)
      // A controller on this page has heard it; a server that was started anew knows nothing of the run.
      if (run.abort.signal.aborted || heard) return
      this.options.onError?.(error)
      // A refused result would leave the run waiting for this rank for ever.
      if (event.kind !== 'error') run.workers.find((worker) => worker.rank === rank)?.fail(error)
    })
  }

  private follow(snapshot: SessionSnapshot): void {
    this.session = snapshot.session
    const run = this.run
    const state = snapshot.run
    if (!run || state?.runId !== run.runId) return
    if (state.status === 'done') this.end()
    else if (state.status === 'failed' || state.status === 'stopped') void this.stop(state.status, state.error)
  }

  private async stop(reason: string, error: WireError | null): Promise<void> {
    const run = this.run
    if (!run) return
    // The end of a run is told more than once; nothing said later may cut the time to tidy up.
    if (run.stopped === null) {
      this.direct.tellStop(run.runId, reason, error)
      run.stopped = Promise.all(run.workers.map((worker) => worker.stop(reason, error)))
    }
    await run.stopped
    if (this.run === run) this.end(error ? fromWireError(error) : reason)
  }

  private end(reason: unknown = 'the run ended'): void {
    const run = this.run
    if (!run) return
    this.run = null
    run.abort.abort(toWireError(reason))
    for (const worker of run.workers) worker.terminate()
    this.broker.closeRun(run.runId)
    this.direct.forget(run.runId)
  }
}

function noReceiver(runId: string, commandId: string): RondoError {
  return new RondoError('UNKNOWN_RUN', `Run ${runId} does not go on here, so command ${commandId} has no receiver.`)
}
