/**
 * The signaling server as one object: an HTTP server, socket.io on it, and the sessions behind. Embedded by
 * the CLI or run alone (main.ts). Not for: pages, bundles, uploads (`requestHandler` is the embedder's).
 */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  HEARTBEAT_INTERVAL_MS,
  HEARTBEAT_TIMEOUT_MS,
  MAX_MESSAGE_BYTES,
  RondoError,
  type SessionSnapshot,
} from '@rondo/protocol'
import { Server } from 'socket.io'
import { guardConnection } from './connection.ts'
import type { SessionTokens } from './core/record.ts'
import { Sessions } from './core/sessions.ts'
import { MemoryStore, type SessionStore } from './core/store.ts'
import { FanOut } from './fan-out.ts'
import { createHandlers } from './handlers.ts'
import { handshake } from './handshake.ts'
import { httpEndpoints } from './http-endpoints.ts'
import { Budgets, DEFAULT_LIMITS, type Limits } from './limits.ts'
import { createMetrics } from './metrics.ts'
import { originCheck } from './origins.ts'
import { OwnPause } from './own-pause.ts'
import { Relays } from './relays.ts'
import type { RondoServer } from './sockets.ts'
import { guardTransport, type Transport } from './transport-guard.ts'

/** Milliseconds in which a new transport has to say which session it wants. */
const CONNECT_TIMEOUT_MS = 10_000
/** Open transports of one server, admitted or not: 1,000 sessions of ten, twice. Each takes a file of the process. */
const MAX_TRANSPORTS = 20_000
/** Reported by /healthz. */
const VERSION = '0.1.0'

export interface SignalingServerOptions {
  host: string
  /** 0 takes any free port. */
  port: number
  /** Answers every HTTP request that is not the server's own. */
  requestHandler?: RequestListener
  /** Origins (`https://lab.example`) whose pages may connect besides the server's own and localhost. */
  corsOrigins?: readonly string[]
  /** Milliseconds; the defaults find a dead tab within 5 s. */
  heartbeat?: { intervalMs: number; timeoutMs: number }
  /**
   * Sessions that are there before anybody can connect. A session made after listening may come second to an agent that
   * has waited for this port.
   */
  sessions?: ReadonlyArray<{ name: string; offer: SessionSnapshot['offer']; tokens: SessionTokens }>
  /** Refuse agents without token. */
  requireToken?: boolean
  limits?: Partial<Limits>
  store?: SessionStore
  /** Told of errors that are ours; the process goes on. */
  onInternalError?: (error: unknown) => void
}

export interface SignalingServer {
  /** `http://host:port`, with localhost for a server that listens everywhere. */
  readonly url: string
  readonly port: number
  /**
   * Makes a session that stays until the server closes. CONFLICT when the name is taken.
   * @param tokens of an earlier life of the session, so that its links still work; new ones without
   */
  createSession(name: string, offer?: SessionSnapshot['offer'], tokens?: SessionTokens): Promise<SessionTokens>
  close(): Promise<void>
}

/** Starts listening. PORT_IN_USE when somebody else has the port. */
export async function createSignalingServer(options: SignalingServerOptions): Promise<SignalingServer> {
  const onInternalError = options.onInternalError ?? ((error) => console.error('signaling-server:', error))
  const allowed = originCheck(options.corsOrigins ?? [])
  const budgets = new Budgets({ ...DEFAULT_LIMITS, ...options.limits })
  const store = options.store ?? new MemoryStore()
  const metrics = createMetrics(() => store.list())
  const http = createServer(
    httpEndpoints({
      version: VERSION,
      metrics,
      sessions: () => store.list(),
      allowed,
      requestHandler: options.requestHandler,
    }),
  )
  const io: RondoServer = new Server(http, {
    pingInterval: options.heartbeat?.intervalMs ?? HEARTBEAT_INTERVAL_MS,
    pingTimeout: options.heartbeat?.timeoutMs ?? HEARTBEAT_TIMEOUT_MS,
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    connectTimeout: CONNECT_TIMEOUT_MS,
    perMessageDeflate: false,
    serveClient: false,
    allowRequest: (request, answer) => {
      const fits = io.engine.clientsCount < MAX_TRANSPORTS
      answer(fits ? 'This origin may not connect' : 'The server is full', fits && allowed(request))
    },
    cors: (request, answer) => answer(null, { origin: allowed(request) ? (request.headers.origin ?? false) : false }),
  })
  const fanOut: FanOut = new FanOut(io, (name) => sessions.snapshot(name))
  const sessions: Sessions = new Sessions(store, fanOut)
  const handlers = createHandlers(io, sessions, fanOut, new Relays(io, sessions, budgets, metrics))
  io.engine.on('connection', (transport: Transport) => guardTransport(transport, budgets.limits))
  const ownPause = new OwnPause()
  io.use(handshake(sessions, { requireToken: options.requireToken ?? false }))
  io.on('connection', (socket) =>
    guardConnection(socket, { handlers, budgets, metrics, sessions, fanOut, ownPause, onInternalError }),
  )

  for (const { name, offer, tokens } of options.sessions ?? []) await sessions.create(name, offer, tokens)
  await new Promise<void>((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, options)))
    http.listen(options.port, options.host, resolve)
  })
  const { port } = http.address() as AddressInfo
  const anyHost = options.host === '0.0.0.0' || options.host === '::' || options.host === ''
  const name = anyHost ? 'localhost' : options.host.includes(':') ? `[${options.host}]` : options.host
  return {
    url: `http://${name}:${port}`,
    port,
    createSession: (session, offer = null, tokens) => sessions.create(session, offer, tokens),
    close: async () => {
      http.closeAllConnections()
      await io.close()
      ownPause.close()
      sessions.close()
      fanOut.close()
    },
  }
}

function listenError(error: NodeJS.ErrnoException, { host, port }: SignalingServerOptions): Error {
  if (error.code !== 'EADDRINUSE') return error
  return new RondoError(
    'PORT_IN_USE',
    `Port ${port} of ${host} is in use. Choose another with --main-port, or stop what holds it.`,
    {
      cause: error,
    },
  )
}
