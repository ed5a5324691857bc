/**
 * Random programs of declarations and references: split into cells they do what they do as one module of the
 * engine, up to what they throw. The module is the reference, run by Node itself.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { KernelFixture } from '../testing/node/fixture.ts'
import { randomProgram } from '../testing/node/random-program.ts'

/** Programs tried in every test run; more when looking for trouble. */
const PROGRAMS = 300

interface Sink {
  out: unknown[]
  /** Calls of functions so far; programs stop calling at a bound. */
  calls: number
  error: string | null
}

const sinks = (globalThis as unknown as { cellSinks: Sink[] }).cellSinks ?? []
;(globalThis as unknown as { cellSinks: Sink[] }).cellSinks = sinks

/** What both ways of running see: `out(...)` records, `show` turns anything to something comparable. */
// A function called `$` gets another name in a cell, as the scope is called that.
function prelude(index: number): string {
  return `const sink = globalThis.cellSinks[${index}]
const show = (x) => {
  if (typeof x === 'function') return 'function ' + x.name.replace('_', '')
  const text = typeof x === 'object' && x !== null ? JSON.stringify(x) : x
  // The text of a function shows how it was compiled.
  return typeof text === 'string' && /function|=>|class/.test(text) ? 'code' : text
}
const call = (f, x) => (typeof f === 'function' && !/^class/.test(f) ? f(x) : x)
const num = (x) => (typeof x === 'number' ? x % 1000 : 7)
const out = (...xs) => { sink.out.push(...xs.map(show)) }
const raise = (e) => { throw e }`
}

async function asModule(statements: readonly string[]): Promise<Sink> {
  const index = sinks.push({ out: [], calls: 0, error: null }) - 1
  const code = `${prelude(index)}\n${statements.join('\n')}`
  try {
    await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`)
  } catch (error) {
    sinks[index]!.error = (error as Error).name
  }
  return sinks[index]!
}

async function asCells(cells: readonly string[]): Promise<Sink> {
  const index = sinks.push({ out: [], calls: 0, error: null }) - 1
  const fixture = new KernelFixture()
  for (const code of [prelude(index), ...cells]) {
    if ((await fixture.run(code)).status === 'ok') continue
    const failure = fixture.outputs.map(({ output }) => output).find((output) => output.kind === 'error')
    sinks[index]!.error = failure?.error.name ?? 'none'
    break
  }
  return sinks[index]!
}

it('runs programs split into cells as one module runs', async () => {
  let threw = 0
  await fc.assert(
    fc.asyncProperty(randomProgram, fc.array(fc.nat(), { maxLength: 6 }), async (statements, cuts) => {
      const at = [...new Set(cuts.map((cut) => cut % (statements.length + 1)))].sort((a, b) => a - b)
      const cells = [0, ...at].map((start, index) => statements.slice(start, at[index]).join('\n'))
      const expected = await asModule(statements)
      expect(expected.error).not.toBe('SyntaxError')
      if (expected.error !== null) threw++
      expect(await asCells(cells)).toEqual(expected)
    }),
    { numRuns: PROGRAMS },
  )
  // Both endings must be common, or the property says little.
  expect(threw).toBeGreaterThan(PROGRAMS / 20)
  expect(threw).toBeLessThan(PROGRAMS * 0.8)
}, 60_000)
