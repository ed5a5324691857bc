/** Calls of tile programs as data: their arguments in order, and shares of them for several threads. */
import { TILE_COLUMNS, type TileCall } from './gemm-programs.ts'
import { FLOAT_BYTES } from './parameters.ts'
import type { SimdPrograms } from './programs.ts'
import type { TileTask } from './team.ts'

/** Runs the tile program at `index` (see `tileIndex`) now. */
export function runTile(programs: SimdPrograms, index: number, t: TileCall): void {
  const { a, b, c, start, panels, tiles, k, segments, aStride, aSegment, aTile, bStep, bPanel, cRow, startRow } = t
  const program = programs.tiles[index] as (...args: number[]) => void
  program(a, b, c, start, panels, tiles, k, segments, aStride, aSegment, aTile, bStep, bPanel, cRow, startRow)
}

/** The same call as a task: the index, then the arguments in their order. */
export function tileTask(index: number, t: TileCall): TileTask {
  const { a, b, c, start, panels, tiles, k, segments, aStride, aSegment, aTile, bStep, bPanel, cRow, startRow } = t
  return [index, a, b, c, start, panels, tiles, k, segments, aStride, aSegment, aTile, bStep, bPanel, cRow, startRow]
}

/** Positions in a task. */
const [B, C, START, PANELS, B_PANEL] = [2, 3, 4, 5, 13] as const

/** At least `wanted` tasks where the panels allow it: calls over many panels become several over fewer. */
export function sharesOf(tasks: readonly TileTask[], wanted: number): TileTask[] {
  const parts = Math.ceil(wanted / tasks.length)
  if (parts <= 1) return [...tasks]
  return tasks.flatMap((task) => {
    const panels = task[PANELS] as number
    const each = Math.ceil(panels / parts)
    return Array.from({ length: Math.ceil(panels / each) }, (_, part) => {
      const done = part * each
      const share = [...task]
      share[B] = (task[B] as number) + done * (task[B_PANEL] as number)
      // Only full panels come in numbers; a ragged one is a call of its own.
      for (const at of [C, START]) share[at] = (task[at] as number) + done * TILE_COLUMNS * FLOAT_BYTES
      share[PANELS] = Math.min(each, panels - done)
      return share
    })
  })
}
