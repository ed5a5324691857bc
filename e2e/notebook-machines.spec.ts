/**
 * A notebook with one rank of its own and one in a second browser, which joined by the printed link: both train over
 * WebRTC, and when the second browser goes away the notebook says so and goes on.
 */
import { type Browser, expect, type Page, test } from '@playwright/test'
import { openChromium } from './support/browser.ts'
import { exampleCells, NotebookPage, type NotebookServer, serveNotebook } from './support/notebook.ts'

/** Milliseconds for the training of an example on two cores that are busy with two browsers. */
const TRAINING_MS = 180_000
/** Milliseconds for a launch that starts its ranks. */
const COLD_MS = 60_000
/** Milliseconds in which a lost rank is named, as for every run. */
const LOSS_PROMISE_MS = 5_000
/** Milliseconds for a click or a text to find its place: what is not there must not cost the whole test's time. */
const ACTION_MS = 15_000
/** What the second person calls their machine. */
const ELSEWHERE = 'Window seat'

test.describe.configure({ timeout: 2 * TRAINING_MS })

let here: Browser
let elsewhere: Browser
let server: NotebookServer
let notebook: NotebookPage

test.beforeEach(async () => {
  server = await serveNotebook()
  ;[here, elsewhere] = await Promise.all([openChromium(), openChromium()])
  notebook = await NotebookPage.open(here, server.link)
  notebook.page.setDefaultTimeout(ACTION_MS)
})

test.afterEach(async () => {
  await Promise.all([here.close(), elsewhere.close()])
  await server.close()
})

/** Gives the notebook's page one rank, and has the other browser bring another. */
async function oneRankEach(): Promise<Page> {
  const devices = await openDevices()
  await devices.getByRole('button', { name: 'One rank fewer' }).click()
  await expect(devices.getByTestId('slots')).toHaveText('1')
  const other = await (await elsewhere.newContext()).newPage()
  other.setDefaultTimeout(ACTION_MS)
  await other.goto(server.joinLink)
  await other.getByRole('button', { name: 'change' }).click()
  await other.getByLabel('Name of this device').fill(ELSEWHERE)
  await other.getByTestId('join').click()
  await expect(other.getByTestId('my-rank')).toBeVisible()
  await expect(devices).toContainText(ELSEWHERE)
  return other
}

async function openDevices() {
  const devices = notebook.page.getByTestId('devices')
  if (!(await devices.isVisible())) await notebook.page.getByRole('button', { name: 'Devices' }).click()
  await expect(devices).toBeVisible()
  return devices
}

test('the spiral trains on both machines over WebRTC, its net comes back, and the next launch finds both warm', async () => {
  const cells = exampleCells('spiral')
  const code = 3
  await notebook.cells(...cells, 'await fabric.launch(async (fabric) => console.log(`again on ${fabric.globalRank}`))')
  const other = await oneRankEach()
  for (const cell of [1, 2]) await notebook.run(cell)
  await notebook.run(code, TRAINING_MS)
  await expect(notebook.output(code)).toContainText(/(9[5-9]|100)\.\d % of the points/)

  const panel = notebook.panel(code)
  await expect(panel.getByTestId('run-ranks')).toContainText(ELSEWHERE)
  await panel.getByText('Ring and step times').click()
  await panel.getByRole('button', { name: 'table' }).click()
  const table = panel.getByTestId('ring-table')
  await expect(table).toContainText(ELSEWHERE)
  await expect(table.getByRole('row', { name: '0 → 1' })).toContainText('WebRTC')
  await expect(table.getByRole('row', { name: '1 → 0' })).toContainText('WebRTC')
  await notebook.page.screenshot({ path: 'test-results/notebook-machines-1440-light.png', fullPage: true })

  const workers = [other, notebook.page].map((page) => page.workers())
  await notebook.run(4)
  await notebook.run(5)
  expect([other, notebook.page].map((page) => page.workers())).toEqual(workers)
  for (const [rank, node] of [/Notebook/, ELSEWHERE].entries()) {
    const lane = notebook.panel(5).locator('.lane').nth(rank)
    await lane.locator('summary').click()
    await expect(lane).toContainText(`again on ${rank}`)
    await expect(lane.locator('summary')).toContainText(node)
  }
  await notebook.close()
})

test('a second browser that is closed in mid-training is named, and the notebook goes on without it', async () => {
  await notebook.cells(
    "import { Fabric } from 'rondo'\nconst fabric = new Fabric({ devices: 2, strategy: 'ddp_notebook' })",
    'async function train(fabric) {\n  for (let step = 0; ; step++) {\n    await fabric.allReduce(step, { op: "sum" })\n    if (step === 20) console.log("under way")\n  }\n}\nawait fabric.launch(train)',
    'const alone = new Fabric({ devices: 1, strategy: "ddp_notebook" })\nawait alone.launch(async (fabric) => `world of ${fabric.worldSize}`)',
    'await fabric.launch(async (fabric) => fabric.worldSize)',
  )
  await oneRankEach()
  await notebook.run(0)
  await notebook.start(1)
  await expect(notebook.panel(1)).toContainText('under way', { timeout: COLD_MS })
  await elsewhere.close()
  await notebook.done(1, LOSS_PROMISE_MS)
  const error = notebook.output(1).getByTestId('error')
  await expect(error).toContainText('rank 1')
  await expect(error).toContainText(ELSEWHERE)
  await expect(notebook.panel(1)).toContainText(`Failed in rank 1 on ${ELSEWHERE}`)
  // Until the next launch the panel tells where it was lost.
  await expect(await openDevices()).toContainText(/Window seat\s*(failed|lost)/)
  await notebook.page.screenshot({ path: 'test-results/notebook-machine-lost-1440-light.png', fullPage: true })

  await notebook.run(2, COLD_MS)
  await expect(notebook.output(2)).toContainText('world of 1')
  await expect(await openDevices()).not.toContainText(ELSEWHERE)
  await notebook.run(3)
  await expect(notebook.output(3).getByTestId('error')).toContainText(
    /devices is 2, but only one is here .*more slots in the Devices panel, or let another machine join/,
  )
  await notebook.close()
})
