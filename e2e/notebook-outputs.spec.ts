/** Outputs, run panel and devices of the notebook, scene by scene: they fit, they are harmless, they can be used by keyboard. */
import AxeBuilder from '@axe-core/playwright'
import { type Browser, expect, type Page, test } from '@playwright/test'
import { openChromium } from './support/browser.ts'
import { openStates, type PageStates } from './support/page-states.ts'

/** Something that each scene must show. */
const SCENES = {
  values: /Tensor \[8, 28, 28\] float32/,
  rich: /accuracy by rank/,
  text: /line 2 in step/,
  hostile: /harmless text/,
  untrusted: /once you trust this notebook/,
  markdown: /Title/,
  'run-waiting': /Waiting for 2 of 4 ranks/,
  'run-function': /the same on 2 ranks/,
  'run-training': /Training, epoch 2 of 2/,
  'run-done': /Done on 4 ranks/,
  'run-failed': /Failed in rank 2 on Laptop-B/,
  'run-frozen': /Done on 4 ranks/,
  devices: /Laptop-B/,
  'devices-alone': /Waiting for 2 since/,
  'devices-request': /Phone wants to join/,
  'devices-offline': /link that “npm start” printed last/,
} as const
/** What the hostile scene would fetch from elsewhere if it could. */
const AWAY = /evil\.example/

let browser: Browser
let states: PageStates
test.beforeAll(async () => {
  browser = await openChromium()
  states = await openStates('notebook/src/dev-outputs/index.html')
})
test.afterAll(async () => {
  await browser.close()
  await states.close()
})

async function show(scene: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options })
  await page.goto(states.url(scene))
  await settled(page)
  return page
}

/** Until what loads on demand is drawn. */
async function settled(page: Page): Promise<void> {
  for (const chart of await page.locator('.chart-host:visible').all()) await chart.locator('canvas').waitFor()
  for (const plot of await page.getByTestId('plot').all()) await plot.locator('svg, p').first().waitFor()
  for (const markdown of await page.getByTestId('markdown').all())
    await markdown.locator('.prose > *').first().waitFor()
  await page.waitForFunction(() =>
    [...document.querySelectorAll('[data-testid="html"]')].every((box) => box.querySelector(':scope > pre') === null),
  )
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`every scene fits, speaks and is accessible, ${colorScheme}`, async () => {
    // Two widths of every scene, looked at by axe: a minute on two busy cores.
    test.setTimeout(300_000)
    const context = await browser.newContext({ colorScheme })
    const page = await context.newPage()
    for (const width of [390, 1440]) {
      await page.setViewportSize({ width, height: 900 })
      for (const [scene, sentence] of Object.entries(SCENES)) {
        await page.goto(states.url(scene))
        await settled(page)
        await expect(page.locator('main')).toContainText(sentence)
        const past = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
        expect(past, `${scene} at ${width} px reaches past the right edge`).toBeLessThanOrEqual(0)
        await page.screenshot({ path: test.info().outputPath(`${scene}-${width}-${colorScheme}.png`), fullPage: true })
        if (width !== 390) continue
        // The colours of hostile HTML are its author's: red boxes that try to cover the page.
        const authors = scene === 'hostile' ? ['.html-host', '.cover'] : []
        const axe = authors.reduce((builder, target) => builder.exclude(target), new AxeBuilder({ page }))
        const { violations } = await axe.analyze()
        const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
        expect(
          serious.map(({ id, nodes }) => `${scene}: ${id} ${nodes.map((node) => node.target.join(' ')).join(', ')}`),
        ).toEqual([])
      }
    }
    await context.close()
  })
}

