/**
 * The notebook's shell without a server or a kernel worker: builds the app's own development page into memory and
 * serves it. Not for: launches, ranks or the real kernel (notebook.spec.ts).
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { build, type Rolldown } from 'vite'

const APPS = join(import.meta.dirname, '../../apps')
const PAGE = 'notebook/src/dev/index.html'
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

export interface NotebookShell {
  readonly url: string
  close(): Promise<void>
}

export async function openNotebookShell(): Promise<NotebookShell> {
  const { output } = (await build({
    configFile: false,
    logLevel: 'error',
    root: APPS,
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: { write: false, modulePreload: false, target: 'es2023', rolldownOptions: { input: join(APPS, PAGE) } },
  })) as Rolldown.RolldownOutput
  const files = new Map(output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]))
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://host').pathname
    const body = files.get(path)
    response.writeHead(body === undefined && path !== '/favicon.ico' ? 404 : 200, {
      'content-type': TYPES[extname(path)] ?? 'text/plain',
    })
    response.end(body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/${PAGE}`,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}
