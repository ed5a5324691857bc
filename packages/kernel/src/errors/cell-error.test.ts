/** Stacks in the person's own lines and columns, whatever was thrown. */
import { describe, expect, it } from 'vitest'
import { KernelFixture, placesOf } from '../testing/node/fixture.ts'
import { toCellError } from './cell-error.ts'
import { readableMessage } from './message.ts'
import { parseStack } from './stack.ts'

describe('places', () => {
  it('points through functions of other cells and through awaits', async () => {
    const cells = new KernelFixture()
    await cells.run(`interface Options { deep: boolean }
class Model<T> {
  async step(options: Options): Promise<T> { return   explode(options as any) }
}`)
    await cells.run(`function explode(options: any) {
  const unused: number = 1
  return options.missing   .length
}
const train = async (model: Model<number>) => {
      await null
      await model.step({ deep: true })
}`)
    const error = await cells.error('\n\n  await train(new Model<number>())')
    expect(error).toMatchObject({
      name: 'TypeError',
      message: "Cannot read properties of undefined (reading 'length')",
    })
    expect(placesOf(error)).toEqual(['explode@c2:3:29', 'Model.step@c1:3:55', 'train@c2:7:19', '@c3:3:3'])
  })

  it.each<[code: string, place: string, message: RegExp]>([
    ['const a = {}\na.b.c', '@c1:2:5', /reading 'c'/],
    ['const o = 1; \n o()', '@c1:2:2', /^o is not a function$/],
    ['const o = {}; o.x.y()', '@c1:1:19', /reading 'y'/],
    ['(class A { #p; static t(o) { return o.#p } }).t({})', 'A.t@c1:1:39', /private member #p/],
    ['[1].map((x: number) => x.nope())', '@c1:1:26', /x\.nope is not a function/],
    ['throw   new Error(`a${1}${2}`)', '@c1:1:9', /^a12$/],
    ['const f = () => { throw Error("q") }; `${1}${f()}`', 'f@c1:1:25', /^q$/],
    ['JSON.parse("{")', '@c1:1:6', /JSON/],
    ['let x = y + 1', '@c1:1:9', /^y is not defined$/],
    ['(await Promise.resolve({})).go()', '@c1:1:29', /^\(await …\)\.go is not a function$/],
  ])('%s', async (code, place, message) => {
    const error = await new KernelFixture().error(code)
    expect(placesOf(error)[0]).toBe(place)
    expect(error.message).toMatch(message)
  })

  it('says where a cell awaited what failed elsewhere', async () => {
    const failing = { load: () => Promise.reject(Object.assign(new Error('offline'), { stack: 'Error: offline' })) }
    const cells = new KernelFixture({ globals: { failing } })
    await cells.run('async function load() {\n  return await failing.load()\n}')
    expect(placesOf(await cells.error('  await load()'))).toEqual(['load@c1:2:10', '@c2:1:3'])
  })

  it('gives a syntax error the place of the cell', async () => {
    const error = await new KernelFixture().error('const a = 1\nconst b = = 2')
    expect(error).toMatchObject({ name: 'SyntaxError', message: 'Unexpected =' })
    expect(placesOf(error)).toEqual(['@c1:2:11'])
  })
})

describe('what was thrown', () => {
  it.each<[thrown: unknown, error: object]>([
    ['a text', { name: 'Error', message: 'a text' }],
    [undefined, { name: 'Error', message: 'undefined was thrown' }],
    [
      { a: 1, b: 2 },
      { name: 'Error', message: 'An object that is no Error was thrown: { a, b }' },
    ],
    [
      Object.assign(new Error('lost'), { rank: 2, node: 'attic', code: 'RANK_FAILED' }),
      { message: 'lost', rank: 2, node: 'attic', code: 'RANK_FAILED' },
    ],
    [new Error('outer', { cause: new TypeError('inner') }), { cause: { name: 'TypeError', message: 'inner' } }],
    [
      Object.assign(new Error('x'), { cellError: { name: 'E', message: 'theirs', frames: [] } }),
      { name: 'E', message: 'theirs' },
    ],
  ])('%s', (thrown, error) => {
    expect(toCellError(thrown)).toMatchObject(error)
  })

  it('survives circles and getters that throw', () => {
    const circle: { cause?: unknown } & Error = new Error('round')
    circle.cause = circle
    expect(toCellError(circle).message).toBe('round')
    const hostile = Object.defineProperty(new Error('x'), 'stack', {
      get: () => {
        throw new Error('no')
      },
    })
    expect(toCellError(hostile)).toMatchObject({ message: 'x', frames: [] })
  })
})

it('leaves messages that people wrote alone', () => {
  expect(readableMessage('TypeError', '(0 , $.f) is not a function')).toBe('f is not a function')
  expect(readableMessage('TypeError', '$.a.b is not a constructor')).toBe('a.b is not a constructor')
  expect(readableMessage('Error', 'costs $.5 or $.x')).toBe('costs $.5 or $.x')
})

it('reads the stacks of V8 and of other engines', () => {
  const v8 = `TypeError: a
    at new Model (cell:a%20b:3:4:5)
    at async Promise.all (index 0)
    at async train (https://host/x.js?v=1:10:20)
    at cell:c:2:1:2
    at eval (eval at run (file:///k.js:1:1), <anonymous>:3:4)`
  expect(parseStack(v8)).toEqual([
    { functionName: 'new Model', source: 'cell:a%20b:3', line: 4, column: 5 },
    { functionName: 'train', source: 'https://host/x.js?v=1', line: 10, column: 20 },
    { functionName: '', source: 'cell:c:2', line: 1, column: 2 },
    { functionName: '', source: '<anonymous>', line: 3, column: 4 },
  ])
  const other = 'train@cell:c:2:7:3\nasync*step@https://host/x.js:1:2\n@cell:c:2:9:1'
  expect(parseStack(other)).toEqual([
    { functionName: 'train', source: 'cell:c:2', line: 7, column: 3 },
    { functionName: 'step', source: 'https://host/x.js', line: 1, column: 2 },
    { functionName: '', source: 'cell:c:2', line: 9, column: 1 },
  ])
})
