/**
 * A page's states without a server: builds the page's own fixture viewer into memory and serves it. Not for: the
 * page at work with real ranks.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { build, type Rolldown } from 'vite'

const APPS = join(import.meta.dirname, '../../apps')
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

export interface PageStates {
  /** The viewer's address for a state by its name in the fixtures. */
  url(state: string): string
  close(): Promise<void>
}

/** `viewer`: the viewer's HTML below `apps/`. */
export async function openStates(viewer: string): Promise<PageStates> {
  const { output } = (await build({
    configFile: false,
    logLevel: 'warn',
    root: APPS,
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: { write: false, modulePreload: false, target: 'es2023', rolldownOptions: { input: join(APPS, viewer) } },
  })) as Rolldown.RolldownOutput
  const files = new Map(output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]))
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://host').pathname
    const body = files.get(path)
    // The states show links to a run's files; nobody follows them here.
    const status = body === undefined && !path.startsWith('/runs/') && path !== '/favicon.ico' ? 404 : 200
    response.writeHead(status, { 'content-type': TYPES[extname(path)] ?? 'text/plain' })
    response.end(body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    url: (state) => `http://127.0.0.1:${port}/${viewer}?state=${state}`,
    close: () => new Promise((done) => server.close(() => done())),
  }
}
