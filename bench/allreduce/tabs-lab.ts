/**
 * Ranks in tabs of one real browser: the bench's pages on a real signaling server, a session and a run for each
 * number of ranks. Everything it opens is noted in the given cleanup. Not for: what is measured.
 */
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { RondoError, type RunConfig } from '@rondo/protocol'
import { createSignalingServer, type SignalingServer } from '@rondo/signaling-server'
import { SignalingClient } from '@rondo/transport'
import type { Page } from 'playwright-core'
import { findBrowser } from '../../packages/cli/src/browser/find.ts'
import { machineSearch } from '../../packages/cli/src/browser/install.ts'
import { type LaunchedBrowser, launchBrowser } from '../../packages/cli/src/browser/launch.ts'
import { newWindow } from '../../packages/cli/src/browser/new-window.ts'
import { isolate } from '../../packages/cli/src/http/reply.ts'
import type { Cleanup } from '../../packages/cli/src/process/cleanup.ts'
import { buildBrowserScripts } from '../../scripts/browser-scripts.ts'
import { within } from './deadline.ts'
import type { MeasureTask, TabCarrier } from './messages.ts'
import type { World } from './world.ts'

/** Milliseconds for tabs to join and be linked, and for one measurement, on a machine busy with other things. */
const START_MS = 120_000
const MEASURE_MS = 180_000
/** Bytes before the yardstick's clock starts: a congestion window may have shrunk while the all-reduce ran. */
const PRIME_RAW_BYTES = 1_048_576

/** Messages there and back, one after the other, for their median. */
const ECHOES = 50

/** Bytes of the yardstick's messages: what was measured to be fastest on each carrier (docs/benchmarks.md). */
const RAW_MESSAGE_BYTES: Readonly<Record<Exclude<TabCarrier, 'shared'>, number>> = { webrtc: 65_536, port: 524_288 }

const ROOT = join(import.meta.dirname, '../..')
const ENTRIES = {
  'allreduce-page': join(import.meta.dirname, 'page.ts'),
  'allreduce-worker': join(import.meta.dirname, 'worker.ts'),
  // Where the links look for it.
  'runtime/port-broker': join(ROOT, 'packages/transport/src/port-broker.worker.ts'),
}
const PAGE = '<!doctype html><title>bench</title><script type="module" src="/allreduce-page.js"></script>'

export interface LabOptions {
  browser: string | undefined
  cleanup: Cleanup
  signal: AbortSignal
  say(line: string): void
}

export class TabsLab {
  readonly browserVersion: string
  readonly #server: SignalingServer
  readonly #browser: LaunchedBrowser
  readonly #signal: AbortSignal
  #worlds = 0

  private constructor(server: SignalingServer, browser: LaunchedBrowser, signal: AbortSignal) {
    this.#server = server
    this.#browser = browser
    this.#signal = signal
    this.browserVersion = browser.version
  }

  static async open({ browser: given, cleanup, signal, say }: LabOptions): Promise<TabsLab> {
    const executablePath = await findBrowser(given, machineSearch(say))
    const requestHandler = serve(await buildBrowserScripts(ENTRIES))
    const server = await createSignalingServer({ host: '127.0.0.1', port: 0, requestHandler })
    cleanup.add(server, () => server.close())
    const browser = await launchBrowser({ executablePath, headed: false, softwareWebGpu: false })
    cleanup.add(browser, () => browser.close())
    return new TabsLab(server, browser, signal)
  }

