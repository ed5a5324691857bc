/**
 * Starts the signaling server with the pages on the wanted port, and says whose a busy port is. Not for:
 * sessions and runs on it.
 */
import type { RequestListener } from 'node:http'
import { createServer } from 'node:net'
import { RondoError } from '@rondo/protocol'
import {
  createSignalingServer,
  type Health,
  type SignalingServer,
  type SignalingServerOptions,
} from '@rondo/signaling-server'

/** Ports that are tried after the default one. */
const NEXT_PORTS = 20
/** Milliseconds for whoever holds a port to say who it is. */
const PROBE_TIMEOUT_MS = 2_000
const LAST_PORT = 65_535

export interface ServerPlan {
  host: string
  port: number
  /** Take one of the next ports if another Rondo server has this one. */
  mayMove: boolean
  requestHandler: RequestListener
  /** There before the first agent can knock. */
  sessions?: NonNullable<SignalingServerOptions['sessions']>
  /** Refuse agents that bring no token, also those with the same script. */
  requireToken?: boolean
  say: (line: string) => void
}

/**
 * @throws PORT_IN_USE: by another Rondo server (with its sessions in `details`) or by another program
 */
export async function startServer(plan: ServerPlan): Promise<SignalingServer> {
  for (let port = plan.port; ; port += 1) {
    try {
      const { host, requestHandler, sessions = [], requireToken = false } = plan
      const server = await createSignalingServer({ host, port, requestHandler, sessions, requireToken })
      if (port !== plan.port) plan.say(`Port ${plan.port} belongs to another Rondo server; using ${server.port}.`)
      return server
    } catch (thrown) {
      if (!(thrown instanceof RondoError) || thrown.code !== 'PORT_IN_USE') throw thrown
      const health = await probe(port)
      const another = port < Math.min(plan.port + NEXT_PORTS, LAST_PORT)
      if (plan.mayMove && another && (health !== null || port !== plan.port)) continue
      throw busy(port, health)
    }
  }
}

/**
 * The port that `startServer` would get, without keeping it.
 * @throws PORT_IN_USE as `startServer`
 */
export async function portToUse(wanted: number, mayMove: boolean): Promise<number> {
  for (let port = wanted; ; port += 1) {
    if (await isFree(port)) return port
    const health = await probe(port)
    const another = port < Math.min(wanted + NEXT_PORTS, LAST_PORT)
    if (!(mayMove && another && (health !== null || port !== wanted))) throw busy(port, health)
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Asks a local port whether a Rondo server listens there. */
export async function probe(port: number, host = '127.0.0.1'): Promise<Health | null> {
  try {
    const response = await fetch(`http://${host}:${port}/healthz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
    const health = (await response.json()) as Partial<Health>
    return health.name === 'rondo' ? (health as Health) : null
  } catch {
    return null
  }
}

function busy(port: number, health: Health | null): RondoError {
  if (health === null) {
    return new RondoError(
      'PORT_IN_USE',
      `--main-port=${port}: another program listens on this port. Choose a free one with --main-port, or stop that program.`,
    )
  }
  const names = health.sessionNames ?? []
  const sessions = names.length > 0 ? ` with session ${names.join(', ')}` : ''
  return new RondoError(
    'PORT_IN_USE',
    `--main-port=${port}: a Rondo server${sessions} already listens there. Join it at http://localhost:${port}/join/${
      names[0] === undefined ? '' : `?session=${names[0]}`
    } with the link it printed, choose another port with --main-port, or give this run its own name with --session and another port.`,
    { details: { sessions: names } },
  )
}
