/** The join page as people use it: two browsers open the link, start a run, watch it, lose a tab, come back. */
import { type Browser, expect, type Page, test } from '@playwright/test'
import { freePort, type Running, startRondo } from './support/rondo.ts'

const START_MS = 60_000

test.use({
  launchOptions: {
    executablePath: process.env['CHROME_PATH'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking', '--allow-loopback-in-peer-connection'],
  },
})

/** Serves the tiny script, and gives the link of the local machine. */
async function serve(...args: string[]): Promise<{ server: Running; link: string }> {
  const server = startRondo(['serve', `--main-port=${await freePort()}`, 'e2e/scripts/tiny.ts', ...args])
  const [link] = await server.waitFor(/http:\/\/localhost:\d+\/join\/\S+/, START_MS)
  return { server, link }
}

async function end(server: Running): Promise<void> {
  server.process.kill('SIGINT')
  await server.finished
}

/** A browser of its own: contexts share neither storage nor workers, so links between them are WebRTC. */
async function person(browser: Browser, link: string, width: number): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: 900 } })
  const page = await context.newPage()
  await page.goto(link)
  await page.getByTestId('join').click()
  await expect(page.getByTestId('my-rank')).toContainText('You will be rank')
  return page
}

test('two people join, start from the page, watch and get the result', async ({ browser }, info) => {
  const { server, link } = await serve('--steps', '150', '--pace', '20')
  try {
    const first = await person(browser, link, 1440)
    const second = await person(browser, link, 390)
    await expect(first.getByTestId('status')).toHaveText('2 ranks are here, ready to start.')
    await second.getByTestId('start-run').click()
    for (const [page, rank] of [
      [first, 0],
      [second, 1],
    ] as const) {
      await expect(page.getByTestId('status')).toContainText('Training', { timeout: START_MS })
      await expect(page.getByTestId('my-rank')).toContainText(`You are rank ${rank}`)
      await expect(page.getByTestId('ring').getByRole('img', { name: /^rank 0 → rank 1 · WebRTC/ })).toBeVisible()
      await page.screenshot({ path: info.outputPath(`training-rank-${rank}.png`), fullPage: true })
    }
    for (const page of [first, second]) {
      await expect(page.getByTestId('status')).toContainText('Done in', { timeout: START_MS })
      await expect(page.getByTestId('result')).toContainText('report.json')
      await expect(page.getByTestId('contribution')).toContainText('150 steps')
      await expect(page.getByTestId('start-run')).toHaveText('Start again')
    }
    await expect(first.getByText(/All ranks hold the same weights/).first()).toBeVisible()
  } finally {
    await end(server)
  }
})

test('a tab closed in mid-run is named on the other page, and leaving gives the seat back', async ({ browser }) => {
  const { server, link } = await serve('--steps', '100000', '--pace', '20')
  try {
    const first = await person(browser, link, 1440)
    const second = await person(browser, link, 390)
    await first.getByTestId('start-run').click()
    await expect(first.getByTestId('status')).toContainText('Training', { timeout: START_MS })
    await second.context().close()
    await expect(first.getByTestId('status')).toContainText(/^Rank 1 on .+ is gone/, { timeout: 5_000 })
    await expect(first.getByTestId('failure')).toContainText(/rank 1 .*(connection ended|is gone)/i)
    await expect(first.getByTestId('ring').getByRole('img', { name: /^rank 1 .*lost, last heard/ })).toBeVisible()
    await first.getByTestId('leave').click()
    await expect(first.getByTestId('join')).toBeVisible()
    await expect(first.getByTestId('ready')).toHaveText('0 here')
  } finally {
    await end(server)
  }
})

test('a wrong link says what is wrong with it, and a lost server what still works', async ({ page }) => {
  const { server, link } = await serve()
  const [address = '', token = ''] = link.split('#')
  const says = async (url: string, sentence: RegExp) => {
    await page.goto('about:blank')
    await page.goto(url)
    await expect(page.getByTestId('status')).toHaveText(sentence)
  }
  try {
    await says(address, /lacks its token/)
    await says(`${address}#token=guess`, /token is not the right one/)
    await says(`${address.replace(/session=[^&]+/, 'session=nowhere')}#${token}`, /There is no session nowhere here/)
    await says(link, /You are invited/)
  } finally {
    await end(server)
  }
  await expect(page.getByTestId('status')).toContainText('does not answer')
})
