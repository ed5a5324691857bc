/**
 * docs/parity.md names, for each feature, tests that exist: a file of the project and words that stand in it as the
 * title of a test. A test that is renamed or removed is missed here.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const ROWS = readFileSync(join(ROOT, 'docs', 'parity.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| [FT]\d/.test(line))

/** What a row promises: path and title of each of its tests. */
function testsOf(row: string): Array<{ path: string; title: string }> {
  const cell = row.split(' | ').at(-1) ?? ''
  return [...cell.matchAll(/`([^`]+)` › (.*?)(?= <br>| \|$)/g)].map(([, path = '', title = '']) => ({ path, title }))
}

describe('parity', () => {
  it('has a row for each feature of Fabric and Trainer', () => {
    const ids = ROWS.map((row) => row.slice(2, 4))
    expect(ids).toEqual(['F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7', 'F8', 'F9', 'T1', 'T2', 'T3', 'T4'])
  })

  it.each(ROWS.map((row) => [row.slice(2, 4), row]))('%s names tests that exist', (_, row) => {
    const tests = testsOf(row)
    expect(tests.length).toBeGreaterThan(0)
    expect(tests.length).toBe(row.split(' <br> ').length)
    for (const { path, title } of tests) {
      expect(existsSync(join(ROOT, path)), path).toBe(true)
      expect(readFileSync(join(ROOT, path), 'utf8'), path).toContain(title)
    }
  })
})
