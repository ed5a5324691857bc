/** The notebooks that the first page offers run to what they promise, on this page's two ranks and on two browsers. */
import { type Browser, expect, test } from '@playwright/test'
import { openChromium } from './support/browser.ts'
import { exampleCells, NotebookPage, type NotebookServer, serveNotebook } from './support/notebook.ts'

/** Milliseconds for the longest training of an example on two busy cores. */
const TRAINING_MS = 240_000

let browser: Browser
let server: NotebookServer

test.describe.configure({ timeout: 2 * TRAINING_MS })

test.beforeAll(async () => {
  browser = await openChromium()
  server = await serveNotebook()
})

test.afterAll(async () => {
  await server.close()
  await browser.close()
})

/** Starts an example as a person does, and runs its cells one after another. */
async function runExample(title: string, looks: Parameters<Browser['newContext']>[0] = {}): Promise<NotebookPage> {
  const notebook = await NotebookPage.open(browser, server.link, looks)
  await notebook.page.getByRole('button', { name: title }).click()
  await notebook.idle()
  return notebook
}

async function runCells(notebook: NotebookPage, id: string): Promise<void> {
  const cells = exampleCells(id)
  for (const [i, { kind }] of cells.entries()) {
    if (kind === 'markdown') continue
    await notebook.run(i, TRAINING_MS)
    await expect(notebook.cell(i).getByTestId('error'), `cell ${i} of ${id}`).toHaveCount(0)
  }
}

test('MNIST: six cells, two ranks, nineteen of twenty digits right, and a model to ask', async () => {
  const notebook = await runExample('MNIST')
  expect(exampleCells('mnist').filter(({ kind }) => kind === 'code').length).toBe(6)
  await runCells(notebook, 'mnist')
  const accuracy = Number((await notebook.output(5).textContent())?.match(/0\.9\d+/)?.[0])
  expect(accuracy).toBeGreaterThan(0.95)
  await expect(notebook.panel(5)).toContainText('of the test images are right')
  await expect(notebook.output(2).getByTestId('tensor')).toContainText('16')
  await expect(notebook.output(6).getByTestId('table')).toContainText('guess')
  await notebook.page.screenshot({ path: 'test-results/notebook-mnist-1440-light.png', fullPage: true })
  await notebook.close()
})

test('text: the transformer writes the rhyme that it has read', async () => {
  const notebook = await runExample('transformer', { colorScheme: 'dark' })
  await runCells(notebook, 'char-transformer')
  await expect(notebook.output(3)).toContainText(/loss of the last step: 0\.[0-4]/)
  await expect(notebook.output(4)).toContainText('Round and round the numbers go,')
  await notebook.page.screenshot({ path: 'test-results/notebook-text-1440-dark.png', fullPage: true })
  await notebook.close()
})

test('spiral: the decision surface is drawn while it trains, and nearly all points lie right', async () => {
  const notebook = await runExample('spiral')
  const training = 3
  for (const cell of [1, 2]) await notebook.run(cell)
  await expect(notebook.output(1).getByTestId('plot')).toBeVisible()
  await notebook.start(training)
  const picture = notebook.output(training).getByTestId('tensor').locator('canvas, img')
  await expect(picture).toBeVisible({ timeout: TRAINING_MS })
  await expect(notebook.cell(training).getByTestId('prompt')).toHaveText('[*] ')
  await notebook.done(training, TRAINING_MS)
  await expect(notebook.output(training).getByTestId('tensor')).toHaveCount(1)
  await expect(notebook.output(training)).toContainText(/(9[5-9]|100)\.\d % of the points/)
  await notebook.run(4)
  await expect(notebook.output(4).getByTestId('table')).toBeVisible()
  await notebook.close()
})
