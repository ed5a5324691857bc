/**
 * Every plain HTTP request of a page: the built pages and runtime, the run's script and files, data sets.
 * Not for: signaling, health and metrics, which the signaling server answers itself.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import sirv from 'sirv'
import { contentPolicy } from './content-policy.ts'
import { serveData } from './data-files.ts'
import { forwardTo } from './forward.ts'
import { landingPage } from './landing.ts'
import { ModuleServer } from './modules.ts'
import { isolate, reply } from './reply.ts'
import { serveRun } from './run-files.ts'
import type { ServedRuns } from './run-folder.ts'
import type { SessionAccess } from './session-access.ts'

export interface PageServerOptions {
  /** Folder of the built pages and runtime. */
  dist: string
  /** Where `/runs` and `/data` come from: this process, or the main node's origin. */
  source: { runs: ServedRuns } | { main: string }
  /** Set where the notebook is offered: its modules and what it may import. */
  notebook?: SessionAccess
  /** Largest upload, bytes; only tests set it. */
  maxUploadBytes?: number
}

/** Asked for by kernels and ranks. */
const SETTINGS_PATH = '/notebook/settings.json'
/** Hashed names never change their content. */
const IMMUTABLE = 'public, max-age=31536000, immutable'

export function createPageHandler(options: PageServerOptions): RequestListener {
  // Looked up on each request, so that a rebuild while a server runs is seen at once.
  const files = sirv(options.dist, {
    dev: true,
    etag: true,
    gzip: true,
    setHeaders(response, path) {
      if (path.startsWith('/assets/')) response.setHeader('Cache-Control', IMMUTABLE)
    },
  })
  const modules = options.notebook === undefined ? null : new ModuleServer(options.notebook)
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    isolate(response)
    const path = decodedPath(request)
    if (path === null) return reply(response, 400, 'This address cannot be read.')
    const policy = contentPolicy(path, options.notebook?.importHosts ?? [])
    if (policy !== null) response.setHeader('Content-Security-Policy', policy)
    if (/^\/(runs|data|modules)\//.test(path) || path === SETTINGS_PATH) {
      if ('main' in options.source) return forwardTo(options.source.main, request, response)
      if (path.startsWith('/data/')) return serveData(path, request, response)
      if (path === SETTINGS_PATH) return sendSettings(options.notebook?.importHosts ?? [], response)
      if (path.startsWith('/modules/')) {
        return modules?.serve(path, request, response) ?? reply(response, 404, 'No notebook is offered here.')
      }
      return serveRun(options.source.runs, path, request, response, options.maxUploadBytes)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return reply(response, 405, 'Pages take GET.')
    if (path === '/') {
      const query = (request.url ?? '').replace(/^[^?]*/, '')
      const location = landingPage(request.headers.host, query, modules !== null)
      response.writeHead(302, { Location: location, 'Cache-Control': 'no-store' })
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

/** What a kernel has to know before it imports anything from elsewhere; nothing of it is secret. */
function sendSettings(importHosts: readonly string[], response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' })
  response.end(JSON.stringify({ importHosts }))
}

function decodedPath(request: IncomingMessage): string | null {
  try {
    return decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname)
  } catch {
    return null
  }
}
