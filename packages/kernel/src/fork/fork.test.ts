/** Forking: what a function of the notebook reaches crosses as code, imports and values, and nothing else does. */
import { describe, expect, it } from 'vitest'
import { revive, TestNotebook } from './testing/notebook.ts'

describe('forkFunction', () => {
  it('sends functions as code and what they use as values, through other functions', async () => {
    const notebook = new TestNotebook()
    await notebook.run(`
      const scale: number = 3
      let unused = new WeakMap()
      function times(x: number) { return x * scale }
      const add = (a, b = times(1)) => a + b
    `)
    await notebook.run('async function train(n) { await null; return add(n) + times(n) }')
    expect(await notebook.launch('train', [5])).toBe(3 + 5 + 15)
  })

  it('takes values as they are at that moment and gives ranks their own', async () => {
    const notebook = new TestNotebook()
    await notebook.run(
      'const log = []; let count = 1; function step() { log.push(count); count += 1; return [log, count] }',
    )
    const bytes = await notebook.run('count = 5; log.push("before"); step')
    expect(bytes).toBeTypeOf('function')
    expect(await notebook.launch('step')).toEqual([['before', 5], 6])
    expect(notebook.scope.values).toMatchObject({ log: ['before'], count: 5 })
  })

  it('keeps one object that two functions share one object, arguments included', async () => {
    const notebook = new TestNotebook()
    await notebook.run(`
      const shared = { hits: 0 }
      const alias = [shared]
      function hit() { shared.hits++ }
      function train(given) { hit(); given.hits += 10; return [shared === given, alias[0] === shared, shared.hits] }
    `)
    expect(await notebook.launch('train', [notebook.scope.values['shared']])).toEqual([true, true, 11])
  })

  it('follows recursion and mutual recursion', async () => {
    const notebook = new TestNotebook()
    await notebook.run('function even(n) { return n === 0 ? true : odd(n - 1) }')
    await notebook.run('function odd(n) { return n === 0 ? false : even(n - 1) }')
    await notebook.run('const fact = (n) => (n < 2 ? 1 : n * fact(n - 1))')
    await notebook.run('function main(n) { return [even(n), fact(n)] }')
    expect(await notebook.launch('main', [5])).toEqual([false, 120])
  })

  it('uses the newest definition, as the kernel does', async () => {
    const notebook = new TestNotebook()
    await notebook.run('function helper() { return "old" }', 'a')
    await notebook.run('function train() { return helper() }', 'b')
    await notebook.run('function helper() { return "new" }', 'a')
    expect(await notebook.launch('train')).toBe('new')
  })

  it('sends inline arrows, function expressions, methods, generators and async generators', async () => {
    const notebook = new TestNotebook()
    await notebook.run(`
      const base = 2
      const tools = { async double(x) { return x * base }, *up(n) { for (let i = 0; i < n; i++) yield i * base } }
      const { double, up } = tools
      async function* slowly(n) { for (const x of up(n)) yield await double(x) }
    `)
    expect(await notebook.launch('[async (x) => (await double(x)) + base][0]', [4])).toBe(10)
    expect(await notebook.launch('(function named(x) { return x + base })', [4])).toBe(6)
    expect(await notebook.launch('tools.double', [4])).toBe(8)
    expect(
      await notebook.launch('async () => { const all = []; for await (const x of slowly(3)) all.push(x); return all }'),
    ).toEqual([0, 4, 8])
    expect(await notebook.launch('({ ["na" + "me"]() { return base } }).name')).toBe(2)
  })

  it('keeps names and properties of functions', async () => {
    const notebook = new TestNotebook()
    await notebook.run(`
      const config = { lr: 0.1 }
      const work = () => [work.name, work.config === config, work.runs]
      work.config = config
      work.runs = 2
      work.self = work
    `)
    expect(await notebook.launch('work')).toEqual(['work', true, 2])
  })

  it('sends only what is reached', async () => {
    const notebook = new TestNotebook()
    await notebook.run(`
      const big = new Float32Array(1e6)
      const port = new MessageChannel().port1
      function other() { return [big, port, secretWord] }
      function train(other) { const big = 1; return { port: big, other } }
      const secretWord = 'plover'
    `)
    const bytes = await notebook.fork('train', [7])
    expect(bytes.byteLength).toBeLessThan(2_000)
    expect(new TextDecoder().decode(bytes)).not.toMatch(/plover|secretWord|function other/)
  })

  it('imports modules again, and knows what comes from them and from the language', async () => {
    const imported: string[] = []
    const math = { double: (x: number) => x * 2, nested: { triple: (x: number) => x * 3 }, table: { a: 1 } }
    const notebook = new TestNotebook({ math })
    await notebook.run(`
      import { double as twice, table } from 'math'
      import * as all from 'math'
      const { triple } = all.nested
      const { max } = Math
      const nested = all.nested
      table.a = 2
      function train(x) { return [twice(x), all.double(x), triple(x), nested.triple === triple, max(x, 9), table.a] }
    `)
    const bytes = await notebook.fork('train', [2])
    const fresh = { ...math, double: (x: number) => imported.push('double') && x * 2, table: { a: 0 } }
    const { fn, args } = await revive(bytes, { math: fresh })
    expect(fn(...args)).toEqual([4, 4, 6, true, 9, 2])
    expect(imported).toEqual(['double', 'double'])
  })

  it('runs dynamic imports, and throws for names that nobody set as the kernel does', async () => {
    const notebook = new TestNotebook({ tools: { answer: 42 } })
    await notebook.run(`
      async function train() {
        const { answer } = await import('tools')
        return [answer, typeof missing, await attempt()]
      }
      async function attempt() { try { return missing } catch (error) { return error.message } }
    `)
    expect(await notebook.launch('train')).toEqual([42, 'undefined', 'missing is not defined'])
  })

  it('leaves names of the kernel itself to the rank', async () => {
    const notebook = new TestNotebook({}, { show: () => 'kernel' })
    await notebook.run('function train() { return show() }')
    const { fn } = await revive(await notebook.fork('train'), {}, [], { show: () => 'rank' })
    expect(fn()).toBe('rank')
  })

  it('keeps constants constant and variables variable', async () => {
    const notebook = new TestNotebook()
    await notebook.run('const fixed = 1; let free = 1')
    await notebook.run(
      'function train() { free = 2; try { fixed = 2 } catch (error) { return [free, fixed, error.name] } }',
    )
    expect(await notebook.launch('train')).toEqual([2, 1, 'TypeError'])
  })
})
