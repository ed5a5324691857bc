/** What a machine that joins with nothing cached downloads until it trains, and what must not be among it. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Browser, expect, test } from '@playwright/test'
import { bytesOf, type Download, recordDownloads } from '../scripts/page-downloads.ts'
import { openChromium, strangersPage } from './support/browser.ts'
import { freePort, ROOT, type Running, startRondo } from './support/rondo.ts'

/** Bytes on the wire from the link to the first step, tfjs and its kernels included. */
const MAX_BYTES = 1_500_000

/** Sources that taking part does not need, by what they are for. */
const NOT_NEEDED: Readonly<Record<string, RegExp>> = {
  'the editor of the notebook': /node_modules\/@codemirror\//,
  'Observable Plot': /node_modules\/@observablehq\/plot\//,
  'running cells': /packages\/kernel\/src\//,
  'the transpiler of cells': /node_modules\/sucrase\//,
  'Markdown of cells': /node_modules\/marked\//,
  "tfjs's webgl backend": /node_modules\/@tensorflow\/tfjs-backend-webgl\//,
}
/** Without these nothing trains: a check that finds them looks at the right thing. */
const NEEDED: Readonly<Record<string, RegExp>> = {
  'the join page': /apps\/join\/src\/main\.tsx$/,
  tfjs: /node_modules\/@tensorflow\/tfjs-core\//,
  collectives: /packages\/collectives\/src\//,
  WebRTC: /simple-peer\//,
}

let browser: Browser
let serve: Running
let downloads: Download[]

test.beforeAll(async () => {
  test.setTimeout(180_000)
  browser = await openChromium()
  serve = startRondo(['serve', `--main-port=${await freePort()}`, 'e2e/scripts/tiny.ts', '--steps', '40'])
  const [link] = await serve.waitFor(/http:\/\/localhost:\d+\S+#token=\S+/)
  const first = await strangersPage(browser)
  const second = await strangersPage(browser)
  const record = recordDownloads(first.context())
  for (const page of [first, second]) {
    await page.goto(link)
    await page.getByTestId('join').click()
    await expect(page.getByTestId('my-rank')).toBeVisible()
  }
  await first.getByTestId('start-run').click()
  await expect(first.getByTestId('result')).toBeVisible({ timeout: 60_000 })
  downloads = record.read()
})

test.afterAll(async () => {
  serve.process.kill('SIGINT')
  await serve.finished
  await browser.close()
})

/** The sources that the build put into a chunk, by the chunk's own map; what is no chunk has none. */
function sourcesOf(path: string): string[] {
  if (!path.endsWith('.js') || path.startsWith('/runs/')) return []
  const file = join(ROOT, 'dist', path)
  const map = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(readFileSync(file, 'utf8'))?.[1]
  if (map === undefined) return []
  return (JSON.parse(readFileSync(join(dirname(file), map), 'utf8')) as { sources: string[] }).sources
}

test('a page that joins and trains has downloaded at most 1.5 MB', () => {
  const list = downloads.map(({ path, bytes }) => `${path} ${bytes}`).join('\n')
  expect(bytesOf(downloads), list).toBeLessThanOrEqual(MAX_BYTES)
  // A page that did not train would be small, too.
  expect(bytesOf(downloads), list).toBeGreaterThan(MAX_BYTES / 4)
})

test('one kind of WASM at most is among it, once a worker, and no source map', () => {
  const paths = downloads.map(({ path }) => path)
  expect(new Set(paths.filter((path) => path.endsWith('.wasm'))).size).toBeLessThanOrEqual(1)
  expect(paths.filter((path) => path.endsWith('.map'))).toEqual([])
})

test('nothing of the notebook or of other backends is among it', () => {
  const sources = downloads.flatMap(({ path }) => sourcesOf(path).map((source) => ({ source, path })))
  for (const [what, pattern] of Object.entries(NEEDED)) {
    expect(
      sources.some(({ source }) => pattern.test(source)),
      `${what} is not there`,
    ).toBe(true)
  }
  for (const [what, pattern] of Object.entries(NOT_NEEDED)) {
    expect(
      sources.filter(({ source }) => pattern.test(source)).map(({ source, path }) => `${path}: ${source}`),
      `${what} is loaded`,
    ).toEqual([])
  }
})
