/**
 * The JavaScript that a page fetches before anybody does anything in it, in a real browser, workers included. Not for:
 * what a build contains.
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
}

/**
 * Opens `link` in `page`, which must be fresh, and waits with `settled` until the page is as a person sees it first,
 * and then until no further script comes.
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
  await page.goto(link)
  await settled(page)
  await quiet(() => responses.size)
  page.context().off('response', note)
  const scripts = await Promise.all(
    [...responses].map(async ([path, response]) => ({
      path,
      gzipBytes: gzipSync(await response.body()).length,
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
