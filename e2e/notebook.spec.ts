/** The notebook with its ranks: launches, errors, Stop, a kernel that is ended, persistent ranks, what cannot cross. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, expect, test } from '@playwright/test'
import { openChromium } from './support/browser.ts'
import { NotebookPage, type NotebookServer, serveNotebook } from './support/notebook.ts'

/** Milliseconds for a launch that starts its ranks, on two cores that are busy with two browsers. */
const COLD_MS = 60_000
/** Milliseconds in which Stop frees all ranks, as the specification promises. */
const STOP_MS = 5_000

const FABRIC = "import { Fabric } from 'rondo'\nconst fabric = new Fabric({ devices: 2, strategy: 'ddp_notebook' })"

let browser: Browser
let server: NotebookServer
const folder = mkdtempSync(join(tmpdir(), 'rondo-notebook-'))

test.beforeAll(async () => {
  browser = await openChromium()
  writeFileSync(join(folder, 'helper.ts'), 'export const twice = (x: number): number => 2 * x')
  server = await serveNotebook({ folder })
})

test.afterAll(async () => {
  await server.close()
  await browser.close()
  rmSync(folder, { recursive: true, force: true })
})

test('cells run, remember, fail with their line marked, and go on', async () => {
  const notebook = await NotebookPage.open(browser, server.link)
  await notebook.cells(
    'const a = 20\na + 1',
    'function f(x: number): never {\n  throw new TypeError("no " + x)\n}\nf(a)',
    'const b: number = await Promise.resolve(a) + 2; b',
    'const = 1',
  )
  expect(notebook.page.url()).not.toMatch(/control|token/)
  await notebook.run(0)
  await expect(notebook.output(0)).toContainText('21')
  await notebook.run(1)
  await expect(notebook.output(1)).toContainText('TypeError: no 20')
  await expect(notebook.output(1)).toContainText('line 2')
  await notebook.run(2)
  await expect(notebook.output(2)).toContainText('22')
  await notebook.run(3)
  await expect(notebook.output(3)).toContainText('SyntaxError')
  await expect(notebook.output(3)).toContainText('line 1')
  await notebook.close()
})

test('a launch brings back rank 0’s value, the second is warm, and an edited cell counts at once', async () => {
  const notebook = await NotebookPage.open(browser, server.link)
  await notebook.cells(
    FABRIC,
    'const factor = 10\nclass Point { constructor(public x: number) {} get double() { return 2 * this.x } }',
    'async function work(fabric, n: number) {\n  console.log("rank " + fabric.globalRank + " of " + fabric.worldSize)\n  return new Point(await fabric.allReduce(n * factor, { op: "sum" }))\n}',
    'const point = await fabric.launch(work, 2)\n;[point instanceof Point, point.double]',
  )
  for (const cell of [0, 1, 2]) await notebook.run(cell)
  await notebook.run(3, COLD_MS)
  await expect(notebook.output(3)).toContainText('true')
  await expect(notebook.output(3)).toContainText('80')
  await expect(notebook.panel(3)).toContainText('rank 0 of 2')
  await expect(notebook.panel(3)).toContainText('rank 1 of 2')

  const workers = notebook.page.workers().length
  await notebook.edit(
    1,
    `const factor = 11\nclass Point { constructor(public x: number) {} get double() { return 2 * this.x } }`,
  )
  await notebook.run(1)
  await notebook.run(3)
  // 11 instead of 10, on the workers that were there before.
  await expect(notebook.output(3)).toContainText('88')
  expect(notebook.page.workers().length).toBe(workers)
  await notebook.close()
})

test('an error in one rank names rank and line, and the next launch works', async () => {
  const notebook = await NotebookPage.open(browser, server.link)
  await notebook.cells(
    FABRIC,
    'async function train(fabric, fails: boolean) {\n  if (fails && fabric.globalRank === 1) {\n    throw new RangeError("too much")\n  }\n  await fabric.barrier()\n  return "fine"\n}',
    'await fabric.launch(train, true)',
    'await fabric.launch(train, false)',
  )
  for (const cell of [0, 1]) await notebook.run(cell)
  await notebook.run(2, COLD_MS)
  const error = notebook.output(2).getByTestId('error')
  await expect(error).toContainText('rank 1')
  await expect(error).toContainText('RangeError: too much')
  await expect(error).toContainText('line 3')
  await expect(notebook.panel(2)).toContainText(/failed in rank 1/i)
  await notebook.run(3, COLD_MS)
  await expect(notebook.output(3)).toContainText('fine')
  await notebook.close()
})

test('Stop ends a launch in the middle of training, and a cell that awaits', async () => {
  const notebook = await NotebookPage.open(browser, server.link)
  await notebook.cells(
    FABRIC,
    'async function endless(fabric) {\n  for (let i = 0; ; i++) {\n    await fabric.barrier()\n    if (i === 5) console.log("under way")\n  }\n}\nawait fabric.launch(endless)',
    'await new Promise(() => {})',
    '"still here"',
  )
  const stop = notebook.page.getByRole('button', { name: 'Stop' })
  await notebook.run(0)
  await notebook.start(1)
  await expect(notebook.panel(1)).toContainText('under way', { timeout: COLD_MS })
  await stop.click()
  await notebook.done(1, STOP_MS)
  await expect(notebook.panel(1)).toContainText(/interrupted/i)
  // Ranks have two seconds for their finally blocks; then their workers are gone.
  await expect.poll(() => notebook.page.workers().length, { timeout: STOP_MS }).toBe(1)
  await notebook.start(2)
  await stop.click()
  await notebook.done(2, STOP_MS)
  await notebook.run(3)
  await expect(notebook.output(3)).toContainText('still here')
  await notebook.close()
})

