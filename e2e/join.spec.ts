/** People at the join page: two browsers join by URL, press Start, watch, lose one, come back. Looked at in four sizes and lights. */
import { type Browser, expect, type Page, test } from '@playwright/test'
import { openChromium, strangersPage } from './support/browser.ts'
import { freePort, type Running, startRondo } from './support/rondo.ts'

/** Milliseconds in which every rank, the page and the terminal must name a lost rank. */
const LOSS_PROMISE_MS = 5_000

let browser: Browser
let serve: Running
let joinUrl: string

test.beforeAll(async () => {
  browser = await openChromium()
})

test.afterAll(async () => {
  await browser.close()
})

/** Serves the tiny script with these arguments and remembers the join URL. */
async function serveTiny(...args: string[]): Promise<void> {
  serve = startRondo(['serve', `--main-port=${await freePort()}`, 'e2e/scripts/tiny.ts', ...args])
  const [url] = await serve.waitFor(/http:\/\/localhost:\d+\S+#token=\S+/)
  joinUrl = url
}

test.afterEach(async () => {
  serve.process.kill('SIGINT')
  await serve.finished
})

async function joined(page: Page): Promise<Page> {
  await page.goto(joinUrl)
  await page.getByTestId('join').click()
  await expect(page.getByTestId('my-rank')).toBeVisible()
  return page
}

test('two browsers join by URL, Start trains over WebRTC, both see it to its end', async () => {
  await serveTiny('--steps', '200', '--pace', '30')
  const first = await joined(await strangersPage(browser, { viewport: { width: 1440, height: 900 } }))
  const second = await joined(
    await strangersPage(browser, { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }),
  )
  await expect(first.getByTestId('my-rank')).toContainText('rank 0')
  await expect(second.getByTestId('my-rank')).toContainText('rank 1')
  await expect(first.getByTestId('device')).toContainText('WebGPU')
  await first.getByTestId('start-run').click()
  for (const page of [first, second]) {
    await expect(page.getByTestId('status')).toContainText('Training', { timeout: 30_000 })
    await expect(page.getByTestId('loss-chart').locator('canvas')).toBeVisible()
    await expect(page.getByTestId('step-bar')).toBeVisible()
    await page.getByRole('button', { name: 'table' }).click()
    await expect(page.getByTestId('ring-table')).toContainText('WebRTC')
    await page.getByRole('button', { name: 'drawing' }).click()
  }
  await first.screenshot({ path: 'test-results/join-running-1440-light.png', fullPage: true })
  await second.screenshot({ path: 'test-results/join-running-390-dark.png', fullPage: true })
  for (const page of [first, second]) await expect(page.getByTestId('result')).toBeVisible({ timeout: 60_000 })
  await serve.waitFor(/done/)
  await first.screenshot({ path: 'test-results/join-done-1440-light.png', fullPage: true })
  await second.screenshot({ path: 'test-results/join-done-390-dark.png', fullPage: true })
  await first.getByTestId('start-run').click()
  await expect(second.getByTestId('stop-run')).toBeVisible({ timeout: 30_000 })
  for (const page of [first, second]) {
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
    await page.context().close()
  }
})

test('a tab that closes in mid-run is named within five seconds, on the page and in the terminal', async () => {
  await serveTiny('--steps', '100000', '--pace', '20')
  const stays = await joined(await strangersPage(browser, { viewport: { width: 390, height: 844 } }))
  const leaves = await joined(await strangersPage(browser))
  await stays.getByTestId('start-run').click()
  await expect(stays.getByTestId('status')).toContainText('Training', { timeout: 30_000 })
  const closed = Date.now()
  await leaves.context().close()
  await expect(stays.getByTestId('failure')).toContainText(/rank 1/i, { timeout: LOSS_PROMISE_MS })
  await serve.waitFor(/Lost rank 1|Rank 1 .*gone/, LOSS_PROMISE_MS)
  expect(Date.now() - closed).toBeLessThan(LOSS_PROMISE_MS)
  await stays.screenshot({ path: 'test-results/join-failed-390-light.png', fullPage: true })
  await stays.context().close()
})

test('when the server goes away the page says so, keeps what it has and says what to do', async () => {
  await serveTiny()
  const page = await joined(await strangersPage(browser))
  serve.process.kill('SIGINT')
  await serve.finished
  await expect(page.getByTestId('status')).toContainText(/server/i, { timeout: 20_000 })
  await page.context().close()
})

test('a wrong token is refused in one sentence', async () => {
  await serveTiny()
  const page = await strangersPage(browser)
  await page.goto(joinUrl.replace(/#token=.*/, '#token=not-the-one'))
  await expect(page.locator('body')).toContainText(/token|link/i)
  await expect(page.getByTestId('join')).toHaveCount(0)
  await page.context().close()
})

test('the page is used with the keyboard alone', async () => {
  await serveTiny()
  const page = await strangersPage(browser)
  await page.goto(joinUrl)
  await expect(page.getByTestId('join')).toBeVisible()
  for (
    let i = 0;
    i < 12 && !(await page.getByTestId('join').evaluate((node) => node === document.activeElement));
    i++
  ) {
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('my-rank')).toBeVisible()
  for (
    let i = 0;
    i < 12 && !(await page.getByTestId('start-run').evaluate((node) => node === document.activeElement));
    i++
  ) {
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('result')).toBeVisible({ timeout: 60_000 })
  await page.context().close()
})
