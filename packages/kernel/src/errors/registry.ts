/** The compiled cells by the address that stacks show for them, so that errors can be read back into cells. */
import type { CompiledCell } from '../compile/types.ts'

/** Cells kept; a function of an older run still works, but its frames show no lines. */
const MAX_CELLS = 2_000

const cells = new Map<string, CompiledCell>()

/** Makes the stacks of this cell's code readable for `toCellError`, also in another worker than it was compiled in. */
export function registerCell(cell: CompiledCell): void {
  cells.delete(cell.sourceUrl)
  cells.set(cell.sourceUrl, cell)
  if (cells.size > MAX_CELLS) for (const oldest of [...cells.keys()].slice(0, 1)) cells.delete(oldest)
}

export function cellOfSource(sourceUrl: string): CompiledCell | undefined {
  return cells.get(sourceUrl)
}

/** All that are kept, oldest first: where a fork looks for the code of a function. */
export function registeredCells(): Iterable<CompiledCell> {
  return cells.values()
}
