/** A real server and real clients for one test, closed when the test ends. Not for: anything but tests. */
import type {
  AgentHello,
  DeviceInfo,
  Join,
  ProgressEvent,
  RankReport,
  RunConfig,
  RunStart,
  ServerEvent,
  ServerEvents,
  SessionSnapshot,
} from '@rondo/protocol'
import { PROTOCOL_VERSION } from '@rondo/protocol'
import { SignalingClient, type SignalingClientOptions } from '@rondo/transport'
import { io, type Socket } from 'socket.io-client'
import { onTestFinished } from 'vitest'
import { createSignalingServer, type SignalingServer, type SignalingServerOptions } from '../index.ts'

/** Milliseconds after which a wait of a test has failed. */
const WAIT_MS = 6_000

export async function startServer(options: Partial<SignalingServerOptions> = {}): Promise<SignalingServer> {
  const server = await createSignalingServer({ host: '127.0.0.1', port: 0, ...options })
  onTestFinished(() => server.close())
  return server
}

export interface Lab {
  server: SignalingServer
  joinToken: string
  controlToken: string
  connect(role: SignalingClientOptions['role'], token?: string): Promise<SignalingClient>
  /** A page that joined with its slots. */
  page(pageId: string, join?: Partial<Join>): Promise<SignalingClient>
  controller(): Promise<SignalingClient>
  /** A bare socket with the join token that is connected: says what it likes. */
  raw(auth?: Record<string, unknown>): Promise<Socket>
}

/** A server with one session `lab`. */
export async function startLab(options: Partial<SignalingServerOptions> = {}): Promise<Lab> {
  const server = await startServer(options)
  const tokens = await server.createSession('lab')
  const connect: Lab['connect'] = async (role, token) => {
    const given = token === undefined ? {} : { token }
    const client = new SignalingClient({ url: server.url, session: 'lab', role, ...given })
    onTestFinished(() => client.close())
    await client.connect({ timeoutMs: WAIT_MS })
    return client
  }
  return {
    server,
    ...tokens,
    connect,
    controller: () => connect('controller', tokens.controlToken),
    page: async (pageId, join = {}) => {
      const client = await connect('page', tokens.joinToken)
      await client.request('join', joinOf(pageId, join))
      return client
    },
    raw: (auth = {}) => rawSocket(server.url, { session: 'lab', token: tokens.joinToken, ...auth }),
  }
}

export function rawSocket(url: string, auth: Record<string, unknown>): Promise<Socket> {
  const socket = io(url, {
    auth: { protocol: PROTOCOL_VERSION, role: 'page', ...auth },
    forceNew: true,
    reconnection: false,
    transports: ['websocket'],
  })
  onTestFinished(() => {
    socket.disconnect()
  })
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket))
    socket.once('connect_error', reject)
  })
}

export const DEVICE: DeviceInfo = {
  adapter: null,
  webgpu: 'none',
  features: [],
  limits: {},
  cores: 2,
  secureContext: true,
  crossOriginIsolated: false,
  userAgent: 'test',
}

export function joinOf(pageId: string, join: Partial<Join> = {}): Join {
  const node = { id: 'alpha', label: 'Alpha' }
  return { pageId, browserId: null, node, firstLocalRank: null, slots: 1, device: DEVICE, ...join }
}

export function configOf(config: Partial<RunConfig> = {}): RunConfig {
  return {
    runId: 'run-1',
    script: { name: 'train.ts', url: '/bundle/train.js', hash: 'abc' },
    args: [],
    devices: 1,
    numNodes: 1,
    explicit: [],
    processGroupBackend: 'auto',
    startTimeoutSeconds: 30,
    stepTimeoutSeconds: 30,
    debug: 'off',
    env: {},
    ...config,
  }
}

export function helloOf(node: Partial<AgentHello['node']> = {}, plan: Partial<AgentHello['plan']> = {}): AgentHello {
  return {
    node: { id: 'alpha', label: 'Alpha', rank: null, host: 'alpha.local', ...node },
    plan: { numNodes: 2, devices: 1, strategy: null, precision: null, scriptHash: 'a'.repeat(64), ...plan },
  }
}

export function reportOf(rank: number): RankReport {
  const msPerStep = { compute: 1, readback: 1, communication: 1, exposedCommunication: 1, apply: 1, total: 4 }
  const counts = { steps: 1, samples: 1, bytesSent: 0, bytesReceived: 0 }
  return {
    rank,
    node: 'Alpha',
    localRank: rank,
    accelerator: 'cpu',
    adapter: null,
    weightsHash: null,
    ...counts,
    msPerStep,
    result: null,
  }
}

/** A progress event; only its step matters here. */
export function progressOf(epoch: number, step: number): ProgressEvent {
  const times = { compute: 1, readback: 1, communication: 1, exposedCommunication: 1, apply: 1, total: 4 }
  const counts = { epochs: 3, stepInEpoch: 1, stepsPerEpoch: 20, samplesPerSecond: 1, hiddenMs: 0, loss: 0.5 }
  return { kind: 'progress', epoch, step, ...counts, times, links: [], memory: { tensors: 1, bytes: 1 } }
}

/** The next event of that name for which `fits`. */
export function next<E extends ServerEvent>(
  client: SignalingClient,
  event: E,
  fits: (payload: ServerEvents[E]) => boolean = () => true,
): Promise<ServerEvents[E]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no fitting "${event}" within ${WAIT_MS} ms`)), WAIT_MS)
    const stop = client.on(event, (payload) => {
      if (!fits(payload)) return
      clearTimeout(timer)
      stop()
      resolve(payload)
    })
  })
}

/** The session as soon as it `fits`; the snapshot that is already there counts. */
export function until(client: SignalingClient, fits: (snapshot: SessionSnapshot) => boolean): Promise<SessionSnapshot> {
  const { snapshot } = client
  return snapshot !== null && fits(snapshot) ? Promise.resolve(snapshot) : next(client, 'session', fits)
}

/** Two pages of one node in a running run with one rank each. */
export async function startPair(lab: Lab): Promise<{
  controller: SignalingClient
  pages: [SignalingClient, SignalingClient]
  at: { runId: string; generation: number }
  starts: [RunStart, RunStart]
}> {
  const controller = await lab.controller()
  const pages: [SignalingClient, SignalingClient] = [await lab.page('p0'), await lab.page('p1')]
  const started = Promise.all([next(pages[0], 'run:start'), next(pages[1], 'run:start')])
  const { run } = await controller.request('run:open', { config: configOf({ devices: 2 }), nodes: [2] })
  return { controller, pages, at: { runId: run.runId, generation: run.generation }, starts: await started }
}
