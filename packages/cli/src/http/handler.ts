/**
 * Every plain HTTP request of a page: the built pages and runtime, the run's script and files, data sets.
 * Not for: signaling, health and metrics, which the signaling server answers itself.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import sirv from 'sirv'
import { serveData } from './data-files.ts'
import { forwardTo } from './forward.ts'
import { isolate, reply } from './reply.ts'
import { serveRun } from './run-files.ts'
import type { ServedRuns } from './run-folder.ts'

export interface PageServerOptions {
  /** Folder of the built pages and runtime. */
  dist: string
  /** Where `/runs` and `/data` come from: this process, or the main node's origin. */
  source: { runs: ServedRuns } | { main: string }
  /** Largest upload, bytes; only tests set it. */
  maxUploadBytes?: number
}

/** Hashed names never change their content. */
const IMMUTABLE = 'public, max-age=31536000, immutable'

export function createPageHandler(options: PageServerOptions): RequestListener {
  // Looked up on each request, so that a rebuild while a server runs is seen at once.
  const files = sirv(options.dist, {
    dev: true,
    etag: true,
    setHeaders(response, path) {
      if (path.startsWith('/assets/')) response.setHeader('Cache-Control', IMMUTABLE)
    },
  })
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    isolate(response)
    const path = decodedPath(request)
    if (path === null) return reply(response, 400, 'This address cannot be read.')
    if (path.startsWith('/runs/') || path.startsWith('/data/')) {
      if ('main' in options.source) return forwardTo(options.source.main, request, response)
      if (path.startsWith('/data/')) return serveData(path, request, response)
      return serveRun(options.source.runs, path, request, response, options.maxUploadBytes)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return reply(response, 405, 'Pages take GET.')
    if (path === '/') {
      const query = (request.url ?? '').replace(/^[^?]*/, '')
      response.writeHead(302, { Location: `/join/${query}`, 'Cache-Control': 'no-store' })
      return void response.end()
    }
    files(request, response, () => reply(response, 404, `There is nothing at ${path.slice(0, 200)}.`))
  }
  return (request, response) => {
    answer(request, response).catch((thrown: unknown) => {
      // A closed tab ends its requests half-way; that is nobody's failure.
      if (response.destroyed || request.destroyed) return
      reply(response, 500, `This request failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    })
  }
}

function decodedPath(request: IncomingMessage): string | null {
  try {
    return decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname)
  } catch {
    return null
  }
}
