/** The engine in a worker of a real browser, on a page that is cross-origin isolated as Rondo's own are. */
import { createReadStream } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { findBrowser } from '../../packages/cli/src/browser/find.ts'
import { machineSearch } from '../../packages/cli/src/browser/install.ts'
import { launchBrowser } from '../../packages/cli/src/browser/launch.ts'
import { isolate } from '../../packages/cli/src/http/reply.ts'
import { buildBrowserScripts } from '../../scripts/browser-scripts.ts'
import type { Runner } from './runner.ts'
import type { Task } from './workloads.ts'

export interface BrowserRequest {
  task: Task
  threads: number
  kernels: boolean
}

interface Answer {
  ms: number[]
  /** That computed. */
  threads: number
  profile?: string
}

declare function ask(request: BrowserRequest): Promise<Answer>

const WASM_FOLDER = join(import.meta.dirname, '../../node_modules/@tensorflow/tfjs-backend-wasm/dist')
const WASM_PATH = '/runtime/wasm/'
const PAGE = `<!doctype html><title>bench</title><script>
  const worker = new Worker('/cpu-worker.js', { type: 'module' })
  globalThis.ask = (request) => new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => data.error ? reject(new Error(data.error)) : resolve(data)
    worker.onerror = ({ message }) => reject(new Error(message))
    worker.postMessage(request)
  })
</script>`

export interface BrowserOptions {
  browser: string | undefined
  threads: number
  kernels: boolean
  say(line: string): void
}

export async function openBrowser({ browser: given, threads, kernels, say }: BrowserOptions): Promise<Runner> {
  const executablePath = await findBrowser(given, machineSearch(say))
  const server = createServer(
    serve(await buildBrowserScripts({ 'cpu-worker': join(import.meta.dirname, 'worker.ts') })),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const browser = await launchBrowser({ executablePath, headed: false, softwareWebGpu: false })
  const page = await browser.context.newPage()
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
  return {
    name: `rondo, Chromium ${browser.version}`,
    async run(task) {
      const { ms, threads: used, profile } = await page.evaluate((request) => ask(request), { task, threads, kernels })
      if (used !== threads) say(`${task.workload}: Rondo computes on ${used} of ${threads} threads here.`)
      if (profile !== undefined) console.log(profile)
      return ms
    },
    async close() {
      await browser.close()
      server.closeAllConnections()
      server.close()
    },
  }
}

function serve(scripts: ReadonlyMap<string, string>): RequestListener {
  return ({ url = '/' }, response) => {
    isolate(response)
    if (url.startsWith(WASM_PATH)) {
      response.setHeader('content-type', 'application/wasm')
      createReadStream(join(WASM_FOLDER, basename(url))).pipe(response)
      return
    }
    const script = scripts.get(url)
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript')
    response.end(script ?? PAGE)
  }
}
