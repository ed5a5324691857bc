/**
 * What the link tests need around the browser: their page and workers, built and served, and a hub that
 * passes signals on by rank. Not for: the real signaling server, which has tests of its own.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { BrowserContext, Page } from '@playwright/test'
import type { Seat } from '@rondo/protocol'
import { Server, type Socket } from 'socket.io'
import { isolate } from '../../packages/cli/src/http/reply.ts'
import { buildBrowserScripts } from '../../scripts/browser-scripts.ts'
import type { EndSeen, StartOptions, StatsSeen, WorkerTask } from './links-messages.ts'

const ROOT = join(import.meta.dirname, '../..')
const BROKER = 'runtime/port-broker'
/** A page whose workers may not share memory. */
const PLAIN = '/plain'
const ENTRIES = {
  'links-page': join(import.meta.dirname, 'links-page.ts'),
  'links-worker': join(import.meta.dirname, 'links-worker.ts'),
  [BROKER]: join(ROOT, 'packages/transport/src/port-broker.worker.ts'),
}

export class LinksLab {
  readonly url: string
  readonly #close: () => Promise<void>

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url
    this.#close = close
  }

  static async open(): Promise<LinksLab> {
    const scripts = await buildBrowserScripts(ENTRIES)
    const server = createServer((request, response) => {
      const script = scripts.get(request.url ?? '')
      if (request.url !== PLAIN) isolate(response)
      response.setHeader('content-type', script ? 'text/javascript' : 'text/html')
      response.end(script ?? '<!doctype html><title>links</title><script type="module" src="/links-page.js"></script>')
    })
    const io = new Server(server, { maxHttpBufferSize: 1_048_576 })
    const owners = new Map<number, Socket>()
    io.on('connection', (socket) => {
      socket.on('own', (ranks: number[], ack: (reply: unknown) => void) => {
        for (const rank of ranks) owners.set(rank, socket)
        ack({ ok: true })
      })
      for (const event of ['signal', 'relay']) {
        socket.on(event, (message: { to: number }, ack: (reply: unknown) => void) => {
          const owner = owners.get(message.to)
          owner?.emit(event, message)
          ack({ ok: owner?.connected === true })
        })
      }
    })
    await new Promise<void>((resolve) => server.listen(0, resolve))
    return new LinksLab(`http://localhost:${(server.address() as AddressInfo).port}/`, () => io.close())
  }

  close(): Promise<void> {
    return this.#close()
  }

  /** `isolated` as Rondo's own pages are: their workers may share memory. */
  async openPage(context: BrowserContext, isolated = true): Promise<LinksTab> {
    const page = await context.newPage()
    await page.goto(isolated ? this.url : new URL(PLAIN, this.url).href)
    await page.waitForFunction(() => globalThis.linksPage !== undefined)
    return new LinksTab(page, await page.evaluate(() => linksPage.browserId()))
  }
}

/** A tab and what tests ask of it. */
export class LinksTab {
  readonly page: Page
  readonly browserId: string | null

  constructor(page: Page, browserId: string | null) {
    this.page = page
    this.browserId = browserId
  }

  own(ranks: number[]): Promise<void> {
    return this.page.evaluate((ranks) => linksPage.own(ranks), ranks)
  }

  start(options: StartOptions) {
    return this.page.evaluate((options) => linksPage.start(options), options)
  }

  ask(rank: number, task: Exclude<WorkerTask, { task: 'accept' }>): Promise<unknown> {
    return this.page.evaluate(([rank, task]) => linksPage.ask(rank, task), [rank, task] as const)
  }

  end(rank: number, peer: number): Promise<EndSeen> {
    return this.ask(rank, { task: 'end', peer }) as Promise<EndSeen>
  }

  stats(rank: number, peer: number): Promise<StatsSeen> {
    return this.ask(rank, { task: 'stats', peer }) as Promise<StatsSeen>
  }
}

/** Seats of ranks 0, 1, … on these tabs, in order; a tab may be named several times. */
export function seatsOn(tabs: LinksTab[]): Seat[] {
  return tabs.map((tab, rank) => ({
    rank,
    nodeRank: 0,
    localRank: rank,
    memberId: `member-${rank}`,
    pageId: `page-${tabs.indexOf(tab)}`,
    browserId: tab.browserId,
    nodeId: 'node-0',
    nodeLabel: 'lab',
    state: 'starting',
    lastSeen: null,
  }))
}
