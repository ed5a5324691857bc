/** What is proposed at which place, and that proposing runs nothing. */
import { describe, expect, it } from 'vitest'
import { KernelFixture } from '../testing/node/fixture.ts'
import { completeCode } from './complete.ts'

const MODULES: Readonly<Record<string, object>> = {
  rondo: { Fabric: class Fabric {}, EarlyStopping: class EarlyStopping {}, mnist: () => 0 },
  '@tensorflow/tfjs': { layers: {}, losses: {}, tensor: () => 0 },
}

async function proposals(before: string, after = '', setup = ''): Promise<string[]> {
  const cells = new KernelFixture()
  if (setup !== '') await cells.run(setup)
  const scope = cells.kernel.scope
  const { from, items } = completeCode(before + after, before.length, scope, (name) => MODULES[name] ?? null)
  expect(from).toBeLessThanOrEqual(before.length)
  return items.map(({ label }) => label)
}

describe('proposals', () => {
  it('are members of values, own and inherited, behind any path of names', async () => {
    const setup = 'class A { deep = { value: 1, other: 2 }; method() {} }\nconst a = new A()'
    expect(await proposals('a.', '', setup)).toEqual(['deep', 'method'])
    expect(await proposals('a.deep.va', '', setup)).toEqual(['value'])
    expect(await proposals('a?.deep . ', '', setup)).toEqual(['value', 'other'])
    expect(await proposals('unknown.', '', setup)).toEqual([])
    expect(await proposals('f().', '', setup)).toEqual([])
  })

  it('are names of all cells, of this cell, and globals once a letter says which', async () => {
    expect(await proposals('coun', '', 'let counter = 1')).toContain('counter')
    expect(await proposals('const widget = 1\nwid')).toContain('widget')
    expect(await proposals('structuredC')).toContain('structuredClone')
    expect(await proposals('')).not.toContain('structuredClone')
    expect(await proposals('awa')).toContain('await')
  })

  it('are exports between the braces of an import', async () => {
    expect(await proposals('import { Fab')).toEqual(['Fabric'])
    expect(await proposals('import { Fabric, Ea', " } from 'rondo'")).toEqual(['EarlyStopping'])
    expect(await proposals('import { l', " } from '@tensorflow/tfjs'")).toEqual(['layers', 'losses'])
    expect(await proposals('import tf, { ten', ' } from "@tensorflow/tfjs"')).toEqual(['tensor'])
    expect(await proposals('import { x', " } from './other.js'")).toEqual([])
    expect(await proposals("import { Fabric } from 'rondo'\nimport { Fabric }.x; cou", '', 'let count = 1')).toContain(
      'count',
    )
  })

  it('are magics at the top, and nothing in strings and comments', async () => {
    expect(await proposals('%di')).toContain('%dist_init')
    expect(await proposals('%%dis')).toEqual(['%%distributed'])
    for (const code of ['"coun', '// coun', '`coun', '/* coun'])
      expect(await proposals(code, '', 'let counter')).toEqual([])
    expect(await proposals('`${coun', '}`', 'let counter')).toContain('counter')
  })

  it('never call getters or run traps on purpose', async () => {
    const setup = 'let called = 0\nconst o = { get x() { called++; return { y: 1 } } }'
    const cells = new KernelFixture()
    await cells.run(setup)
    expect(completeCode('o.', 2, cells.kernel.scope).items.map(({ label }) => label)).toEqual(['x'])
    expect(completeCode('o.x.', 4, cells.kernel.scope).items).toEqual([])
    expect(await cells.result('called')).toBe('0')
  })
})
