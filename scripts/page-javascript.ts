/**
 * The JavaScript that a page needs before anybody does anything in it: what a real browser evaluates on the page's
 * main thread, and what it fetches besides (for workers, for later). Not for: what a build contains.
 */
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Page, Response } from 'playwright-core'

/** Milliseconds without a further script after which nothing more is taken to come. */
const QUIET_MS = 1_500
/** Milliseconds within which a page has fetched all it fetches by itself. */
const LIMIT_MS = 60_000

export interface PageScript {
  /** Path on the server, such as `/assets/page-join-x.js`. */
  path: string
  /** Bytes as gzip makes them at its usual level; the server itself need not compress. */
  gzipBytes: number
  /** True if the main thread evaluates it; otherwise it is fetched for a worker, or ahead of need. */
  onMainThread: boolean
}

/**
 * Opens `link` in `page`, which must be fresh, and waits with `settled` until the page is as a person sees it first,
 * and then until no further script comes. Chromium only, as Playwright knows what is evaluated there alone.
 */
export async function initialJavaScript(
  page: Page,
  link: string,
  settled: (page: Page) => Promise<unknown>,
): Promise<PageScript[]> {
  const responses = new Map<string, Response>()
  const isScript = (url: string): boolean => new URL(url).pathname.endsWith('.js')
  const note = (response: Response): void => {
    if (isScript(response.url())) responses.set(new URL(response.url()).pathname, response)
  }
  page.context().on('response', note)
  await page.coverage.startJSCoverage({ resetOnNavigation: false })
  await page.goto(link)
  await settled(page)
  await quiet(() => responses.size)
  const evaluated = await page.coverage.stopJSCoverage()
  page.context().off('response', note)
  const onMainThread = new Set(evaluated.filter(({ url }) => isScript(url)).map(({ url }) => new URL(url).pathname))
  const scripts = await Promise.all(
    [...responses].map(async ([path, response]) => ({
      path,
      gzipBytes: gzipSync(await response.body()).length,
      onMainThread: onMainThread.has(path),
    })),
  )
  return scripts.sort((a, b) => b.gzipBytes - a.gzipBytes)
}

/** Until a count has stopped growing. */
async function quiet(count: () => number): Promise<void> {
  const deadline = Date.now() + LIMIT_MS
  for (let before = -1; before !== count(); ) {
    if (Date.now() > deadline) throw new Error(`the page still fetches scripts after ${LIMIT_MS / 1_000} s`)
    before = count()
    await setTimeout(QUIET_MS)
  }
}

/** Bytes of all of them together. */
export function gzipBytesOf(scripts: readonly PageScript[]): number {
  return scripts.reduce((sum, { gzipBytes }) => sum + gzipBytes, 0)
}
