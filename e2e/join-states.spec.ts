/** Every state of the join page at three widths and in both colour schemes: it fits, it speaks, it can be used by keyboard. */
import { type Browser, expect, type Page, test } from '@playwright/test'
import { openChromium } from './support/browser.ts'
import { openStates, type PageStates } from './support/page-states.ts'

const STATES = {
  home: /Train together/,
  connecting: /Connecting/,
  before: /invited/,
  gathering: /ready to start/,
  waiting: /Waiting for 1 rank of 4/,
  running: /Training, epoch 2 of 3/,
  done: /Done in/,
  failed: /Rank 2 .* is gone/,
  offline: /reconnecting/,
  insecure: /Browsers switch WebGPU off at this address/,
  refused: /token/,
} as const
const WIDTHS = [360, 390, 1440]

let browser: Browser
let states: PageStates
test.beforeAll(async () => {
  browser = await openChromium()
  states = await openStates('join/src/dev/index.html')
})
test.afterAll(async () => {
  await states.close()
  await browser.close()
})

/** A fresh page that shows a state. */
async function show(state: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options })
  await page.goto(states.url(state))
  return page
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`every state fits and speaks, ${colorScheme}`, async () => {
    const page = await browser.newPage({ colorScheme })
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text())
    })
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 })
      for (const [state, sentence] of Object.entries(STATES)) {
        await page.goto(states.url(state))
        await expect(page.locator('main')).toContainText(sentence)
        if (state === 'running') await page.locator('.chart canvas').waitFor()
        const past = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
        expect(past, `${state} at ${width} px reaches past the right edge`).toBeLessThanOrEqual(0)
        await page.screenshot({ path: test.info().outputPath(`${state}-${width}-${colorScheme}.png`), fullPage: true })
      }
    }
    expect(problems).toEqual([])
    await page.close()
  })
}

test('the ring tells a pair’s figures on focus, and the same data as a table', async () => {
  const page = await show('running')
  const ring = page.getByTestId('ring')
  const link = ring.getByRole('img', { name: /^rank 2 → rank 3/ })
  await link.focus()
  await expect(ring.locator('figcaption')).toHaveText(
    'rank 2 → rank 3 · WebRTC · 16.0 MB/s · round trip 3.1 ms · 172 MB sent',
  )
  const before = await page.getByTestId('loss-chart').boundingBox()
  await page.getByRole('button', { name: 'table' }).press('Enter')
  await expect(
    page.getByTestId('ring-table').getByRole('row', { name: /2 → 3 WebRTC 16.0 MB\/s 3.1 ms/ }),
  ).toBeVisible()
  expect((await page.getByTestId('loss-chart').boundingBox())?.y).toBe(before?.y)
})

test('the invitation is taken by keyboard alone, with the focus in sight', async () => {
  const page = await show('before')
  await expect(page.getByTestId('join')).toBeVisible()
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab')
    const focused = page.locator(':focus')
    expect(await focused.evaluate((element) => element.matches(':focus-visible'))).toBe(true)
    if ((await focused.getAttribute('data-testid')) !== 'join') continue
    expect(await focused.evaluate((element) => getComputedStyle(element).outlineStyle)).toBe('solid')
    return
  }
  throw new Error('Tab never reached the Join button')
})

test('stopping everyone’s run takes two presses, and moving on takes the question back', async () => {
  const page = await show('running')
  const stop = page.getByTestId('stop-run')
  await stop.click()
  await expect(stop).toHaveText('Stop all 4 ranks')
  await page.getByTestId('leave').focus()
  await expect(stop).toHaveText('Stop the run')
})

test('nothing moves for people who asked for less motion', async () => {
  const page = await show('running', { reducedMotion: 'reduce' })
  await expect(page.getByTestId('ring')).toBeVisible()
  expect(
    await page.locator('.ring-pulse').evaluateAll((pulses) => pulses.map((p) => getComputedStyle(p).display)),
  ).toEqual(['none'])
  expect(await page.getByTestId('leave').evaluate((button) => getComputedStyle(button).transitionDuration)).toMatch(
    /^0s(, 0s)*$/,
  )
  await page.close()
})