for (const scene of ['hostile', 'untrusted']) {
  test(`nothing in a notebook from elsewhere runs, loads or covers the page: ${scene}`, async () => {
    const page = await browser.newPage()
    const away: string[] = []
    page.on('request', (request) => {
      if (AWAY.test(request.url())) away.push(request.url())
    })
    await page.route(AWAY, (route) => route.abort())
    await page.goto(states.url(scene))
    await settled(page)
    await expect(page.locator('main')).toContainText(scene === 'hostile' ? 'harmless text' : 'no scripts')
    for (const link of await page.locator('a').all()) {
      const href = (await link.getAttribute('href')) ?? (await link.getAttribute('xlink:href')) ?? ''
      expect(href).toMatch(/^$|^#|^https:/)
      if (href.startsWith('https:')) {
        expect(await link.getAttribute('target')).toBe('_blank')
        expect(await link.getAttribute('rel')).toContain('noopener')
      }
    }
    expect(await page.evaluate(() => (window as { hacked?: unknown }).hacked)).toBeUndefined()
    // Trusted notebooks may load pictures over https; nothing else, and nothing at all before trust.
    expect(away.filter((url) => scene === 'untrusted' || !/^https:.*\.png$/.test(url))).toEqual([])
    expect(await page.locator('script[src*="evil"], iframe, object, embed, form, main input').count()).toBe(0)
    const onTop = await page.locator('h1').evaluate((heading) => {
      const { x, y, height } = heading.getBoundingClientRect()
      return document.elementFromPoint(x + 4, y + height / 2) === heading
    })
    expect(onTop, 'something covers the page').toBe(true)
    await page.close()
  })
}

test('a Markdown cell of an untrusted notebook shows its own pictures and fetches no others', async () => {
  const page = await browser.newPage()
  const away: string[] = []
  page.on('request', (request) => {
    if (AWAY.test(request.url())) away.push(request.url())
  })
  await page.goto(states.url('markdown'))
  await settled(page)
  await expect(page.locator('.prose img').first()).toHaveJSProperty('naturalWidth', 1)
  await expect(page.getByAltText('away (not loaded from evil.example)')).toHaveCount(1)
  await page.getByRole('link', { name: 'down' }).click()
  expect(new URL(page.url()).hash).toBe('#user-content-Title')
  expect(away).toEqual([])
  await page.close()
})

test('100,000 lines stay scrollable: only what is in sight is drawn, and the end is followed until one scrolls', async () => {
  const page = await show('log')
  const print = (lines: number) => page.getByRole('button', { name: `print ${lines}`, exact: true }).click()
  await print(100_000)
  const log = page.getByRole('log')
  await expect(log).toContainText('line 99999:')
  expect(await log.locator('.log-line').count()).toBeLessThan(150)
  await print(10)
  await expect(log).toContainText('line 100009:')
  await log.focus()
  await page.keyboard.press('Home')
  await expect(log).toContainText('line 0:')
  await print(1)
  await expect(log).toContainText('line 0:')
  await expect(page.getByTestId('log')).toContainText('100,011 lines')
  await log.evaluate((box) => {
    box.scrollTop = box.scrollHeight / 2
  })
  await expect(log).toContainText(/line 5000\d:/)
  await page.getByRole('button', { name: 'To the end' }).click()
  await expect(log).toContainText('line 100010:')
  await page.close()
})

test('what stands below a log does not move once the log scrolls, nor when a cell runs again', async () => {
  const page = await show('log')
  const below = page.getByTestId('below')
  const print = (lines: number) => page.getByRole('button', { name: `print ${lines}`, exact: true }).click()
  await print(100)
  await expect(page.getByRole('log')).toContainText('line 99:')
  const before = await below.boundingBox()
  await print(1_000)
  await expect(page.getByRole('log')).toContainText('line 1099:')
  expect((await below.boundingBox())?.y).toBe(before?.y)
  await page.goto(states.url('rerun'))
  await expect(page.getByTestId('table')).toBeVisible()
  const idle = await below.boundingBox()
  await page.getByRole('button', { name: 'Run' }).click()
  await expect(page.getByTestId('table')).toHaveCount(0)
  expect((await below.boundingBox())?.y).toBe(idle?.y)
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByTestId('table')).toBeVisible()
  expect((await below.boundingBox())?.y).toBe(idle?.y)
  await page.close()
})

test('a value is unfolded and walked through by keyboard alone', async () => {
  const page = await show('values')
  const tree = page.getByRole('tree').first()
  const focused = tree.locator(':focus')
  await tree.getByRole('treeitem').first().focus()
  await page.keyboard.press('ArrowRight')
  await expect(tree.getByRole('treeitem')).toHaveCount(5)
  await page.keyboard.press('ArrowDown')
  await expect(focused).toHaveText('lr: 0.01')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(focused).toHaveAttribute('aria-expanded', 'true')
  await page.keyboard.press('ArrowRight')
  await expect(focused).toHaveText('0: Dense {units: 128}')
  await page.keyboard.press('ArrowLeft')
  await expect(focused).toHaveText('layers: Array(3)')
  await page.keyboard.press('ArrowLeft')
  await expect(tree.getByRole('treeitem')).toHaveCount(5)
  await page.keyboard.press('End')
  await expect(focused).toHaveText('parent: null')
  await page.keyboard.press('Home')
  await expect(focused).toHaveAttribute('aria-level', '1')
  await page.close()
})

test('an error leads to its line, and a run’s panel to its ring', async () => {
  const page = await show('text')
  await expect(page.getByTestId('error').first()).toContainText('const gradients = model.layers[9]')
  await page.getByRole('button', { name: 'cell [3], line 2' }).first().press('Enter')
  await expect(page.getByTestId('jumped')).toHaveText('cell-a:2:24')
  await page.goto(states.url('run-training'))
  await expect(page.getByTestId('lanes').locator('details')).toHaveCount(2)
  await expect(page.getByTestId('ring')).toHaveCount(0)
  await page.getByText('Ring and step times').click()
  await expect(page.getByTestId('ring')).toBeVisible()
  await page.close()
})

test('devices are added, let in and sent away', async () => {
  const page = await show('devices')
  await page.getByRole('button', { name: 'One rank more' }).click()
  await expect(page.getByTestId('slots')).toHaveText('3')
  await page.getByRole('button', { name: 'Remove Laptop-B' }).click()
  await expect(page.getByTestId('said')).toHaveText('')
  await page.getByRole('button', { name: 'Really remove Laptop-B' }).click()
  await expect(page.getByTestId('said')).toHaveText('remove laptop')
  await page.goto(states.url('devices-request'))
  await page.getByRole('button', { name: 'Let in' }).click()
  await expect(page.getByTestId('said')).toHaveText('admit phone')
  await page.close()
})
