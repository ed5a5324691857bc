/**
 * `rondo serve` and a browser as people have them, and notebooks in pages of their own. Everything that is opened is
 * noted in the given cleanup. Not for: what is measured.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RondoError } from '@rondo/protocol'
import type { Browser, BrowserContext } from 'playwright-core'
import { findBrowser } from '../../packages/cli/src/browser/find.ts'
import { machineSearch } from '../../packages/cli/src/browser/install.ts'
import { launchBrowser } from '../../packages/cli/src/browser/launch.ts'
import type { Cleanup } from '../../packages/cli/src/process/cleanup.ts'
import { buildBrowserScripts } from '../../scripts/browser-scripts.ts'
import { within } from '../allreduce/deadline.ts'
import { NotebookTab } from './tab.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Milliseconds for the server to be there, the build of all pages included. */
const SERVE_MS = 180_000
/** Milliseconds for a server to end by itself. */
const END_MS = 5_000
/** CSS pixels: wide enough for the devices to stand beside the cells. */
const VIEWPORT = { width: 1440, height: 900 }

export interface LabOptions {
  browser: string | undefined
  cleanup: Cleanup
  signal: AbortSignal
  say(line: string): void
}

export class NotebookLab {
  readonly browserVersion: string
  /** The notebook's link with its tokens. */
  readonly link: string
  readonly signal: AbortSignal
  readonly #browser: Browser
  readonly #clock: string

  private constructor(browser: Browser, link: string, clock: string, signal: AbortSignal) {
    this.#browser = browser
    this.browserVersion = browser.version()
    this.link = link
    this.#clock = clock
    this.signal = signal
  }

  static async open({ browser: given, cleanup, signal, say }: LabOptions): Promise<NotebookLab> {
    const executablePath = await findBrowser(given, machineSearch(say))
    const clock = (await buildBrowserScripts({ clock: join(import.meta.dirname, 'page-clock.ts') })).get('/clock.js')
    const link = await serve(cleanup, signal)
    const launched = await launchBrowser({ executablePath, headed: false, softwareWebGpu: false })
    cleanup.add(launched, () => launched.close())
    const browser = launched.context.browser()
    if (browser === null || clock === undefined) throw new Error('the browser or the clock of the bench is missing')
    await launched.context.close()
    // Whatever waits for a page then ends at once, too.
    signal.addEventListener('abort', () => void browser.close(), { once: true })
    return new NotebookLab(browser, link, clock, signal)
  }

  /** A profile in which nothing of Rondo was ever loaded. `types`: type into the first editor that appears. */
  async freshProfile({ types = false } = {}): Promise<BrowserContext> {
    this.signal.throwIfAborted()
    const context = await this.#browser.newContext({ viewport: VIEWPORT })
    await context.addInitScript({ content: `globalThis.benchTypes = ${types}` })
    await context.addInitScript({ content: this.#clock })
    return context
  }

  /** Works in a notebook of a fresh profile and closes it. */
  async inFreshTab<T>(work: (tab: NotebookTab) => Promise<T>): Promise<T> {
    const context = await this.freshProfile()
    try {
      return await work(await NotebookTab.open(context, this.link))
    } catch (error) {
      this.signal.throwIfAborted()
      throw error
    } finally {
      await context.close()
    }
  }
}

/** @returns the notebook's link; the server ends with the cleanup */
async function serve(cleanup: Cleanup, signal: AbortSignal): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-bench-'))
  cleanup.add(folder, () => rmSync(folder, { recursive: true, force: true }))
  const main = join(ROOT, 'packages/cli/src/main.ts')
  const words = ['--import', import.meta.resolve('tsx'), main, 'serve', `--main-port=${await freePort()}`, '--no-open']
  // Runs are recorded in the folder from which it is called.
  const child = spawn(process.execPath, words, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  cleanup.add(child, async () => {
    if (child.exitCode !== null) return
    child.kill('SIGINT')
    const late = setTimeout(() => child.kill('SIGKILL'), END_MS)
    await ended
    clearTimeout(late)
  })
  let said = ''
  const link = new Promise<string>((found, failed) => {
    const take = (piece: Buffer): void => {
      said += piece.toString('utf8')
      const url = /http:\/\/localhost:\d+\/notebook\/\S+#control=\S+/.exec(said)?.[0]
      if (url !== undefined) found(url)
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    ended.then(
      () => failed(new RondoError('INTERNAL', `rondo serve ended before it could be used. It said: ${said}`)),
      failed,
    )
  })
  return within(link, SERVE_MS, 'rondo serve', signal)
}

/** One that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('a server on a port has no port')
  return address.port
}
