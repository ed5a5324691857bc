/**
 * Two tabs of one real browser, joined by the real transport through a proxy. Signals pass through this process,
 * which leads them round. Everything it opens is noted in the given cleanup. Not for: what the figures mean.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { RondoError, type Signal } from '@rondo/protocol'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { findBrowser } from '../../packages/cli/src/browser/find.ts'
import { machineSearch } from '../../packages/cli/src/browser/install.ts'
import { browserFlags } from '../../packages/cli/src/browser/launch.ts'
import { newWindow } from '../../packages/cli/src/browser/new-window.ts'
import { isolate } from '../../packages/cli/src/http/reply.ts'
import type { Cleanup } from '../../packages/cli/src/process/cleanup.ts'
import { buildBrowserScripts } from '../../scripts/browser-scripts.ts'
import { within } from '../allreduce/deadline.ts'
import { Detour } from './detour.ts'
import type { Connections, Transfer, TransferFigures } from './messages.ts'
import { kernelDrops, type NetworkPath, UdpProxy } from './udp-proxy.ts'

/** Milliseconds for two tabs to be linked, and beyond a transfer for its last bytes. */
const LINK_MS = 30_000
const REST_MS = 30_000
/** Addresses in candidates must be real ones, or there is nothing to lead round. */
const SHOW_ADDRESSES = '--disable-features=WebRtcHideLocalIpsWithMdns'
const ENTRIES = {
  'network-page': join(import.meta.dirname, 'page.ts'),
  'network-worker': join(import.meta.dirname, 'worker.ts'),
}
const PAGE = '<!doctype html><title>bench</title><script type="module" src="/network-page.js"></script>'

export interface LabOptions {
  browser: string | undefined
  cleanup: Cleanup
  signal: AbortSignal
  say(line: string): void
}

/** What one transfer over one link brought. */
export interface Transferred extends TransferFigures {
  /** Packets that were lost on this machine because the proxy or a browser could not keep up. */
  overrun: number
}

export class NetworkLab {
  readonly browserVersion: string
  readonly #context: BrowserContext
  readonly #origin: string
  readonly #signal: AbortSignal
  #runs = 0

  private constructor(context: BrowserContext, browserVersion: string, origin: string, signal: AbortSignal) {
    this.#context = context
    this.browserVersion = browserVersion
    this.#origin = origin
    this.#signal = signal
  }

  static async open({ browser: given, cleanup, signal, say }: LabOptions): Promise<NetworkLab> {
    const executablePath = await findBrowser(given, machineSearch(say))
    const scripts = await buildBrowserScripts(ENTRIES)
    const server = createServer((request, response) => {
      const script = scripts.get(request.url ?? '')
      isolate(response)
      response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript')
      response.end(script ?? PAGE)
    })
    cleanup.add(server, () => server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const args = [...browserFlags({ softwareWebGpu: false }, false), SHOW_ADDRESSES]
    const isRoot = process.getuid?.() === 0
    const browser = await chromium.launch({ executablePath, args, chromiumSandbox: !isRoot, handleSIGINT: false })
    cleanup.add(browser, () => browser.close())
    const origin = `http://localhost:${(server.address() as AddressInfo).port}/`
    return new NetworkLab(await browser.newContext(), browser.version(), origin, signal)
  }

  /** Links two fresh tabs over `path` and transfers one way for `transfer.ms`. */
  async transfer(path: NetworkPath, connections: Connections, transfer: Transfer): Promise<Transferred> {
    this.#runs += 1
    const runId = `run-${this.#runs}`
    const dropsBefore = kernelDrops()
    const proxy = new UdpProxy(path)
    const detour = new Detour(proxy)
    const pages: Page[] = []
    try {
      for (const rank of [0, 1] as const) pages.push(await this.#page(detour, pages, rank))
      const link = (rank: 0 | 1) =>
        pages[rank]?.evaluate((task) => networkPage.link(task), { rank, runId, connections, timeoutMs: LINK_MS })
      await this.#within(LINK_MS, 'linking two tabs', Promise.all([link(0), link(1)]))
      const [receiver, sender] = pages as [Page, Page]
      const both = Promise.all([
        receiver.evaluate((transfer) => networkPage.receive(transfer), transfer),
        sender.evaluate((transfer) => networkPage.send(transfer), transfer),
      ])
      const [{ rates }, sent] = await this.#within(transfer.timeoutMs + REST_MS, 'a transfer', both)
      const { overrun } = await proxy.traffic()
      // A socket's count goes with the socket, so it is read while the tabs are open.
      return { ...sent, rates, overrun: overrun + Math.max(0, kernelDrops() - dropsBefore) }
    } finally {
      await Promise.allSettled(pages.map((page) => page.close()))
      proxy.close()
    }
  }

  async #page(detour: Detour, pages: Page[], rank: 0 | 1): Promise<Page> {
    const page = await newWindow(this.#context)
    await page.exposeFunction('passSignal', async (signal: Signal) => {
      const passed = await detour.through(signal)
      const other = pages[1 - rank]
      // Early signals are kept by the page's broker once it is there, so they may be sent as they come.
      if (passed && other) await other.evaluate((signal) => networkPage.signaled(signal), passed)
    })
    await page.goto(this.#origin)
    await page.waitForFunction(() => globalThis.networkPage !== undefined)
    return page
  }

  #within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
    return within(work, ms, what, this.#signal).catch((error: unknown) => {
      if (error instanceof RondoError) throw error
      throw new RondoError('LINK_FAILED', `${what}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    })
  }
}
