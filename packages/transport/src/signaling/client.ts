/**
 * The signaling client of pages, agents and the CLI: one connection to one session, typed by the protocol's
 * tables. After a lost connection it comes back by itself and says again what it was (hello, join). Not for:
 * what the messages mean.
 */
import {
  type AckValues,
  type ClientEvent,
  type ClientPayloads,
  fromWireError,
  type Handshake,
  PROTOCOL_VERSION,
  RondoError,
  type ServerEvent,
  type ServerEvents,
  type SessionSnapshot,
} from '@rondo/protocol'
import { io, type Socket } from 'socket.io-client'
import { exchange } from './exchange.ts'
import { Listeners } from './listeners.ts'
import { alignedFrame, newClientKey, refusalOf } from './wire.ts'

/** Milliseconds until `connect` gives up, and until a lost connection is given up. */
const CONNECT_TIMEOUT_MS = 15_000
const RECONNECT_TIMEOUT_MS = 60_000
/** Milliseconds for an answer; a relayed frame waits for the other end, 30 s at most by the server's bound. */
const REQUEST_TIMEOUT_MS = 10_000
const RELAY_TIMEOUT_MS = 45_000
/** Milliseconds between attempts: the first at once, later ones spread out. */
const RETRY_MIN_MS = 200
const RETRY_MAX_MS = 2_000
/** Milliseconds of one attempt. */
const ATTEMPT_TIMEOUT_MS = 5_000
/** Messages that do no harm when the server got them already: a rank's end must not be lost with a packet. */
const REPEATABLE: ReadonlySet<ClientEvent> = new Set([
  'join',
  'leave',
  'rank:event',
  'run:stop',
  'run:command',
  'page:remove',
  'page:admit',
  'session:admission',
])
/** Packets waiting on a congested line above which `notify` drops. */
const CONGESTED_PACKETS = 64

export interface SignalingClientOptions {
  /** Origin of the server, e.g. `http://localhost:29400`. */
  url: string
  session: string
  token?: string
  role: Handshake['role']
  /** Milliseconds until a lost connection is given up, 60 s by default; null never gives up. */
  reconnectTimeoutMs?: number | null
  /** False spares the server sending `run:event` to a client that does not listen to it. */
  runEvents?: boolean
}

export interface WaitOptions {
  signal?: AbortSignal
  timeoutMs?: number
}

export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'closed'
export type ConnectionListener = (state: 'connected' | 'reconnecting' | 'closed', reason: string) => void
/** For `relay` the server's acknowledgement waits for the returned promise: that is the back-pressure. */
export type ServerListener<E extends ServerEvent> = (payload: ServerEvents[E]) => void | Promise<void>

export class SignalingClient {
  readonly #options: SignalingClientOptions
  readonly #socket: Socket
  readonly #listeners = new Listeners<ServerEvents>()
  readonly #changes = new Set<ConnectionListener>()
  readonly #remembered = new Map<'agent:hello' | 'join', unknown>()
  #token: string | undefined
  #state: ConnectionState = 'idle'
  #snapshot: SessionSnapshot | null = null
  /** Why the connection ended, once it did. */
  #end: RondoError | null = null
  #lastStart: string | null = null
  #lastRefusal: RondoError | null = null
  #giveUp: ReturnType<typeof setTimeout> | undefined

