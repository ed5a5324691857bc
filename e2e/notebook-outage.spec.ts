/**
 * The notebook while its server is away: frozen, ended, and started again. Editing, cells and ranks of the page go on;
 * what needs the server says so in a sentence, and the page comes back by itself.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, expect, test } from '@playwright/test'
import { HEARTBEAT_INTERVAL_MS, HEARTBEAT_TIMEOUT_MS } from '@rondo/protocol'
import { CACHE } from '../packages/cli/src/paths.ts'
import { openChromium } from './support/browser.ts'
import { NotebookPage } from './support/notebook.ts'
import { freePort, type Running, startRondo } from './support/rondo.ts'

/** Milliseconds after which both sides take a silent line for dead. */
const DEAD_MS = HEARTBEAT_INTERVAL_MS + HEARTBEAT_TIMEOUT_MS + 3_000
/** Milliseconds for a launch that starts its ranks. */
const COLD_MS = 60_000
/** Milliseconds for a page to find a server that is back. */
const BACK_MS = 30_000
/** Milliseconds in which a launch without a server gives up, and some for the page. */
const REFUSED_MS = 15_000
/** Milliseconds in which Stop frees all ranks. */
const STOP_MS = 5_000
/** Milliseconds for a click or a text to find its place. */
const ACTION_MS = 15_000

const FABRIC = "import { Fabric } from 'rondo'\nconst fabric = new Fabric({ devices: 2, strategy: 'ddp_notebook' })"
/** Steps with a collective each, about ten a second: training that takes as long as a test wants. */
const TRAIN = `async function train(fabric, steps: number, failsAt = -1) {
  let sum = 0
  for (let step = 1; step <= steps; step++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    sum = await fabric.allReduce(step, { op: "sum" })
    if (step === 10) console.log("under way")
    if (step === failsAt && fabric.globalRank === 1) throw new RangeError("diverged")
  }
  console.log("last step " + steps)
  return new Float32Array([sum, sum])
}`
const SMALL = 'await fabric.launch(train, 1)'
const GONE = /server does not answer: editing, cells and ranks of this page go on/

// Each test has a server, a browser and a port of its own, and waits most of its time.
test.describe.configure({ timeout: 240_000, mode: 'parallel' })

let browser: Browser
let server: Running
let port: number
let notebook: NotebookPage

test.beforeEach(async () => {
  browser = await openChromium()
  port = await freePort()
  notebook = await NotebookPage.open(browser, await serve())
  notebook.page.setDefaultTimeout(ACTION_MS)
})

test.afterEach(async () => {
  await browser.close()
  server.process.kill('SIGKILL')
  await server.finished
  forgetLinks()
})

