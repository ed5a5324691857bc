/** Errors in ranks: the same places in the person's cells as in the kernel, in places that never saw the cells. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { toCellError } from '../errors/cell-error.ts'
import { registerCell } from '../errors/registry.ts'
import type { CellError } from '../output.ts'
import { revive, TestNotebook } from './testing/notebook.ts'

describe('stacks of forked programs', () => {
  const CELL = `// a comment
const limit: number = 3

function check(value: number): void {
  if (value > limit) throw new RangeError('too much')
}
class Model { run(n: number) { check(n) } }
const train = async (n: number): Promise<void> => { await null; new Model().run(n) }`

  it('have the lines and columns of the cell', async () => {
    const notebook = new TestNotebook()
    await notebook.run(CELL, 'first')
    const here = await (notebook.scope.values['train'] as (n: number) => Promise<void>)(9).catch(toCellError)
    const { fn, cells } = await revive(await notebook.fork('train'))
    for (const cell of cells) registerCell(cell)
    const there = await (fn(9) as Promise<void>).catch(toCellError)
    const places = (error: typeof here): unknown =>
      (error as { frames: object[] }).frames.filter((frame) => (frame as { cellId: unknown }).cellId !== null)
    expect(places(there)).toEqual(places(here))
    expect(there).toMatchObject({
      name: 'RangeError',
      frames: [{ functionName: 'check', line: 5, column: 28 }, { line: 7 }, { line: 8 }],
    })
  })

  it('send maps of the lines that are used and no text of the cells', async () => {
    const notebook = new TestNotebook()
    await notebook.run(`const password = 'swordfish'\n${CELL}`, 'first')
    const bytes = await notebook.fork('check')
    const { cells } = await revive(bytes)
    expect(new TextDecoder().decode(bytes)).not.toMatch(/swordfish|class Model|comment/)
    expect(cells).toHaveLength(1)
    expect(cells[0]!.map.map((line) => line.length > 0)).toEqual([false, false, false, false, true, true, true])
  })

  it('come out of another process, which has nothing of this one', async () => {
    const notebook = new TestNotebook()
    await notebook.run(CELL, 'first')
    await notebook.run(
      'const big = new Float32Array(1e6).fill(2); function sum() { return big.reduce((a, b) => a + b, 0) }',
    )
    const bytes = await notebook.fork('async (n) => { const total = sum(); await train(n); return total }', [1])
    const file = fileURLToPath(new URL('./testing/node/rank-process.ts', import.meta.url))
    const rank = fork(file, { execArgv: ['--import', 'tsx'], serialization: 'advanced' })
    try {
      const outcome = await new Promise((resolve, reject) => {
        rank.once('message', resolve)
        rank.once('exit', () => reject(new Error('the rank ended without an answer')))
        rank.send(new Uint8Array(bytes))
      })
      const { value, scope, error } = outcome as { value: number; scope: string[]; error: CellError }
      expect(value).toBe(2e6)
      expect(scope).toEqual(['big', 'check', 'limit', 'Model', 'sum', 'train'])
      expect(error.name).toBe('RangeError')
      const frames = error.frames.filter(({ cellId }) => cellId !== null)
      expect(frames.map(({ functionName, line }) => [functionName, line])).toEqual([
        ['check', 5],
        ['Model.run', 7],
        ['train', 8],
        ['', 1],
      ])
      expect(frames[0]?.column).toBe(28)
    } finally {
      rank.kill()
    }
  })
})
