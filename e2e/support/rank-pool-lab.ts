/**
 * What the rank pool's tests need around the browser: the built runtime on a real server with a session, and their own
 * page beside it. Not for: the notebook's views, which have tests of their own.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from '@playwright/test'
import { createSignalingServer, type SignalingServer } from '@rondo/signaling-server'
import { ensureAssets } from '../../packages/cli/src/assets/build.ts'
import { createPageHandler } from '../../packages/cli/src/http/handler.ts'
import { ServedRuns } from '../../packages/cli/src/http/run-folder.ts'
import { DIST } from '../../packages/cli/src/paths.ts'
import { buildBrowserScripts } from '../../scripts/browser-scripts.ts'

const PAGE = '<!doctype html><title>rank pool</title><script type="module" src="/rank-pool-page.js"></script>'
/** As every answer of the server, so that shared memory is allowed. */
const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'cross-origin',
}

export class RankPoolLab {
  readonly origin: string
  /** Where run folders are made. */
  readonly runsFolder: string
  readonly #server: SignalingServer
  readonly #scripts: Map<string, string>
  readonly #runs: ServedRuns
  #sessions = 0
  #session: { session: string; joinToken: string; controlToken: string } | null = null

  private constructor(server: SignalingServer, scripts: Map<string, string>, runsFolder: string, runs: ServedRuns) {
    this.origin = `http://localhost:${server.port}`
    this.runsFolder = runsFolder
    this.#server = server
    this.#scripts = scripts
    this.#runs = runs
  }

  static async open(): Promise<RankPoolLab> {
    await ensureAssets(new AbortController().signal, () => {})
    const scripts = await buildBrowserScripts({ 'rank-pool-page': join(import.meta.dirname, 'rank-pool-page.ts') })
    const runs = new ServedRuns()
    const server = await createSignalingServer({
      host: '127.0.0.1',
      port: 0,
      requestHandler: createPageHandler({ dist: DIST, source: { runs } }),
    })
    return new RankPoolLab(server, scripts, mkdtempSync(join(tmpdir(), 'rondo-runs-')), runs)
  }

  /** Pages that are opened from now on belong to a session of their own. */
  async newSession(): Promise<void> {
    this.#sessions += 1
    const session = `notebook-${this.#sessions}`
    const tokens = await this.#server.createSession(session, { script: 'notebook', description: 'a test' })
    this.#runs.admit({ ...tokens, runsFolder: this.runsFolder })
    this.#session = { session, ...tokens }
  }

  async close(): Promise<void> {
    await this.#server.close()
    rmSync(this.runsFolder, { recursive: true, force: true })
  }

  /** A page with `slots`; without control it is a joined machine. */
  async openPage(context: BrowserContext, options: { slots: number; label: string; control?: boolean }): Promise<Page> {
    const page = await context.newPage()
    await page.route(
      (url) => url.pathname === '/lab/' || this.#scripts.has(url.pathname),
      (route) => {
        const script = this.#scripts.get(new URL(route.request().url()).pathname)
        const contentType = script === undefined ? 'text/html' : 'text/javascript'
        return route.fulfill({ body: script ?? PAGE, contentType, headers: ISOLATED })
      },
    )
    await page.goto(`${this.origin}/lab/`)
    await page.waitForFunction(() => globalThis.rankPoolPage !== undefined)
    const { slots, label, control = true } = options
    if (this.#session === null) throw new Error('newSession comes first')
    const { session, joinToken, controlToken } = this.#session
    const open = { session, joinToken, controlToken: control ? controlToken : null, slots, label }
    await page.evaluate((open) => rankPoolPage.open(open), open)
    return page
  }
}
