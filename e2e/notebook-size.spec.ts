/** How much JavaScript the notebook costs before anything is opened in it, and what must not be among it. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Browser, expect, test } from '@playwright/test'
import { gzipBytesOf, initialJavaScript, type PageScript } from '../scripts/page-javascript.ts'
import { openChromium, strangersPage } from './support/browser.ts'
import { type NotebookServer, serveNotebook } from './support/notebook.ts'
import { ROOT } from './support/rondo.ts'

/** Bytes of gzip for the page, its editor included. */
const MAX_BYTES = 350_000

/** Sources that a page needs only when somebody opens, runs or launches something, by what they are for. */
const LATER: Readonly<Record<string, RegExp>> = {
  'Observable Plot': /node_modules\/@observablehq\/plot\//,
  'D3 of the plots': /node_modules\/d3-/,
  'live charts': /node_modules\/uplot\//,
  'Markdown of cells': /node_modules\/marked\//,
  'cleaning of HTML': /node_modules\/dompurify\//,
  'Markdown in the editor': /node_modules\/@codemirror\/lang-markdown\//,
  tfjs: /node_modules\/@tensorflow\//,
  'the transpiler of cells': /node_modules\/sucrase\//,
  'the parser of cells': /node_modules\/acorn\//,
  'running cells': /packages\/kernel\/src\/(compile|run|fork)\//,
  training: /packages\/(strategies|collectives|trainer)\/src\//,
  WebRTC: /node_modules\/simple-peer\//,
}
/** Sources without which this would be no notebook: a check that finds them looks at the right thing. */
const AT_ONCE: Readonly<Record<string, RegExp>> = {
  'the editor': /node_modules\/@codemirror\/view\//,
  'JavaScript in the editor': /node_modules\/@codemirror\/lang-javascript\//,
  'the first page': /apps\/notebook\/src\/shell\/home\.tsx$/,
}

let browser: Browser
let server: NotebookServer
let scripts: PageScript[]

test.beforeAll(async () => {
  test.setTimeout(180_000)
  browser = await openChromium()
  server = await serveNotebook()
  scripts = await initialJavaScript(await strangersPage(browser), server.link, async (page) => {
    await page.getByTestId('home').waitFor()
    await expect(page.getByTestId('home')).not.toContainText('looking into this browser')
  })
})

test.afterAll(async () => {
  await server.close()
  await browser.close()
})

/** The sources that the build put into a chunk, by the chunk's own map; the bundler's own helpers have none. */
function sourcesOf(path: string): string[] {
  const file = join(ROOT, 'dist', path)
  const map = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(readFileSync(file, 'utf8'))?.[1]
  if (map === undefined) return []
  return (JSON.parse(readFileSync(join(dirname(file), map), 'utf8')) as { sources: string[] }).sources
}

test('the page and its editor need at most 350 kB of compressed JavaScript', () => {
  const list = scripts.map(({ path, gzipBytes }) => `${basename(path)} ${gzipBytes}`).join('\n')
  expect(scripts.length, 'nothing was loaded').toBeGreaterThan(0)
  expect(gzipBytesOf(scripts), list).toBeLessThanOrEqual(MAX_BYTES)
  // An empty notebook would be small, too.
  expect(gzipBytesOf(scripts), list).toBeGreaterThan(MAX_BYTES / 4)
})

test('plots, Markdown, run code and training come later', () => {
  const sources = scripts.flatMap(({ path }) => sourcesOf(path).map((source) => ({ source, path })))
  for (const [what, pattern] of Object.entries(AT_ONCE)) {
    expect(
      sources.filter(({ source }) => pattern.test(source)),
      `${what} is not there`,
    ).not.toEqual([])
  }
  const built = ['assets', 'runtime'].flatMap((folder) =>
    readdirSync(join(ROOT, 'dist', folder))
      .filter((name) => name.endsWith('.js'))
      .flatMap((name) => sourcesOf(`/${folder}/${name}`)),
  )
  for (const [what, pattern] of Object.entries(LATER)) {
    // Else a library that goes by another name one day would be missed here.
    expect(
      built.some((source) => pattern.test(source)),
      `${what}: ${pattern} is nowhere in the build`,
    ).toBe(true)
    expect(
      sources.filter(({ source }) => pattern.test(source)).map(({ source, path }) => `${path}: ${source}`),
      `${what} is loaded at once`,
    ).toEqual([])
  }
})
