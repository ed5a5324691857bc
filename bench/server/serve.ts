/**
 * The signaling server of the bench, alone in its process, and what it costs that process. Started by command.ts; takes
 * orders and gives samples over Node's channel. Not for: anything but the bench.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createSignalingServer } from '@rondo/signaling-server'
import type { FromServer, ToServer } from './messages.ts'

/** Milliseconds between two looks at the event loop. */
const RESOLUTION_MS = 2
/** The heartbeat; the server's own default is shorter. */
const HEARTBEAT_MS = 5_000
const TIMEOUT_MS = 20_000

const tell = (message: FromServer): void => void process.send?.(message)

const server = await createSignalingServer({
  host: '127.0.0.1',
  port: 0,
  heartbeat: { intervalMs: HEARTBEAT_MS, timeoutMs: TIMEOUT_MS },
})
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
delay.enable()

process.on('message', async (order: ToServer) => {
  switch (order.kind) {
    case 'create': {
      const entries = await Promise.all(
        order.sessions.map(async (session) => ({ session, ...(await server.createSession(session)) })),
      )
      return tell({ kind: 'created', entries })
    }
    case 'sample': {
      const { user, system } = process.cpuUsage()
      const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
      const loop = { meanMs: late(delay.mean), p99Ms: late(delay.percentile(99)), maxMs: late(delay.max) }
      delay.reset()
      const sample = { cpuMs: (user + system) / 1_000, residentBytes: process.memoryUsage().rss, loop }
      return tell({ kind: 'sample', sample })
    }
    default:
      order satisfies never
  }
})
process.on('disconnect', () => process.exit(0))
process.on('SIGTERM', () => server.close().then(() => process.exit(0)))
tell({ kind: 'listening', url: server.url })
