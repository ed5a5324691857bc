/**
 * Starts the signaling server with the pages on the wanted port, and says whose a busy port is. Not for:
 * sessions and runs on it.
 */
import type { RequestListener } from 'node:http'
import { RondoError } from '@rondo/protocol'
import { createSignalingServer, type Health, type SignalingServer } from '@rondo/signaling-server'

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
  /** Only tests and benchmarks set it. */
  say: (line: string) => void
}

/**
 * @throws PORT_IN_USE: by another Rondo server (with its sessions in `details`) or by another program
 */
export async function startServer(plan: ServerPlan): Promise<SignalingServer> {
  for (let port = plan.port; ; port += 1) {
    try {
      const server = await createSignalingServer({ host: plan.host, port, requestHandler: plan.requestHandler })
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
