/**
 * A session for tests of the pool: a signaling client and an HTTP server in memory, whose ranks answer as a test says.
 * The real server and ranks are proven in the browser; this is for orders of events that no browser gives on demand.
 */
import type { Member, RankEvent, RunConfig, RunState, SessionSnapshot, WireError } from '@rondo/protocol'
import type { SignalingClient } from '@rondo/transport'
import type { LaunchOptions } from '../../kernel/messages.ts'
import type { JobOrder, RankCommand, RankMessage } from '../../rank/messages.ts'
import type { RankPoolOptions } from '../options.ts'

/** A launch on two devices with nothing special. */
export const LAUNCH: LaunchOptions = {
  call: 'fabric.launch',
  name: 'train',
  strategy: 'ddp_notebook',
  devices: 2,
  accelerator: null,
  precision: null,
  processGroupBackend: 'auto',
}

type Listener = (payload: unknown) => void
type ConnectionListener = Parameters<SignalingClient['onConnection']>[0]

export class ScriptedSession {
  /** Called for each job of each rank; answers with `say`. By default a rank does not answer. */
  onJob: (rank: number, order: JobOrder) => void = () => {}
  onCommand: (ranks: readonly number[], command: RankCommand) => void = () => {}
  readonly commands: RankCommand[] = []
  /** Reasons of `run:stop`, in order. */
  readonly stops: Array<{ reason: string; error?: WireError }> = []
  readonly files = new Map<string, Uint8Array>()
  runs = 0
  #run: RunState | null = null
  readonly #members: Member[]
  readonly #changes = new Set<ConnectionListener>()
  #state: Parameters<ConnectionListener>[0] = 'connected'
  readonly #listeners = new Map<string, Set<Listener>>()

  constructor(slots: number) {
    this.#members = Array.from({ length: slots }, (_, localRank) => ({
      memberId: `m${localRank}`,
      pageId: 'here',
      browserId: null,
      nodeId: 'here',
      nodeLabel: 'this page',
      nodeRank: 0,
      localRank,
      device: { adapter: null, webgpu: 'none', cores: 1 } as unknown as Member['device'],
      admitted: true,
      joinedAt: 0,
      lastSeen: 0,
    }))
  }

  /** For `new RankPool(…)`. */
  get options(): RankPoolOptions {
    const session = this
    const client = {
      get state() {
        return session.#state
      },
      get snapshot() {
        return session.#snapshot()
      },
      on: (event: string, listener: Listener) => session.#on(event, listener),
      onConnection: (listener: ConnectionListener) => {
        session.#changes.add(listener)
        return () => session.#changes.delete(listener)
      },
      request: async (event: string, payload: never) => session.#request(event, payload),
    }
    return {
      client: client as unknown as SignalingClient,
      origin: 'http://session',
      joinToken: 'join',
      controlToken: 'control',
      localPageId: () => 'here',
      directRanks: () => null,
    }
  }

  /** In the place of the global one. */
  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const name = url.split('/files/')[1]
    if (name === undefined) return new Response(null, { status: 201 })
    if (init.method === 'PUT') this.files.set(name, new Uint8Array(init.body as ArrayBuffer))
    if (init.method === 'DELETE') this.files.delete(name)
    const bytes = this.files.get(name)
    if (init.method !== 'GET') return new Response(null, { status: 204 })
    return bytes ? new Response(bytes.slice()) : new Response('gone', { status: 404 })
  }

  say(rank: number, message: RankMessage): void {
    this.tell(rank, { kind: 'message', data: message })
  }

  tell(rank: number, event: RankEvent): void {
    const run = this.#run as RunState
    this.#emit('run:event', { runId: run.runId, generation: 1, rank, event })
  }

  /** The rank begins and ends well. */
  finish(rank: number, job: number, result: string | null): void {
    this.say(rank, { type: 'started', job })
    const file = result === null ? null : `jobs/${job}.${rank}.result`
    if (file !== null) this.files.set(file, new TextEncoder().encode(result ?? ''))
    this.say(rank, { type: 'done', job, milliseconds: 1, file })
  }

  /** The connection to the server changes. */
  connection(state: Parameters<ConnectionListener>[0]): void {
    this.#state = state
    for (const listener of [...this.#changes]) listener(state, 'as the test says')
  }

  /** A server that was started anew knows of no run. */
  forget(): void {
    this.#run = null
    this.#emit('session', this.#snapshot())
  }

  /** The server ends the run. */
  end(status: 'failed' | 'stopped', error: WireError | null): void {
    if (this.#run?.status !== 'running') return
    this.#run = { ...this.#run, status, error }
    this.#emit('session', this.#snapshot())
  }

  #request(event: string, payload: { config: RunConfig; members: string[] } & Record<string, unknown>): unknown {
    if (event === 'run:open') return this.#open(payload.config, payload.members)
    if (event === 'run:command') {
      const command = payload['data'] as RankCommand
      this.commands.push(command)
      const ranks = (payload['ranks'] as number[] | null) ?? this.#run?.seats.map(({ rank }) => rank) ?? []
      queueMicrotask(() => {
        if (command.do === 'job') for (const rank of ranks) this.onJob(rank, command)
        else this.onCommand(ranks, command)
      })
    }
    if (event === 'run:stop') {
      const { reason, error } = payload as unknown as { reason: string; error?: WireError }
      this.stops.push({ reason, ...(error ? { error } : {}) })
      this.end(error ? 'failed' : 'stopped', error ?? null)
    }
    return null
  }

  #open(config: RunConfig, members: string[]): { run: RunState } {
    this.runs += 1
    const seats = members.map((memberId, rank) => ({
      rank,
      nodeRank: 0,
      localRank: rank,
      memberId,
      pageId: 'here',
      browserId: null,
      nodeId: 'here',
      nodeLabel: 'this page',
      state: 'running' as const,
      lastSeen: 0,
    }))
    const run: RunState = {
      runId: config.runId,
      status: 'running',
      generation: 1,
      config,
      seats,
      createdAt: 0,
      startedAt: 0,
      endedAt: null,
      error: null,
    }
    this.#run = run
    queueMicrotask(() => {
      for (const { rank } of seats) this.say(rank, { type: 'open' })
    })
    return { run }
  }

  #snapshot(): SessionSnapshot {
    return {
      session: 's',
      generation: 1,
      members: this.#members,
      agents: [],
      controlled: true,
      admission: 'open',
      offer: null,
      run: this.#run,
      serverTime: 0,
    }
  }

  #on(event: string, listener: Listener): () => void {
    const set = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, set)
    set.add(listener)
    return () => set.delete(listener)
  }

  #emit(event: string, payload: unknown): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(payload)
  }
}
