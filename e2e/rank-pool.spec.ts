/**
 * The ranks of a notebook without its views: cells launch functions on ranks of this page and of a joined browser,
 * warm and after failures, and persistent ranks keep their scopes. The kernel, the ranks and the server are real.
 */
import { readdirSync } from 'node:fs'
import { type BrowserContext, expect, type Page, test } from '@playwright/test'
import type { CellError, KernelOutput } from '@rondo/kernel/output'
import { RankPoolLab } from './support/rank-pool-lab.ts'
import type { CellSeen } from './support/rank-pool-messages.ts'

let lab: RankPoolLab
let context: BrowserContext
let page: Page

const SETUP = `
  import { Fabric } from 'rondo'
  const fabric = new Fabric({ devices: 2, strategy: 'ddp_notebook', accelerator: 'cpu' })
  async function total(fabric: Fabric) {
    return fabric.allReduce(fabric.globalRank + 1, { op: 'sum' })
  }`

test.beforeAll(async () => {
  test.setTimeout(300_000)
  lab = await RankPoolLab.open()
})
test.afterAll(() => lab.close())
test.beforeEach(async ({ browser }) => {
  await lab.newSession()
  context = await browser.newContext()
  page = await lab.openPage(context, { slots: 2, label: 'this page' })
  await ok(SETUP)
})
test.afterEach(() => context.close())

const cell = (code: string): Promise<CellSeen> => page.evaluate((code) => rankPoolPage.cell(code), code)
const texts = ({ outputs }: CellSeen): string => outputs.map(textOf).join('\n')

function textOf(output: KernelOutput): string {
  if (output.kind === 'stream') return output.text
  if (output.kind === 'error') return `${output.error.name}: ${output.error.message}`
  return output.kind === 'clear' ? '' : String(output.data['text/plain'])
}

function errorOf({ outputs }: CellSeen): CellError {
  const error = outputs.find((output) => output.kind === 'error')
  if (error?.kind !== 'error') throw new Error(`no error in ${JSON.stringify(outputs)}`)
  return error.error
}

async function ok(code: string): Promise<string> {
  const seen = await cell(code)
  expect(seen.status, texts(seen)).toBe('ok')
  return texts(seen)
}

async function consoleLines(): Promise<string[]> {
  const events = await page.evaluate(() => rankPoolPage.events())
  return events.flatMap((event) =>
    event.type === 'rank' && event.event.kind === 'console' ? [`${event.rank}: ${event.event.text}`] : [],
  )
}

async function warmth(): Promise<boolean[]> {
  const events = await page.evaluate(() => rankPoolPage.events())
  return events.flatMap((event) => (event.type === 'open' ? [event.warm] : []))
}

/** Waits until ranks have printed these lines. */
async function printed(...lines: string[]): Promise<void> {
  await expect.poll(consoleLines, { timeout: 30_000 }).toEqual(expect.arrayContaining(lines))
}

/** Nothing has to be restarted: a launch works as ever. */
async function launchWorks(): Promise<void> {
  expect(await ok('await fabric.launch(total)')).toContain('3')
}

test('a function that cells define runs on two ranks of this page, again and again on warm ones', async () => {
  await ok(`
    const offset = 10
    const shift = (x: number): number => x + offset
    async function work(fabric: Fabric, factor: number) {
      console.log('rank', fabric.globalRank, 'of', fabric.worldSize)
      const sum = await fabric.allReduce(shift(fabric.globalRank * factor), { op: 'sum' })
      return { sum, world: fabric.worldSize }
    }`)
  const cold = performance.now()
  expect(await ok('await fabric.launch(work, 3)')).toContain('sum: 23')
  const coldMs = performance.now() - cold
  expect(await warmth()).toEqual([false])
  expect((await consoleLines()).filter((line) => line.includes('of'))).toEqual(
    expect.arrayContaining(['0: rank 0 of 2', '1: rank 1 of 2']),
  )
  const times: number[] = []
  for (let factor = 4; factor < 9; factor++) {
    const seen = await cell(`await fabric.launch(work, ${factor})`)
    expect(texts(seen)).toContain(`sum: ${20 + factor}`)
    times.push(seen.milliseconds)
    expect(await warmth()).toEqual([true])
  }
  console.log(`launch: cold ${coldMs.toFixed(0)} ms, warm ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`)
  // A redefined function is what the next launch runs.
  await ok('function shift2(x: number) { return x * 100 }')
  await ok(`
    async function work(fabric: Fabric) {
      return fabric.allReduce(shift2(fabric.globalRank), { op: 'sum' })
    }`)
  expect(await ok('await fabric.launch(work)')).toContain('100')
  // Programs and results are gone once they were used.
  await expect.poll(() => readdirSync(lab.runsFolder)).toEqual([])
})

