/** The Devices panel with a real second browser: asking before a machine takes part, letting it in, sending it away. */
import { type Browser, expect, test } from '@playwright/test'
import { openChromium } from './support/browser.ts'
import { NotebookPage, type NotebookServer, serveNotebook } from './support/notebook.ts'

/** Milliseconds for a first launch on two cores that are busy with two browsers. */
const COLD_MS = 60_000

let browser: Browser
let other: Browser
let server: NotebookServer

test.beforeAll(async () => {
  browser = await openChromium()
  other = await openChromium()
  server = await serveNotebook()
})

test.afterAll(async () => {
  await server.close()
  await other.close()
  await browser.close()
})

test('a machine that asks gets no rank before it is let in, and none after it was sent away', async () => {
  const notebook = await NotebookPage.open(browser, server.link)
  await notebook.cells(
    `import { Fabric } from 'rondo'
async function who(fabric: Fabric) { return \`\${await fabric.allReduce(1, { op: 'sum' })} took part\` }`,
    `await new Fabric({ devices: 'auto', strategy: 'ddp_notebook' }).launch(who)`,
  )
  await notebook.run(0)
  const devices = notebook.page.getByTestId('devices')
  await devices.getByRole('button', { name: 'One rank fewer' }).click()
  await expect(devices.getByTestId('slots')).toHaveText('1')
  await devices.getByLabel('Ask me before a machine takes part').check()
  await expect(devices).toContainText('can ask to take part')

  const page = await other.newPage()
  await page.goto(server.joinLink)
  await page.getByRole('button', { name: /join/i }).click()
  await expect(page.getByTestId('status')).toContainText('Waiting to be let in.')
  const request = devices.getByTestId('devices-request')
  await expect(request).toContainText('wants to join')
  await notebook.run(1, COLD_MS)
  await expect(notebook.output(1)).toContainText('1 took part')

  await request.getByRole('button', { name: 'Let in' }).click()
  await expect(request).toHaveCount(0)
  await expect(page.getByTestId('status')).not.toContainText('Waiting to be let in.')
  await notebook.run(1, COLD_MS)
  await expect(notebook.output(1)).toContainText('2 took part')
  // Between launches the ranks stay warm, and nobody is said to be at work.
  await expect(devices).toContainText('done')
  await expect(devices).not.toContainText('training')

  await devices.getByRole('button', { name: /^Remove/ }).click()
  await devices.getByRole('button', { name: /^Really remove/ }).click()
  await expect(devices).toContainText('No other machine has joined')
  await notebook.run(1, COLD_MS)
  await expect(notebook.output(1)).toContainText('1 took part')
  await page.close()
  await notebook.close()
})

test('a second notebook of the browser gets the ranks that the first one only keeps warm', async () => {
  const launch = `import { Fabric } from 'rondo'
const fabric = new Fabric({ devices: 2, strategy: 'ddp_notebook' })
await fabric.launch(async (fabric) => \`\${await fabric.allReduce(1, { op: 'sum' })} took part\`)`
  const first = await NotebookPage.open(browser, server.link)
  await first.cells(launch, '%dist_init')
  await first.run(0, COLD_MS)
  await expect(first.output(0)).toContainText('2 took part')
  const second = await first.beside(server.link)
  await second.cells(launch)
  await second.run(0, COLD_MS)
  await expect(second.output(0)).toContainText('2 took part')
  // Persistent ranks hold what somebody computed: those are not taken.
  await first.run(1, COLD_MS)
  await expect(first.output(1).getByTestId('error')).toHaveCount(0)
  await second.run(0, COLD_MS)
  await expect(second.output(0).getByTestId('error')).toContainText('another notebook')
  await second.page.close()
  await first.close()
})
