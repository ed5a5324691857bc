/**
 * The server's own HTTP answers, `/healthz` and `/metrics`; everything else goes to whoever embeds it.
 * Not for: pages, bundles or uploads.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { PROTOCOL_VERSION } from '@rondo/protocol'
import type { SessionRecord } from './core/record.ts'
import type { Metrics } from './metrics.ts'
import { corsHeaders, type OriginCheck } from './origins.ts'

export interface HttpOptions {
  version: string
  metrics: Metrics
  sessions: () => Promise<readonly Readonly<SessionRecord>[]>
  allowed: OriginCheck
  requestHandler: RequestListener | undefined
}

/** What `/healthz` answers: by `name` one Rondo server recognises another on a busy port. */
export interface Health {
  name: 'rondo'
  version: string
  protocol: number
  sessions: number
  /** Only for callers on this machine; names are no secrets, but nobody else needs them. */
  sessionNames?: string[]
  /** Seconds. */
  uptime: number
}

export function httpEndpoints(options: HttpOptions): RequestListener {
  const started = performance.now()
  const health = async (request: IncomingMessage): Promise<Health> => {
    const sessions = await options.sessions()
    return {
      name: 'rondo',
      version: options.version,
      protocol: PROTOCOL_VERSION,
      sessions: sessions.length,
      ...(isLoopback(request) ? { sessionNames: sessions.map((record) => record.name) } : {}),
      uptime: Math.round((performance.now() - started) / 10) / 100,
    }
  }
  return (request, response) => {
    for (const [name, value] of Object.entries(corsHeaders(request, options.allowed))) response.setHeader(name, value)
    const path = (request.url ?? '/').split('?', 1)[0]
    const isGet = request.method === 'GET' || request.method === 'HEAD'
    if (path === '/healthz' && isGet) {
      answer(response, 'application/json', async () => JSON.stringify(await health(request)))
    } else if (path === '/metrics' && isGet) {
      const { registry } = options.metrics
      answer(response, registry.contentType, () => registry.metrics())
    } else if (options.requestHandler !== undefined) {
      options.requestHandler(request, response)
    } else {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('Not found. This is a Rondo signaling server.\n')
    }
  }
}

function answer(response: ServerResponse, type: string, body: () => Promise<string>): void {
  body().then(
    (text) => response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(text),
    () => response.writeHead(500).end(),
  )
}

function isLoopback(request: IncomingMessage): boolean {
  const address = request.socket.remoteAddress ?? ''
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}
