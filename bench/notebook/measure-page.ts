/** How long until the notebook can be used, and how much JavaScript that takes. Not for: what happens afterwards. */
import { setTimeout } from 'node:timers/promises'
import type { BrowserContext } from 'playwright-core'
import { gzipBytesOf, initialJavaScript } from '../../scripts/page-javascript.ts'
import type { Figure } from './figure.ts'
import type { NotebookLab } from './lab.ts'
import { NotebookTab } from './tab.ts'

/** kB of gzip for the page with its editor. */
const WANTED_KB = 350
/** Milliseconds until a page is usable that this browser has loaded before. */
const WANTED_MS = 2_000
/** Milliseconds for the machine to be done with a page that was closed. */
const REST_MS = 1_000

export async function measureSize(lab: NotebookLab): Promise<Figure[]> {
  const context = await lab.freshProfile()
  try {
    const page = await context.newPage()
    const scripts = await initialJavaScript(page, lab.link, () =>
      page.waitForFunction(() => benchClock.homeUsable !== null),
    )
    return [
      { what: 'JavaScript of the page, gzip', unit: 'kB', values: [gzipBytesOf(scripts) / 1_000], wanted: WANTED_KB },
    ]
  } finally {
    await context.close()
  }
}

/**
 * Per repetition a profile of its own: the first page of the notebooks, cold and again, then a notebook that was
 * opened before, with the browser's cache and without. A notebook counts as usable when a typed character is seen.
 */
export async function measurePage(lab: NotebookLab, repetitions: number): Promise<Figure[]> {
  const homeCold: number[] = []
  const homeWarm: number[] = []
  const notebookCold: number[] = []
  const notebookWarm: number[] = []
  const kernelWarm: number[] = []
  for (let i = 0; i < repetitions; i++) {
    const context = await lab.freshProfile({ types: true })
    try {
      await setTimeout(REST_MS, undefined, { signal: lab.signal })
      const tab = await NotebookTab.open(context, lab.link)
      homeCold.push((await tab.clock()).homeUsable ?? Number.NaN)
      await tab.example('MNIST')
      const notebook = new URL(lab.link)
      notebook.searchParams.set('notebook', new URL(tab.page.url()).searchParams.get('notebook') ?? '')
      await tab.page.getByTestId('saved').getByText('saved').waitFor()
      await tab.page.close()
      homeWarm.push((await load(context, lab, lab.link, 'home')).homeUsable ?? Number.NaN)
      const warm = await load(context, lab, notebook.href, 'notebook')
      notebookWarm.push(warm.notebookUsable ?? Number.NaN)
      kernelWarm.push(warm.kernelIdle ?? Number.NaN)
      notebookCold.push((await load(context, lab, notebook.href, 'notebook', false)).notebookUsable ?? Number.NaN)
    } finally {
      await context.close()
    }
  }
  return [
    { what: 'first page usable, nothing cached', unit: 'ms', values: homeCold },
    { what: 'first page usable, loaded before', unit: 'ms', values: homeWarm, wanted: WANTED_MS },
    { what: 'notebook can be typed in, nothing cached', unit: 'ms', values: notebookCold },
    { what: 'notebook can be typed in, loaded before', unit: 'ms', values: notebookWarm, wanted: WANTED_MS },
    { what: 'kernel ready for a cell, loaded before', unit: 'ms', values: kernelWarm },
  ]
}

/** Loads an address in a new page until it is usable; closes it. */
async function load(
  context: BrowserContext,
  lab: NotebookLab,
  address: string,
  what: 'home' | 'notebook',
  cached = true,
): Promise<typeof benchClock> {
  await setTimeout(REST_MS, undefined, { signal: lab.signal })
  const page = await context.newPage()
  try {
    if (!cached) {
      const session = await context.newCDPSession(page)
      await session.send('Network.enable')
      await session.send('Network.setCacheDisabled', { cacheDisabled: true })
    }
    await page.goto(address)
    await page.waitForFunction(
      (what) =>
        what === 'home'
          ? benchClock.homeUsable !== null
          : benchClock.notebookUsable !== null && benchClock.kernelIdle !== null,
      what,
    )
    return await page.evaluate(() => benchClock)
  } finally {
    await page.close()
  }
}