  /** One tab a rank, in windows of their own, or for shared memory one tab with all; joined to one group over `carrier`. */
  async world(carrier: TabCarrier, ranks: number): Promise<World> {
    this.#worlds += 1
    const session = `bench-${this.#worlds}`
    const tabs = carrier === 'shared' ? 1 : ranks
    const perTab = ranks / tabs
    const origin = `http://localhost:${this.#server.port}`
    const tokens = await this.#server.createSession(session)
    const controller = new SignalingClient({
      url: origin,
      session,
      token: tokens.controlToken,
      role: 'controller',
    })
    const pages: Page[] = []
    const close = async (): Promise<void> => {
      await Promise.allSettled(pages.map((page) => page.close()))
      controller.close()
    }
    try {
      await controller.connect({ signal: this.#signal })
      for (let page = 0; page < tabs; page++) pages.push(await newWindow(this.#browser.context))
      const token = tokens.joinToken
      await this.#all(START_MS, `${tabs} tabs joining`, pages, async (page, tab) => {
        await page.goto(`${origin}/`)
        await page.waitForFunction(() => globalThis.benchPage !== undefined)
        await page.evaluate((options) => benchPage.join(options), {
          session,
          token,
          ranks: Array.from({ length: perTab }, (_, i) => tab * perTab + i),
          carrier,
          timeoutMs: START_MS,
        })
      })
      await controller.request('run:open', { config: runConfig(session, carrier, ranks), nodes: [ranks] })
      await this.#all(START_MS, `${tabs} tabs linking over ${carrier}`, pages, (page) =>
        page.evaluate(() => benchPage.ready()),
      )
    } catch (error) {
      await close()
      throw error
    }
    const measure = (what: string, tasks: MeasureTask[]): Promise<number[]> =>
      this.#all(MEASURE_MS, what, pages.slice(0, tasks.length), (page, rank) =>
        page.evaluate((task) => benchPage.measure(task), tasks[rank]!),
      )
    return {
      carrier,
      ranks,
      async ring(bytes, count) {
        const task: MeasureTask = { task: 'ring', bytes, count, cold: false }
        return Math.max(...(await measure(`an all-reduce of ${bytes} bytes`, new Array(tabs).fill(task))))
      },
      async cold(bytes) {
        const task: MeasureTask = { task: 'ring', bytes, count: 1, cold: true }
        return Math.max(...(await measure(`the first all-reduce of ${bytes} bytes`, new Array(tabs).fill(task))))
      },
      steps: async () => Math.max(...(await measure('the steps taken', new Array(tabs).fill({ task: 'steps' })))),
      async gradients(choice, bytes, count) {
        const task: MeasureTask = { task: 'gradients', choice, bytes, count }
        return Math.max(...(await measure(`gradients through ${choice.hook}`, new Array(tabs).fill(task))))
      },
      yardstick:
        carrier === 'shared'
          ? null
          : {
              of: carrier === 'webrtc' ? 'bare data channel' : 'bare MessagePort',
              async measure(bytes) {
                const messageBytes = RAW_MESSAGE_BYTES[carrier]
                const common = {
                  task: 'raw',
                  bytes,
                  primeBytes: PRIME_RAW_BYTES,
                  messageBytes,
                  timeoutMs: MEASURE_MS,
                } as const
                const sides = (['send', 'receive'] as const).map((side) => ({ ...common, side }))
                const [ms] = await measure(`${bytes} bytes one way`, sides)
                return (bytes / ms!) * 1_000
              },
              async exchangeMs(bytes) {
                const common = { task: 'exchange', bytes, count: ECHOES, timeoutMs: MEASURE_MS } as const
                const sides = (['send', 'receive'] as const).map((side) => ({ ...common, side }))
                return Math.max(...(await measure('messages both ways at once', sides)))
              },
              async oneWayMs(bytes) {
                const common = { task: 'echo', bytes, count: ECHOES, timeoutMs: MEASURE_MS } as const
                const sides = (['send', 'receive'] as const).map((side) => ({ ...common, side }))
                const [ms] = await measure('messages there and back', sides)
                return ms! / 2
              },
            },
      close,
    }
  }

  /** The same on every page, within a deadline, the person's Ctrl-C and the browser's life. */
  #all<T>(ms: number, what: string, pages: Page[], act: (page: Page, rank: number) => Promise<T>): Promise<T[]> {
    const gone = this.#browser.gone.then(() => {
      throw new RondoError('NO_BROWSER', `The browser ended during ${what}. Run the bench again.`)
    })
    gone.catch(() => undefined)
    return within(Promise.race([Promise.all(pages.map(act)), gone]), ms, what, this.#signal)
  }
}

function serve(scripts: ReadonlyMap<string, string>): RequestListener {
  return (request, response) => {
    const script = scripts.get(request.url ?? '')
    // As Rondo's own pages: without isolation the clocks of pages are coarse.
    isolate(response)
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript')
    response.end(script ?? PAGE)
  }
}

function runConfig(runId: string, carrier: TabCarrier, ranks: number): RunConfig {
  return {
    runId,
    script: { name: 'bench', url: '/bench', hash: 'bench' },
    args: [],
    devices: ranks,
    numNodes: 1,
    explicit: [],
    processGroupBackend: carrier === 'shared' ? 'port' : carrier,
    startTimeoutSeconds: START_MS / 1_000,
    stepTimeoutSeconds: MEASURE_MS / 1_000,
    debug: 'off',
    env: {},
  }
}