test('a cell that never yields can be killed; the notebook stays and a new kernel runs it', async () => {
  const notebook = await NotebookPage.open(browser, server.link)
  await notebook.cells('const kept = 1\nwhile (true) {}', '6 * 7')
  await notebook.start(0)
  await notebook.page.getByRole('button', { name: 'Stop' }).click()
  await notebook.page.getByRole('button', { name: 'End the kernel' }).click()
  await expect(notebook.page.getByTestId('kernel-state')).toContainText('ended')
  await expect(notebook.cell(0)).toContainText('const kept = 1')
  await notebook.page.getByRole('button', { name: 'Restart' }).last().click()
  await notebook.idle()
  await notebook.run(1)
  await expect(notebook.output(1)).toContainText('42')
  await notebook.close()
})

test('what cannot cross is named before anything starts', async () => {
  const notebook = await NotebookPage.open(browser, server.link)
  await notebook.cells(
    `${FABRIC}\nconst seen = new WeakMap()\nconst cfg = { model: { layers: [1, { seen }] } }`,
    'function depth() { return cfg.model.layers.length }\nasync function train(fabric) { return depth() }\nawait fabric.launch(train)',
    'await fabric.launch(async (fabric) => fabric.worldSize)',
    'const more = new Fabric({ devices: 40, strategy: "ddp_notebook" })\nawait more.launch(async (fabric) => 1)',
  )
  await notebook.run(0)
  await notebook.run(1)
  const error = notebook.output(1).getByTestId('error')
  await expect(error).toContainText('cfg.model.layers[1].seen')
  await expect(error).toContainText('WeakMap')
  await expect(error).toContainText('depth')
  expect(notebook.page.workers().length).toBe(1)
  // What is not reached is not sent.
  await notebook.run(2, COLD_MS)
  await expect(notebook.output(2)).toContainText('2')
  await notebook.run(3)
  await expect(notebook.output(3)).toContainText(/devices is 40, but only 2 are here/)
  await notebook.close()
})

test('persistent ranks keep their scopes, and an error leaves them idle', async () => {
  const notebook = await NotebookPage.open(browser, server.link)
  await notebook.cells(
    '%%distributed\n1',
    '%dist_init --num-processes 2',
    '%%distributed\nlet mine = rank + 1\nconsole.log("my own " + mine)\nmine',
    '%%rank [1]\nmine *= 100',
    '%%distributed\nif (rank === 1) throw new Error("only here")\nmine',
    '%%distributed\nmine + (await fabric.allReduce(mine, { op: "sum" }))',
    '%dist_status',
    '%%rank [7]\n1',
    '%dist_shutdown',
  )
  await notebook.run(0)
  await expect(notebook.output(0)).toContainText('%dist_init')
  await notebook.run(1, COLD_MS)
  await notebook.run(2)
  await expect(notebook.output(2)).toContainText('rank 0: 1')
  await expect(notebook.output(2)).toContainText('rank 1: 2')
  await expect(notebook.panel(2)).toContainText('my own 2')
  await notebook.run(3)
  await notebook.run(4, COLD_MS)
  await expect(notebook.output(4).getByTestId('error')).toContainText('only here')
  await expect(notebook.output(4).getByTestId('error')).toContainText('line 2')
  await notebook.run(5)
  await expect(notebook.output(5)).toContainText('rank 0: 202')
  await expect(notebook.output(5)).toContainText('rank 1: 401')
  await notebook.run(6)
  await expect(notebook.output(6)).toContainText('idle')
  await notebook.run(7)
  await expect(notebook.output(7)).toContainText('ranks are 0 to 1')
  await notebook.run(8)
  await expect.poll(() => notebook.page.workers().length, { timeout: STOP_MS }).toBe(1)
  await notebook.close()
})

test('files beside the notebook can be imported, also by ranks; other hosts are refused with the way out', async () => {
  const notebook = await NotebookPage.open(browser, server.link)
  await notebook.cells(
    `import { twice } from './helper.ts'\n${FABRIC}\ntwice(21)`,
    'await fabric.launch(async (fabric) => twice(fabric.worldSize))',
    "import x from 'https://example.org/x.js'",
    "import { y } from './nothing.ts'",
    "import { twice as again } from './helper.ts'\nagain(2)",
  )
  await notebook.run(0)
  await expect(notebook.output(0)).toContainText('42')
  await notebook.run(1, COLD_MS)
  await expect(notebook.output(1)).toContainText('4')
  await notebook.run(2)
  await expect(notebook.output(2)).toContainText('--allow-import example.org')
  await notebook.run(3)
  await expect(notebook.output(3)).toContainText('there is no file nothing.ts')
  writeFileSync(join(folder, 'helper.ts'), 'export const twice = (x: number): number => 200 * x')
  await notebook.run(4)
  await expect(notebook.output(4)).toContainText('400')
  await notebook.close()
})