test('an error in rank 1 comes with its rank, node and line of the cell, and the next launch works', async () => {
  await ok(`
    async function failing(fabric: Fabric) {
      if (fabric.globalRank === 1) {
        throw new TypeError('this one is broken')
      }
      await fabric.barrier()
    }`)
  const seen = await cell('await fabric.launch(failing)')
  expect(seen.status).toBe('error')
  const error = errorOf(seen)
  expect(error).toMatchObject({ name: 'TypeError', message: 'this one is broken', rank: 1, node: 'this page' })
  const inCell = error.frames.find((frame) => frame.cellId !== null)
  expect(inCell).toMatchObject({ functionName: 'failing', line: 4 })
  expect(await page.evaluate(() => rankPoolPage.state())).toBe('none')
  await launchWorks()
  expect(await warmth()).toEqual([false])
})

test('a rejection that nobody awaits fails the launch that it belongs to', async () => {
  await ok(`
    async function forgetful(fabric: Fabric) {
      if (fabric.globalRank === 0) void Promise.reject(new RangeError('nobody waits for me'))
      await new Promise((resolve) => setTimeout(resolve, 20_000))
    }`)
  const seen = await cell('await fabric.launch(forgetful)')
  expect(errorOf(seen)).toMatchObject({ name: 'RangeError', rank: 0 })
})

test('Stop ends ranks that await anything, runs their finally blocks, and the next launch works', async () => {
  await ok(`
    async function endless(fabric: Fabric) {
      try {
        console.log('begun')
        await new Promise((resolve) => setTimeout(resolve, 60_000))
      } finally {
        console.log('tidied up')
      }
    }`)
  const running = cell('await fabric.launch(endless)')
  await printed('0: begun', '1: begun')
  const before = performance.now()
  await page.evaluate(() => rankPoolPage.interrupt())
  expect((await running).status).toBe('interrupted')
  expect(performance.now() - before).toBeLessThan(5_000)
  await printed('0: tidied up', '1: tidied up')
  await launchWorks()
})

test('a rank that prints twenty thousand lines keeps its connection, and none is lost', async () => {
  await ok(`
    async function chatty(fabric: Fabric) {
      for (let line = 0; line < 20_000; line++) console.log('line', line)
      return fabric.globalRank
    }`)
  await ok('await fabric.launch(chatty)')
  const lines = (await consoleLines()).flatMap((text) => text.split('\n')).filter((line) => line.includes('line '))
  expect(lines).toHaveLength(40_000)
})

test('displays of a rank come as outputs, large ones too', async () => {
  await ok(`
    async function shows(fabric: Fabric) {
      if (fabric.globalRank === 1) {
        display.html('<b>rank 1</b>')
        display.html('x'.repeat(400_000))
        display({ after: true })
      }
      await fabric.barrier()
    }`)
  await ok('await fabric.launch(shows)')
  const shown = await page.evaluate(() =>
    rankPoolPage.events().flatMap((event) => (event.type === 'output' ? [event] : [])),
  )
  expect(shown.map(({ rank }) => rank)).toEqual([1, 1, 1])
  const sizes = shown.map(({ output }) => JSON.stringify(output).length)
  expect(sizes[1]).toBeGreaterThan(400_000)
  expect(JSON.stringify(shown[2])).toContain('after')
})

test('what cannot cross is named before anything starts', async () => {
  await ok(`
    const registry = new WeakMap()
    async function uses(fabric: Fabric) { return registry.has({}) }`)
  const seen = await cell('await fabric.launch(uses)')
  const error = errorOf(seen)
  expect(error.message).toContain('`registry` is a WeakMap')
  expect(await page.evaluate(() => rankPoolPage.events())).toEqual([])
})

test('more devices than there are: how many are here and what to do', async () => {
  const seen = await cell(`
    const many = new Fabric({ devices: 3, strategy: 'ddp_notebook' })
    await many.launch(total)`)
  expect(errorOf(seen)).toMatchObject({ code: 'NOT_ENOUGH_DEVICES' })
  expect(errorOf(seen).message).toMatch(/only 2 are here \(2 of this page, 0 of joined machines\).*join/)
})