/** Starts the server on the test's port; resolves with the notebook's link. */
async function serve(): Promise<string> {
  server = startRondo(['serve', `--main-port=${port}`, '--no-open'])
  const [link] = await server.waitFor(/http:\/\/localhost:\d+\/notebook\/\S+#control=\S+/, 120_000)
  return link
}

async function endServer(): Promise<void> {
  server.process.kill('SIGKILL')
  await server.finished
}

/** As after half a day: the next server has links of its own. */
function forgetLinks(): void {
  rmSync(join(CACHE, 'sessions', `${port}-default.json`), { force: true })
}

const notice = () => notebook.page.getByTestId('server-notice')

/** Opens these cells after the two that define fabric and training, and runs those two. */
async function open(...cells: string[]): Promise<void> {
  await notebook.cells(FABRIC, TRAIN, ...cells)
  for (const cell of [0, 1]) await notebook.run(cell)
}

/** Starts a launching cell; resolves when its ranks are at work. */
async function underWay(cell: number): Promise<void> {
  await notebook.start(cell)
  await expect(notebook.panel(cell)).toContainText('under way', { timeout: COLD_MS })
}

test('a server that stands still for longer than its heartbeat costs a training nothing', async () => {
  await open('await fabric.launch(train, 400)', SMALL)
  await underWay(2)
  const workers = notebook.page.workers()
  server.process.kill('SIGSTOP')
  await new Promise((resolve) => setTimeout(resolve, DEAD_MS))
  await expect(notice()).toContainText(GONE)
  await notebook.page.screenshot({ path: 'test-results/notebook-outage-1440-light.png' })
  server.process.kill('SIGCONT')
  await expect(notice()).toHaveText('', { timeout: BACK_MS })
  await notebook.done(2, COLD_MS)
  await expect(notebook.output(2)).toContainText('800')
  await expect(notebook.panel(2)).toContainText('last step 400')
  await expect(notebook.panel(2)).toContainText('Done on 2 ranks')
  await notebook.run(3)
  await expect(notebook.output(3)).toContainText('2')
  expect(notebook.page.workers()).toEqual(workers)
  await notebook.close()
})

test('with the server ended editing, saving and cells go on, and a launch says what it lacks', async () => {
  await open(SMALL, '1 + 1')
  await notebook.run(2, COLD_MS)
  await endServer()
  await expect(notice()).toContainText(GONE)
  await notebook.edit(3, 'const kept = 40 + 2\nkept')
  await notebook.run(3)
  await expect(notebook.output(3)).toContainText('42')
  await expect(notebook.page.getByTestId('saved')).toContainText(/saved/i)
  await notebook.run(2, REFUSED_MS)
  await expect(notebook.output(2).getByTestId('error')).toContainText(
    /fabric\.launch: the server does not answer, .*npm start.*connects by itself/,
  )
  await notebook.run(3)
  await notebook.close()
})

test('ranks of the page finish their training without the server, which finds the page again', async () => {
  await open('await fabric.launch(train, 80)', SMALL)
  await underWay(2)
  await endServer()
  await expect(notice()).toContainText(GONE)
  await notebook.done(2, COLD_MS)
  await expect(notebook.output(2)).toContainText('160')
  await expect(notebook.panel(2)).toContainText('last step 80')
  await expect(notebook.panel(2)).toContainText('Done on 2 ranks')

  await serve()
  await expect(notice()).toHaveText('', { timeout: BACK_MS })
  await notebook.run(3, COLD_MS)
  await expect(notebook.output(3)).toContainText('2')
  await notebook.close()
})

test('a training survives that the server is ended and started again meanwhile', async () => {
  await open('await fabric.launch(train, 400)', SMALL)
  await underWay(2)
  await endServer()
  await expect(notice()).toContainText(GONE)
  await serve()
  await expect(notice()).toHaveText('', { timeout: BACK_MS })
  await expect(notebook.cell(2).getByTestId('prompt')).toHaveText('[*] ')
  await notebook.done(2, COLD_MS)
  await expect(notebook.output(2)).toContainText('800')
  await notebook.run(3, COLD_MS)
  await expect(notebook.output(3)).toContainText('2')
  await notebook.close()
})

test('errors and Stop reach ranks of the page without the server', async () => {
  await open('await fabric.launch(train, 10_000, 40)', 'await fabric.launch(train, 10_000)')
  await underWay(2)
  await endServer()
  await notebook.done(2, COLD_MS)
  const error = notebook.output(2).getByTestId('error')
  await expect(error).toContainText('rank 1')
  await expect(error).toContainText('RangeError: diverged')
  await expect.poll(() => notebook.page.workers().length, { timeout: STOP_MS }).toBe(1)

  await serve()
  await expect(notice()).toHaveText('', { timeout: BACK_MS })
  await underWay(3)
  await endServer()
  await expect(notice()).toContainText(GONE)
  await notebook.page.getByRole('button', { name: 'Stop' }).click()
  await notebook.done(3, STOP_MS)
  await expect(notebook.panel(3)).toContainText(/interrupted/i)
  await expect.poll(() => notebook.page.workers().length, { timeout: STOP_MS }).toBe(1)
  await notebook.close()
})

test('a server with other links: one sentence says what to do, and the notebook is there again', async () => {
  await open('"kept through it all"')
  await endServer()
  forgetLinks()
  const link = await serve()
  await expect(notice()).toContainText(/open the notebook by the link that “npm start” printed last/, {
    timeout: BACK_MS,
  })
  await notebook.run(2)
  await expect(notebook.output(2)).toContainText('kept through it all')
  await expect(notebook.page.getByTestId('saved')).toContainText(/saved/i)
  await notebook.page.goto(link)
  await notebook.page.reload()
  await notebook.page
    .getByRole('link', { name: 'test' })
    .or(notebook.page.getByRole('button', { name: 'test' }))
    .first()
    .click()
  await expect(notebook.cell(2)).toContainText('kept through it all')
  await expect(notice()).toHaveText('')
  await notebook.close()
})
