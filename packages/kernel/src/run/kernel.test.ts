/** Cells in one scope: what stays from cell to cell, values, failures, redefinition. */
import { describe, expect, it } from 'vitest'
import { KernelFixture, placesOf } from '../testing/node/fixture.ts'

describe('scope', () => {
  it('lets functions see what other cells define later and again', async () => {
    const cells = new KernelFixture()
    await cells.run('const scale = 2; function grow(x) { return twice(x) * scale }')
    expect(await cells.error('grow(1)')).toMatchObject({ name: 'ReferenceError', message: 'twice is not defined' })
    await cells.run('const twice = (x) => 2 * x')
    expect(await cells.result('grow(1)')).toBe('4')
    await cells.run('const scale = 10')
    expect(await cells.result('grow(1)')).toBe('20')
  })

  it('keeps constants constant until their cell runs again', async () => {
    const cells = new KernelFixture()
    await cells.run('const a = 1; function set() { a = 5 }', 'first')
    expect(await cells.error('a = 2')).toMatchObject({
      name: 'TypeError',
      message: 'Assignment to constant variable a: declare it with let, or run the cell that declares it again',
    })
    expect((await cells.error('set()')).name).toBe('TypeError')
    await cells.run('const a = 3; let b = 1', 'first')
    expect(await cells.result('b = 2; a + b')).toBe('5')
  })

  it('throws for names that no cell has set, also when they are assigned', async () => {
    const cells = new KernelFixture()
    expect(await cells.error('missing')).toMatchObject({ name: 'ReferenceError', message: 'missing is not defined' })
    expect(await cells.error('missing = 1')).toMatchObject({ name: 'ReferenceError' })
    expect(await cells.result('typeof missing')).toBe("'undefined'")
    // A worker's own `name` is an empty string, which is nobody's variable.
    expect((await cells.error('name')).message).toBe('name is not defined')
  })

  it('keeps what a cell set before it threw', async () => {
    const cells = new KernelFixture()
    const { status } = await cells.run('const a = 1; function f() { return a }; null.x; const b = 2')
    expect(status).toBe('error')
    expect(await cells.result('f() + typeof b')).toBe("'1undefined'")
  })

  it('lets cells hide globals of the platform and of the kernel', async () => {
    const cells = new KernelFixture({ globals: { Plot: { line: () => 'line' } } })
    expect(await cells.result('Plot.line()')).toBe("'line'")
    await cells.run('const Plot = 1, Math = { PI: 3 }')
    expect(await cells.result('Plot + Math.PI')).toBe('4')
  })

  it('says which cell declared a name', async () => {
    const cells = new KernelFixture()
    await cells.run('const a = 1\nlet b = 2')
    await cells.run('function b() {}')
    const { scope } = cells.kernel
    expect(scope.declaration('a')).toMatchObject({ kind: 'const', cell: { cellId: 'c1', cellNumber: 1 } })
    expect(scope.declaration('b')).toMatchObject({ kind: 'function', cell: { cellId: 'c2' } })
    expect(scope.declaration('c')).toBeNull()
    expect(Object.keys(scope.values)).toEqual(['a', 'b'])
  })

  it('runs enumerations, classes with private state, generators and loops as TypeScript does', async () => {
    const cells = new KernelFixture()
    await cells.run('enum Colour { Red, Blue = 4 }\nenum Colour { Green = 5 }', 'colours')
    expect(await cells.result('[Colour.Red, Colour[4], Colour.Green]')).toBe("[ 0, 'Blue', 5 ]")
    await cells.run('enum Colour { Red }', 'colours')
    expect(await cells.result('Object.keys(Colour).length')).toBe('2')
    await cells.run(`class Counter { static made = 0; #n = 0; static { Counter.made = 10 }
      constructor(private step: number) { Counter.made++ } up() { return (this.#n += this.step) } }`)
    expect(await cells.result('const c = new Counter(3); c.up(); [c.up(), Counter.made]')).toBe('[ 6, 11 ]')
    expect(await cells.result('[c.up(), Counter.made, Counter.name]')).toBe("[ 9, 11, 'Counter' ]")
    await cells.run('const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i)')
    expect(await cells.result('fs.map((f) => f())')).toBe('[ 0, 1, 2 ]')
    expect(await cells.result('for (var last of [1, 2]); last')).toBe('2')
    expect(await cells.result('[...(function* () { yield* fs.map((f) => f.name) })()]')).toBe("[ '', '', '' ]")
  })
})

describe('values', () => {
  it.each([
    ['1 + 1', '2'],
    ["'text';", "'text'"],
    ['const a = 1', undefined],
    ['undefined', undefined],
    ['(1, 2) // why not', '2'],
    ['({ a: 1 })', '{ a: 1 }'],
    ['await Promise.resolve(3)', '3'],
    // A promise that nobody awaits would fail unseen.
    ['Promise.resolve(4)', '4'],
    ['', undefined],
    ['// nothing', undefined],
    ['this', undefined],
    ['const f = () => 1; f.name', "'f'"],
    ['function g() { return this }; g()', undefined],
  ])('%s', async (code, value) => {
    expect(await new KernelFixture().result(code)).toBe(value)
  })

  it('awaits a promise at the end of a cell and fails with it', async () => {
    const error = await new KernelFixture().error("(async () => { throw new RangeError('late') })()")
    expect(error).toMatchObject({ name: 'RangeError', message: 'late' })
  })
})

describe('imports', () => {
  const modules: Record<string, object> = { lib: { default: 'd', one: 1, two: 2 } }
  const importModule = async (specifier: string): Promise<object> => {
    const module = modules[specifier]
    if (module === undefined) throw new Error(`${specifier} is not allowed`)
    return module
  }

  it('brings in names for all cells, and forgets types', async () => {
    const cells = new KernelFixture({ importModule })
    await cells.run("import d, { one as uno, Kind } from 'lib'\nimport * as all from 'lib'\nconst k: Kind = 1")
    expect(await cells.result("[d, uno, all.two, (await import('lib')).one]")).toBe("[ 'd', 1, 2, 1 ]")
    expect((await cells.error('uno = 3')).name).toBe('TypeError')
    expect(cells.kernel.scope.declaration('uno')?.import).toEqual({ specifier: 'lib', imported: 'one' })
  })

  it('fails at the import statement', async () => {
    const cells = new KernelFixture({ importModule })
    const refused = await cells.error("let a = 1\n  import b from 'other'")
    expect([refused.message, ...placesOf(refused)]).toEqual(['other is not allowed', '@c1:2:3'])
    const missing = await cells.error("import { three } from 'lib'")
    expect(missing.message).toBe("'lib' has no export named three: it has default, one, two")
    const dynamic = await cells.error("await\n  import('other')")
    expect(placesOf(dynamic)).toEqual(['@c3:2:3'])
  })
})

it('runs cells one after another in the order they came', async () => {
  const cells = new KernelFixture()
  const runs = [cells.run('await new Promise((r) => setTimeout(r, 10)); let a = 1'), cells.run('a + 1')]
  expect((await Promise.all(runs)).map(({ status }) => status)).toEqual(['ok', 'ok'])
  expect(cells.outputs.at(-1)?.output).toMatchObject({ kind: 'result', data: { 'text/plain': '2' } })
})