test('a rank of a joined browser takes part over WebRTC, and its end is told', async ({ browser }) => {
  const elsewhere = await browser.newContext()
  await lab.openPage(elsewhere, { slots: 1, label: 'another machine', control: false })
  await expect
    .poll(() => page.evaluate(() => rankPoolPage.slots().map(({ node, local }) => [node, local])))
    .toEqual([
      ['this page', true],
      ['this page', true],
      ['another machine', false],
    ])
  await ok(`const three = new Fabric({ devices: 3, strategy: 'ddp_notebook', accelerator: 'cpu' })`)
  await ok(`
    async function ranks(fabric: Fabric) {
      console.log('here is', fabric.globalRank)
      return fabric.allReduce(fabric.globalRank + 1, { op: 'sum' })
    }`)
  expect(await ok('await three.launch(ranks)')).toContain('6')
  expect(await consoleLines()).toContain('2: here is 2')
  const events = await page.evaluate(() => rankPoolPage.events())
  const carriers = events.flatMap((event) =>
    event.type === 'rank' && event.event.kind === 'ready' && event.rank === 2
      ? event.event.links.map((link) => link.carrier)
      : [],
  )
  expect(carriers).toEqual(['webrtc', 'webrtc'])

  await ok(`
    async function waits(fabric: Fabric) {
      console.log('waiting')
      if (fabric.globalRank === 2) await new Promise((resolve) => setTimeout(resolve, 60_000))
      await fabric.barrier()
    }`)
  const running = cell('await three.launch(waits)')
  await printed('2: waiting')
  await elsewhere.close()
  const seen = await running
  expect(seen.status).toBe('error')
  expect(errorOf(seen).message).toMatch(/rank 2.*another machine/is)
  await launchWorks()
})

test('persistent ranks keep their scopes, also through errors and Stop', async () => {
  const status = texts(await cell('%dist_init --num-processes 2'))
  expect(status).toContain('this page')
  expect(await page.evaluate(() => rankPoolPage.state())).toBe('persistent')
  await ok('%%distributed\nlet counter = rank * 10\nconsole.log("set", counter)')
  expect(await consoleLines()).toEqual(expect.arrayContaining(['0: set 0', '1: set 10']))
  const values = await ok('%%distributed\ncounter += 1\ncounter')
  expect(values).toContain('rank 0: 1')
  expect(values).toContain('rank 1: 11')
  expect(await ok('%%rank [1]\ncounter += 100\ncounter')).toContain('rank 1: 111')

  const failed = await cell('%%distributed\nif (rank === 1) {\n  null.x\n}\nawait fabric.barrier()')
  expect(errorOf(failed)).toMatchObject({ name: 'TypeError', rank: 1 })
  expect(errorOf(failed).frames.find((frame) => frame.cellId !== null)).toMatchObject({ line: 3 })
  expect(await ok('%%distributed\nawait fabric.allReduce(counter, { op: "sum" })')).toContain('rank 0: 112')

  const running = cell('%%distributed\nconsole.log("sleeping")\nawait new Promise((r) => setTimeout(r, 60_000))')
  await printed('0: sleeping', '1: sleeping')
  await page.evaluate(() => rankPoolPage.interrupt())
  expect((await running).status).toBe('interrupted')
  expect(await ok('%%distributed\ncounter')).toContain('rank 1: 111')

  await ok('%sync')
  expect(await ok('%dist_status')).toMatch(/idle/)
  const refused = await cell('await fabric.launch(total)')
  expect(errorOf(refused)).toMatchObject({ code: 'CONFLICT' })
  await ok('%dist_shutdown')
  await launchWorks()
})

test('a cell that never yields is ended by the second Stop', async () => {
  await ok('%dist_init --num-processes 2')
  const running = cell('%%distributed\nconsole.log("spinning")\nfor (;;) {}')
  await printed('0: spinning', '1: spinning')
  await page.evaluate(() => rankPoolPage.interrupt())
  await page.evaluate(() => rankPoolPage.stop())
  expect((await running).status).toBe('interrupted')
  await expect.poll(() => page.evaluate(() => rankPoolPage.state())).toBe('none')
  const seen = await cell('%%distributed\n1')
  expect(errorOf(seen)).toMatchObject({ code: 'NOT_LAUNCHED' })
  await launchWorks()
})
