/** What values look like: bounded, without calling code of theirs, and never failing. */
import { describe, expect, it } from 'vitest'
import { type InspectNode, MIME } from '../output.ts'
import { createDisplay } from './create-display.ts'
import { describeValue } from './describe.ts'

const plain = (value: unknown): unknown => describeValue(value)['text/plain']
const tree = (value: unknown): InspectNode => describeValue(value)[MIME.inspect] as InspectNode

function count(node: InspectNode): number {
  return 1 + (node.children ?? []).reduce((sum, child) => sum + count(child), 0)
}

describe('describeValue', () => {
  it.each<[unknown, string]>([
    ['a "b"', '"a \\"b\\""'],
    [-0, '-0'],
    [12n, '12n'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{ a: 1, 'b c': [1, 'x'] }, '{a: 1, "b c": [1, "x"]}'],
    [[], '[]'],
    [new Map([['k', new Set([1])]]), 'Map(1) {"k" → Set(1) {1}}'],
    [new Float32Array([0.1, 2]), 'Float32Array(2) [0.1, 2]'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [/a/g, '/a/g'],
    [
      function train(fabric: unknown, n = 3) {
        return [fabric, n]
      },
      'function train(fabric, n = 3)',
    ],
    [class Model {}, 'class Model'],
    [
      new (class Model {
        units = 2
      })(),
      'Model {units: 2}',
    ],
    [Object.create(null), '{}'],
  ])('writes %o as a person would', (value, text) => {
    expect(plain(value)).toBe(text)
  })

  it('breaks long values into lines', () => {
    const value = {
      name: 'x'.repeat(50),
      list: Array.from({ length: 130 }, (_, index) => index % 10),
      deep: { a: { b: 1 } },
    }
    const row = `    ${Array.from({ length: 24 }, (_, index) => index % 10).join(', ')}`
    const lines = (plain(value) as string).split('\n')
    expect(lines.slice(0, 4)).toEqual(['{', `  name: "${'x'.repeat(50)}",`, '  list: [', `${row},`])
    expect(lines.slice(-4)).toEqual([expect.stringMatching(/9, … 30 more$/), '  ],', '  deep: {a: {b: 1}}', '}'])
  })

  it('shows getters without calling them and names cycles', () => {
    let calls = 0
    const value: Record<string, unknown> = Object.defineProperty({ a: 1 }, 'now', {
      get: () => calls++,
      enumerable: true,
    })
    value['self'] = value
    expect(tree(value).children).toEqual([
      { kind: 'number', text: '1', key: 'a' },
      { kind: 'getter', text: '[getter]', key: 'now' },
      { kind: 'circular', text: '[circular]', key: 'self' },
    ])
    expect(calls).toBe(0)
  })

  it('bounds trees, however large or deep, and counts what is left out', () => {
    const wide = Array.from({ length: 300 }, () => Array.from({ length: 300 }, (_, index) => ({ index })))
    expect(count(tree(wide))).toBeLessThan(5_000)
    expect(tree(wide).children?.at(-1)).toEqual({ kind: 'more', text: '200 more' })
    let deep: unknown = 1
    for (let index = 0; index < 10_000; index++) deep = { deep }
    expect(count(tree(deep))).toBeLessThan(20)
    expect((plain('y'.repeat(1e6)) as string).length).toBe(1e6 + 2)
    expect(JSON.stringify(tree(['z'.repeat(1e6)])).length).toBeLessThan(11_000)
  })

  it('shows an error with stack, cause and what it carries', () => {
    const error = Object.assign(new TypeError('no', { cause: new Error('deep') }), { code: 'E1' })
    expect(plain(error)).toMatch(/^TypeError: no\n\s+at /)
    expect(tree(error)).toMatchObject({
      kind: 'error',
      text: 'TypeError: no',
      children: [
        { key: 'code', text: '"E1"' },
        { key: 'cause', text: 'Error: deep' },
      ],
    })
  })

  it('takes a value at its word about its own form, and survives one that throws', () => {
    const own = { [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>1</b>' }) }
    expect(describeValue(own)).toMatchObject({ 'text/html': '<b>1</b>', 'text/plain': '{}' })
    const broken = {
      [Symbol.for('Jupyter.display')]: () => {
        throw new Error('oops')
      },
    }
    expect(plain(broken)).toBe('[a object that could not be shown: oops]')
  })

  it('gives JSON only', () => {
    const odd = {
      n: Number.NaN,
      b: 1n,
      d: new Date(Number.NaN),
      f: () => 1,
      s: Symbol('s'),
      t: [{ a: Number.NaN }, { a: 1n }],
    }
    const bundle = describeValue(odd)
    expect(JSON.parse(JSON.stringify(bundle))).toEqual(bundle)
    const rows = describeValue(odd.t)
    expect(JSON.parse(JSON.stringify(rows))).toEqual(rows)
  })
})

describe('tables', () => {
  it('are arrays of plain objects with simple values', () => {
    const bundle = describeValue([
      { epoch: 1, loss: 0.5 },
      { epoch: 2, loss: 0.25, note: 'best' },
    ])
    expect(bundle[MIME.table]).toEqual({
      columns: ['epoch', 'loss', 'note'],
      rows: [
        [1, 0.5, null],
        [2, 0.25, 'best'],
      ],
      total: 2,
    })
    expect(bundle['text/plain']).toBe('epoch  loss  note\n1      0.5\n2      0.25  best')
    expect(bundle[MIME.inspect]).toBeDefined()
    for (const value of [[], [1, 2], [{ a: {} }, { a: {} }], [{ a: 1 }, null], [{ a: 1 }]]) {
      expect(describeValue(value)[MIME.table]).toBeUndefined()
    }
  })

  it('carry at most 1,000 rows and say how many there are', () => {
    const data = describeValue(Array.from({ length: 5_000 }, (_, n) => ({ n })))[MIME.table] as {
      rows: unknown[]
      total: number
    }
    expect([data.rows.length, data.total]).toEqual([1_000, 5_000])
  })

  it('are made of columns, arrays and Maps on demand', () => {
    const { table } = createDisplay().globals as { table: (...args: unknown[]) => unknown }
    const of = (...args: unknown[]) =>
      describeValue(table(...args))[MIME.table] as { columns: string[]; rows: unknown[][] }
    expect(of({ x: new Float32Array([1, 2]), y: ['a'] })).toMatchObject({
      columns: ['x', 'y'],
      rows: [
        [1, 'a'],
        [2, null],
      ],
    })
    expect(of([[1, 2], [3]])).toMatchObject({
      columns: ['0', '1'],
      rows: [
        [1, 2],
        [3, null],
      ],
    })
    expect(of(new Map([['k', 1]]))).toMatchObject({ columns: ['(index)', 'value'], rows: [['k', 1]] })
    expect(of([{ a: 1, b: 2 }], ['b'])).toMatchObject({ columns: ['b'], rows: [[2]] })
    expect(() => table(3)).toThrow(/table\(3\): it takes an array/)
  })
})

describe('html, markdown and svg', () => {
  it('are functions and tags', () => {
    const { html, svg } = createDisplay().globals as Record<string, (...args: unknown[]) => unknown>
    const tag = html as (text: TemplateStringsArray, ...values: unknown[]) => unknown
    expect(describeValue(tag`<b>${1}</b>`)).toEqual({ 'text/plain': '<b>1</b>', 'text/html': '<b>1</b>' })
    expect(describeValue(svg!('<svg/>'))['image/svg+xml']).toBe('<svg/>')
    expect(() => html!(3)).toThrow(/html\(number\): it takes a string/)
  })
})
