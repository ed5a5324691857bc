/** What compiling a cell gives beside its code: declarations, imports, places, errors. */
import { describe, expect, it } from 'vitest'
import { compileCell } from './cell.ts'
import { placeInSource, placeOfOffset } from './positions.ts'
import { CellSyntaxError } from './syntax-error.ts'

const compile = (source: string) =>
  compileCell(source, { cellId: 'a b', cellNumber: 3, known: (name) => name in globalThis })

describe('declarations', () => {
  it('says which statement of the compiled code declares each name', () => {
    const cell = compile(`import d, * as ns from 'm'
import { x as y } from 'n'
// a comment
const a = 1, { b, c = () => b } = g(a)
async function* f() { await a }
class K {}
for (var v of [1]) g(v)
let z`)
    const shown = cell.declarations.map(({ name, kind, start, end }) => [name, kind, cell.code.slice(start, end)])
    expect(shown).toEqual([
      ['d', 'import', ''],
      ['ns', 'import', ''],
      ['y', 'import', ''],
      ['a', 'const', '$$.const.a = 1, { b: $$.const.b, c: $$.const.c = {c: () => $.b}.c } = (0, $.g)($.a);'],
      ['b', 'const', '$$.const.a = 1, { b: $$.const.b, c: $$.const.c = {c: () => $.b}.c } = (0, $.g)($.a);'],
      ['c', 'const', '$$.const.a = 1, { b: $$.const.b, c: $$.const.c = {c: () => $.b}.c } = (0, $.g)($.a);'],
      ['f', 'function', 'async function* f() { $$.resume(await $$.hold($.a)) }'],
      ['K', 'class', '$$.let.K = class K {};'],
      ['v', 'var', 'for ($.v of [1]) (0, $.g)($.v)'],
      ['z', 'let', '$$.let.z = void 0;'],
    ])
    expect(cell.declarations.map((declaration) => declaration.import)).toEqual([
      { specifier: 'm', imported: 'default' },
      { specifier: 'm', imported: '*' },
      { specifier: 'n', imported: 'x' },
      ...Array<undefined>(7).fill(undefined),
    ])
    expect(cell.hoists).toEqual([{ name: 'f', local: 'f' }])
    expect(cell.vars).toEqual(['v'])
    expect(cell.sourceUrl).toBe('cell:a%20b:3')
  })

  it('gives a function named like the scope another name in the code', () => {
    const cell = compile('function $(a) { return a + b }')
    expect(cell.code).toBe('function $_(a) { return a + $.b }')
    expect(cell.hoists).toEqual([{ name: '$', local: '$_' }])
  })
})

describe('imports', () => {
  it('knows names that can only be types, which may be missing at run time', () => {
    const { imports } = compile(`const one = 1
  import { A, type B, C, D } from 'm'
const a: A = new C()`)
    expect(imports).toEqual([
      {
        specifier: 'm',
        line: 2,
        column: 3,
        names: [
          { local: 'A', imported: 'A', typeOnly: true },
          { local: 'C', imported: 'C', typeOnly: false },
          { local: 'D', imported: 'D', typeOnly: false },
        ],
      },
    ])
  })
})

describe('places', () => {
  it('maps every word of the compiled code back to that word in the cell', () => {
    const source = `const first: number = load<string>(input as any)!.size
type Unused = { a: number }
export_ = async (left: number, { right }: Pair = preset): Promise<void> => {
  for await (const item of source as Iterable<number>) await consume(item satisfies number, left, right)
}
class Model<T> extends Base<T> { private weight: number = initial(); declare skip: string
  run<U>(input: U): void { if (input) throw new Failure(\`no \${describe_(input)}\`) } }
tag\`\${left}\${right}\`.go(\`\${last}\`, \`\`, one)
other(first, ...rest).chain(1)\n  .then_(last)`
    const cell = compile(source)
    const lines = source.split('\n')
    const added = new Set(['const', 'let', 'hold', 'resume', 'iterate', 'value', 'await', 'return', 'export_', 'void'])
    let checked = 0
    for (const { 0: word, index } of cell.code.matchAll(/(?<!\$\$\.let\.)\b[a-zA-Z]\w+/g)) {
      if (added.has(word)) continue
      const at = placeOfOffset(cell.code, index)
      const place = placeInSource(cell.map, at.line, at.column)
      expect(place, word).not.toBeNull()
      expect(lines[place!.line]!.slice(place!.column), `${word} at ${at.line}:${at.column}`).toMatch(
        new RegExp(`^${word}\\b`),
      )
      checked++
    }
    expect(checked).toBeGreaterThan(40)
  })
})

describe('syntax errors', () => {
  it.each<[source: string, place: [line: number, column: number], message: string]>([
    ['const = 3', [1, 7], 'Unexpected ='],
    [
      'let a = 1\nlet b = foo(',
      [2, 13],
      'The cell ends too early: a bracket, a string or an expression is not complete',
    ],
    ['const a: number = 1; let a', [1, 26], "Identifier 'a' has already been declared"],
    ['f(1, 2]', [1, 7], 'Unexpected ], expected ","'],
    ['x = "abc', [1, 5], 'Unterminated string constant'],
    ['\n  return 1', [2, 3], "'return' outside of function"],
    ['delete a', [1, 1], 'Deleting local variable in strict mode'],
    [
      '1;\nexport const a = 1',
      [2, 1],
      'export is not needed in a cell: every top-level name is visible to all cells; write the declaration alone',
    ],
    ['  import.meta.url', [1, 3], 'import.meta does not exist in a cell: a cell has no file'],
    [
      'namespace N { export const a = 1 }',
      [1, 1],
      'TypeScript namespaces do not work in cells: use an object or a class',
    ],
    ['@d class A {}', [1, 1], 'Decorators do not work in cells yet: call the decorator as a function'],
    ['const a = 1 as number, b: = 2', [1, 27], 'Unexpected ='],
  ])('%s', (source, [line, column], message) => {
    let thrown: unknown
    try {
      compile(source)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(CellSyntaxError)
    expect(thrown).toMatchObject({ message, line, column, cellId: 'a b', cellNumber: 3, name: 'SyntaxError' })
  })
})
