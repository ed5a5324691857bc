/**
 * The tabs of this node's ranks: one a device, all in one browser. Opens them, watches for crashes and tells
 * what a page says when it cannot even join. Not for: finding or starting the browser (browser/).
 */
import { basename, join } from 'node:path'
import type { BrowserContext, Download, Page } from 'playwright-core'
import { newWindow } from '../browser/new-window.ts'
import { runsFolder } from '../paths.ts'

export interface TabPlan {
  /** Origin of the pages on this machine, always localhost: WebGPU needs a secure context. */
  origin: string
  session: string
  joinToken: string
  nodeId: string
  label: string
  /** The only addresses of this machine for WebRTC; any without them. */
  iceAddresses?: readonly string[] | null
  /** Signaling server, when it is not the pages' own origin. */
  server?: string
}

export interface TabListener {
  /** A tab is gone: crashed, or closed by somebody. */
  onLost(localRank: number, how: 'crashed' | 'was closed'): void
  /** The page's program failed outside of any rank. */
  onPageError(localRank: number, message: string): void
  /** The page's own console, for `--debug detail`. */
  onPageConsole(localRank: number, text: string): void
}

/** Milliseconds for the join page to load; everything comes from this machine. */
const LOAD_TIMEOUT_MS = 30_000
/** Milliseconds that the end of a run waits for downloads. */
const DOWNLOAD_TIMEOUT_MS = 10_000

export class Tabs {
  readonly #context: BrowserContext
  readonly #pages: Page[] = []
  /** Files that scripts gave to the person, on their way to `runs/downloads`. */
  readonly #downloads: Promise<void>[] = []
  #loaded = 0
  #closing = false

  constructor(context: BrowserContext) {
    this.#context = context
  }

  /** Opens `count` empty windows more, one a rank. */
  async open(count: number): Promise<void> {
    for (let i = 0; i < count; i++) this.#pages.push(await newWindow(this.#context))
  }

  /** Loads all that are empty at once; they join by themselves. */
  async load(plan: TabPlan, listener: TabListener): Promise<void> {
    const first = this.#loaded
    this.#loaded = this.#pages.length
    await Promise.all(this.#pages.slice(first).map((page, i) => this.#load(page, plan, first + i, listener)))
  }

  async close(): Promise<void> {
    this.#closing = true
    const late = new Promise<void>((resolve) => setTimeout(resolve, DOWNLOAD_TIMEOUT_MS).unref())
    await Promise.race([Promise.allSettled(this.#downloads), late])
    await Promise.allSettled(this.#pages.map((page) => page.close()))
  }

  async #load(page: Page, plan: TabPlan, localRank: number, listener: TabListener): Promise<void> {
    page.on('crash', () => {
      if (!this.#closing) listener.onLost(localRank, 'crashed')
    })
    page.on('close', () => {
      if (!this.#closing) listener.onLost(localRank, 'was closed')
    })
    page.on('download', (download) => this.#downloads.push(keep(download, listener, localRank)))
    page.on('pageerror', (error) => listener.onPageError(localRank, error.stack ?? error.message))
    page.on('console', (message) => listener.onPageConsole(localRank, `${message.type()}: ${message.text()}`))
    await page.goto(joinUrl(plan, localRank), { timeout: LOAD_TIMEOUT_MS, waitUntil: 'domcontentloaded' })
  }
}

/** Stores a download where its person finds it: this browser's own folder goes with the browser. */
async function keep(download: Download, listener: TabListener, localRank: number): Promise<void> {
  const path = join(runsFolder(), 'downloads', basename(download.suggestedFilename()))
  try {
    await download.saveAs(path)
  } catch (thrown) {
    listener.onPageError(localRank, `The download ${path} could not be stored: ${String(thrown)}`)
  }
}

/** The address that makes a tab join by itself as one device of this node. */
export function joinUrl(plan: TabPlan, localRank: number): string {
  const url = new URL('/join/', plan.origin)
  const query = {
    session: plan.session,
    auto: '1',
    node: plan.nodeId,
    label: plan.label,
    first: String(localRank),
    slots: '1',
    ...(plan.iceAddresses ? { ice: plan.iceAddresses.join(',') } : {}),
    ...(plan.server === undefined ? {} : { server: plan.server }),
  }
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  url.hash = `token=${encodeURIComponent(plan.joinToken)}`
  return url.href
}
