/** Code that waits: whose output it is, what interrupting does, what a re-run takes away. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KernelFixture, placesOf, sleep } from '../testing/node/fixture.ts'

const WAIT = 'const wait = (ms) => new Promise((done) => setTimeout(done, ms))'

let cells: KernelFixture
const report = (reason: unknown): void => cells.kernel.reportUnhandled(reason)
beforeEach(async () => {
  cells = new KernelFixture()
  process.on('unhandledRejection', report)
  await cells.run(WAIT)
})
afterEach(() => {
  process.off('unhandledRejection', report)
})

describe('whose output it is', () => {
  it('stays with the cell that code began in', async () => {
    await cells.run("(async () => { for (const n of [1, 2, 3]) { await wait(15); console.log('b', n) } })(); 0")
    await cells.run("console.log('f1'); await wait(25); console.log('f2'); await wait(40); console.log('f3')")
    expect(cells.stream('e2')).toBe('b 1\nb 2\nb 3\n')
    expect(cells.stream('e3')).toBe('f1\nf2\nf3\n')
  })

  it('holds for loops over asynchronous things, timers and microtasks', async () => {
    await cells.run(`async function* ticks() { for (let n = 0; n < 3; n++) { await wait(10); yield n } }
(async () => { for await (const n of ticks()) console.log(n); console.log('end') })()
setTimeout((word) => { console.log(word); queueMicrotask(() => console.log('micro')) }, 15, 'timer'); 0`)
    await cells.run('await wait(60)')
    const lines = cells.stream('e2').trim().split('\n')
    expect(lines.filter((line) => /^\d|end/.test(line))).toEqual(['0', '1', '2', 'end'])
    await cells.run("for await (const n of ticks()) { if (n === 1) break }; console.log('left')")
    expect(cells.stream('e4')).toBe('left\n')
    expect(lines.filter((line) => /timer|micro/.test(line))).toEqual(['timer', 'micro'])
    expect(cells.stream('e3')).toBe('')
  })

  it('is that of the calling cell for functions of other cells', async () => {
    await cells.run("async function say() { await null; console.log('said') }")
    await cells.run('await say()')
    expect([cells.stream('e2'), cells.stream('e3')]).toEqual(['', 'said\n'])
  })

  it('drops what a superseded execution still prints and ends its timers', async () => {
    const noisy =
      "setInterval(() => console.log('tick'), 5); (async () => { await wait(20); console.log('late') })(); 0"
    await cells.run(noisy, 'again')
    await cells.run("console.log('new')", 'again')
    await sleep(50)
    expect(cells.stream('e2')).not.toMatch(/late/)
    expect(cells.stream('e3')).toBe('new\n')
    const before = cells.outputs.length
    await sleep(20)
    expect(cells.outputs.length).toBe(before)
  })

  it('shows failures that nobody awaits under the cell they come from, once', async () => {
    await cells.run('(async () => { await wait(5); null.x })(); setTimeout(() => { throw new Error("timer") }, 5); 0')
    await cells.run('await wait(30)')
    const errors = cells.outputs.filter(({ output }) => output.kind === 'error')
    expect(errors.map(({ execution, output }) => [execution, output.kind === 'error' && output.error.message])).toEqual(
      expect.arrayContaining([
        ['e2', "Cannot read properties of null (reading 'x')"],
        ['e2', 'timer'],
      ]),
    )
    expect(errors).toHaveLength(2)
  })
})

describe('interrupting', () => {
  it('throws where code waits, lets it clean up, and shows that place', async () => {
    const running = cells.run("try {\n  await wait(60_000)\n} finally { await wait(5); console.log('clean') }")
    await sleep(5)
    cells.kernel.interrupt()
    expect(await running).toMatchObject({ status: 'interrupted' })
    expect(cells.stream('e2')).toBe('clean\n')
    const error = cells.outputs.map(({ output }) => output).find((output) => output.kind === 'error')
    expect(error?.error.name).toBe('Interrupted')
    expect(placesOf(error!.error)).toEqual(['@c2:2:3'])
  })

  it('reaches every function that waits, and loops over asynchronous things', async () => {
    await cells.run(
      'async function* never() { yield 1; await wait(60_000) }\nasync function deep() { await wait(60_000) }',
    )
    for (const code of ['for await (const n of never()) console.log(n)', 'await Promise.all([deep(), deep()])']) {
      const running = cells.run(code)
      await sleep(5)
      cells.kernel.interrupt()
      expect(await running).toMatchObject({ status: 'interrupted' })
    }
  })

  it('ends queued cells unrun, and the next one runs', async () => {
    const running = cells.run('await wait(60_000)')
    const queued = cells.run("console.log('queued')")
    await sleep(5)
    cells.kernel.interrupt()
    expect([(await running).status, (await queued).status]).toEqual(['interrupted', 'interrupted'])
    expect(cells.stream('e3')).toBe('')
    expect(await cells.result('1 + 1')).toBe('2')
  })

  it('ends loops that swallow the first interruption and go on behind the cell', async () => {
    const running = cells.run(`let n = 0
const loop = (async () => { while (true) { try { await wait(1); n++ } catch {} } })()
await wait(60_000)`)
    await sleep(10)
    cells.kernel.interrupt()
    expect(await running).toMatchObject({ status: 'interrupted' })
    await sleep(20)
    const before = await cells.result('n')
    await sleep(20)
    expect(await cells.result('n')).toBe(before)
  })

  it('aborts the signal that launches listen to', async () => {
    const running = cells.run('await wait(60_000)')
    await sleep(5)
    const signal = cells.kernel.currentSignal()
    expect(signal.aborted).toBe(false)
    cells.kernel.interrupt()
    expect(signal.aborted).toBe(true)
    await running
  })
})