  constructor(options: SignalingClientOptions) {
    this.#options = options
    this.#token = options.token
    const clientKey = newClientKey()
    this.#socket = io(options.url, {
      autoConnect: false,
      forceNew: true,
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      timeout: ATTEMPT_TIMEOUT_MS,
      reconnectionDelay: RETRY_MIN_MS,
      reconnectionDelayMax: RETRY_MAX_MS,
      auth: (give) => {
        const { session, role, runEvents = true } = options
        const hello: Handshake = { protocol: PROTOCOL_VERSION, session, role, clientKey, runEvents }
        give(this.#token === undefined ? hello : { ...hello, token: this.#token })
      },
    })
    this.#socket.on('connect', () => void this.#connected())
    this.#socket.on('connect_error', (error) => this.#attemptFailed(error))
    this.#socket.on('disconnect', (reason) => this.#disconnected(reason))
    this.#socket.onAny((event: ServerEvent, payload: unknown, ack?: (reply: unknown) => void) =>
      this.#receive(event, payload, ack),
    )
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** The newest snapshot of the session, so that nobody has to be there first to know it. */
  get snapshot(): SessionSnapshot | null {
    return this.#snapshot
  }

  /**
   * Resolves when the session let us in. Rejects with the server's own code (UNKNOWN_SESSION, BAD_TOKEN …),
   * with CONNECTION_LOST when nobody answered within `timeoutMs` (default 15 s), or ABORTED.
   */
  async connect({ signal, timeoutMs = CONNECT_TIMEOUT_MS }: WaitOptions = {}): Promise<void> {
    if (this.#state === 'connected') return
    if (this.#state === 'idle') {
      this.#state = 'connecting'
      this.#socket.connect()
    }
    try {
      await this.#whenConnected(signal, timeoutMs)
    } catch (error) {
      this.#finish(error instanceof RondoError ? error : new RondoError('CONNECTION_LOST', String(error)))
      throw error
    }
  }

  /** Listens to a server event; call the result to stop. */
  on<E extends ServerEvent>(event: E, listener: ServerListener<E>): () => void {
    return this.#listeners.add(event, listener)
  }

  /** Hears of every change of the connection from now on. `connected` comes after hello and join were said again. */
  onConnection(listener: ConnectionListener): () => void {
    this.#changes.add(listener)
    return () => this.#changes.delete(listener)
  }

  /**
   * Sends and waits for the acknowledgement. While the connection is being restored it waits for that first;
   * what may be said twice is said again when the connection broke before the answer.
   * Rejects with the server's refusal, TIMEOUT, CONNECTION_LOST or ABORTED.
   */
  async request<E extends ClientEvent>(
    event: E,
    payload: ClientPayloads[E],
    options: WaitOptions = {},
  ): Promise<AckValues[E]> {
    const timeoutMs = options.timeoutMs ?? (event === 'relay' ? RELAY_TIMEOUT_MS : REQUEST_TIMEOUT_MS)
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const left = () => Math.max(1, deadline - performance.now())
      if (this.#state !== 'connected') await this.#whenConnected(options.signal, left())
      try {
        const value = await exchange<AckValues[E]>(this.#socket, event, payload, left(), options.signal)
        this.#remember(event, payload, value)
        return value
      } catch (error) {
        const broke = error instanceof RondoError && error.code === 'CONNECTION_LOST' && this.state === 'reconnecting'
        if (!broke || !REPEATABLE.has(event)) throw error
      }
    }
  }

  /** Sends without acknowledgement, and not at all while the connection is down or congested. */
  notify<E extends ClientEvent>(event: E, payload: ClientPayloads[E]): void {
    const queued = this.#socket.io.engine?.writeBuffer.length ?? 0
    if (this.#state === 'connected' && queued <= CONGESTED_PACKETS) this.#socket.emit(event, payload)
  }

  /** Leaves. Everything that still waits rejects with CONNECTION_LOST. */
  close(): void {
    this.#finish(new RondoError('CONNECTION_LOST', 'The signaling client was closed. Make a new one to connect again.'))
  }

  #receive(event: ServerEvent, payload: unknown, ack?: (reply: unknown) => void): void {
    if (event === 'session') this.#snapshot = payload as SessionSnapshot
    if (event === 'run:start' && this.#isRepeated(payload as ServerEvents['run:start'])) return
    if (event === 'refused') this.#lastRefusal = fromWireError(payload as ServerEvents['refused'])
    if (event === 'relay') {
      const relay = payload as ServerEvents['relay']
      relay.frame = alignedFrame(relay.frame)
    }
    const taken = this.#listeners.call(event, payload as never)
    if (ack === undefined) return
    taken.then(
      (heard) => ack({ ok: heard }),
      () => ack({ ok: false }),
    )
  }

  /** The server says a start again when the first may have been lost with a connection. */
  #isRepeated({ runId, generation }: ServerEvents['run:start']): boolean {
    const start = `${runId}/${generation}`
    const repeated = this.#lastStart === start
    this.#lastStart = start
    return repeated
  }

  #remember(event: ClientEvent, payload: unknown, value: unknown): void {
    if (event === 'leave') this.#remembered.delete('join')
    if (event === 'join' || event === 'agent:hello') this.#remembered.set(event, payload)
    if (event === 'join' || event === 'agent:hello') this.#snapshot = (value as AckValues['join']).snapshot
    if (event === 'agent:hello') {
      const { controlToken, joinToken } = value as AckValues['agent:hello']
      this.#token ??= controlToken ?? joinToken
    }
  }

  async #connected(): Promise<void> {
    clearTimeout(this.#giveUp)
    try {
      // Hello comes first: an agent without token is only then let in.
      for (const event of ['agent:hello', 'join'] as const) {
        const payload = this.#remembered.get(event)
        if (payload !== undefined) await exchange(this.#socket, event, payload, REQUEST_TIMEOUT_MS)
      }
    } catch (error) {
      // A connection that broke again tells so by itself; a refusal ends it.
      if (this.#socket.connected) this.#finish(error as RondoError)
      return
    }
    if (this.#socket.connected) this.#change('connected', 'the server let us in')
  }

  #attemptFailed(error: Error): void {
    this.#lastRefusal = refusalOf(error) ?? this.#lastRefusal
    if (!this.#socket.active) {
      this.#finish(
        refusalOf(error) ??
          new RondoError('CONNECTION_LOST', `${this.#options.url} ended the connection: ${error.message}.`),
      )
    }
  }

  #disconnected(reason: string): void {
    if (this.#state === 'closed') return
    if (!this.#socket.active) {
      const because = this.#lastRefusal === null ? '' : ` Last refusal: ${this.#lastRefusal.message}`
      this.#finish(new RondoError('CONNECTION_LOST', `The server ended the connection (${reason}).${because}`))
      return
    }
    const { url, reconnectTimeoutMs = RECONNECT_TIMEOUT_MS } = this.#options
    clearTimeout(this.#giveUp)
    if (reconnectTimeoutMs !== null) {
      const lost = `The connection to ${url} was lost (${reason}) and did not come back within ${reconnectTimeoutMs / 1000} s.`
      this.#giveUp = setTimeout(() => this.#finish(new RondoError('CONNECTION_LOST', lost)), reconnectTimeoutMs)
    }
    this.#change('reconnecting', reason)
  }

  #finish(error: RondoError): void {
    if (this.#state === 'closed') return
    clearTimeout(this.#giveUp)
    this.#end = error
    this.#socket.disconnect()
    this.#change('closed', error.message)
  }

  #change(state: 'connected' | 'reconnecting' | 'closed', reason: string): void {
    this.#state = state
    for (const listener of [...this.#changes]) listener(state, reason)
  }

  #whenConnected(signal: AbortSignal | undefined, timeoutMs: number): Promise<void> {
    const { url } = this.#options
    return new Promise((resolve, reject) => {
      const settle = (error?: RondoError) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        stop()
        if (error === undefined) resolve()
        else reject(error)
      }
      const onAbort = () => settle(new RondoError('ABORTED', `Connecting to ${url} was aborted.`))
      const onDeadline = () =>
        settle(
          new RondoError(
            'CONNECTION_LOST',
            `${url} did not answer within ${timeoutMs} ms. Check the address and that the server runs there.`,
          ),
        )
      const timer = setTimeout(onDeadline, timeoutMs)
      const stop = this.onConnection((state) => {
        if (state === 'connected') settle()
        else if (state === 'closed') settle(this.#end ?? undefined)
      })
      signal?.addEventListener('abort', onAbort, { once: true })
      if (signal?.aborted) onAbort()
      else if (this.#state === 'closed' && this.#end !== null) settle(this.#end)
      else if (this.#state === 'idle')
        settle(new RondoError('CONNECTION_LOST', 'The signaling client is not connected. Call connect() first.'))
    })
  }
}
