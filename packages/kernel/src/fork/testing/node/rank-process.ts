/** For tests: a rank in a process of its own. Calls the program with its arguments and then so that it throws. */
import { toCellError } from '../../../errors/cell-error.ts'
import { registerCell } from '../../../errors/registry.ts'
import { revive } from '../notebook.ts'

process.once('message', async (bytes: Uint8Array) => {
  const { fn, args, cells, scope } = await revive(bytes.slice().buffer)
  for (const cell of cells) registerCell(cell)
  const value = await fn(...args)
  const error = await (fn(9) as Promise<unknown>).then(() => null, toCellError)
  const names = Object.keys(scope.values).sort((a, b) => a.localeCompare(b))
  process.send?.({ value, error, scope: names })
  process.disconnect()
})
