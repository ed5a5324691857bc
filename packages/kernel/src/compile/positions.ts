/**
 * Places in compiled code ↔ places in the cell: joins the rewriter's map with the transpiler's, and looks places
 * up. Not for parsing stacks.
 */
import type { PositionLine } from './types.ts'

/** 0-based. */
export interface Place {
  line: number
  column: number
}

/** One generated line's segments as magic-string gives them: `[column, source, line, column]`, sorted by column. */
type Segments = ReadonlyArray<readonly number[]>

/** Joins `compiled → transpiled` segments with `transpiled → source` places. */
export function joinMaps(
  compiled: readonly Segments[],
  toSource: (line: number, column: number) => Place,
): PositionLine[] {
  return compiled.map((segments) => {
    const line: PositionLine = []
    for (const [column, , transpiledLine, transpiledColumn] of segments) {
      if (column === undefined || transpiledLine === undefined || transpiledColumn === undefined) continue
      const place = toSource(transpiledLine, transpiledColumn)
      line.push(column, place.line, place.column)
    }
    return line
  })
}

/** Place in the cell of a place in compiled code; null when that line holds nothing of the cell. */
export function placeInSource(map: readonly PositionLine[], line: number, column: number): Place | null {
  const segments = map[line]
  if (segments === undefined || segments.length === 0) return null
  let low = 0
  let high = segments.length / 3 - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (segments[middle * 3]! <= column) low = middle
    else high = middle - 1
  }
  return { line: segments[low * 3 + 1]!, column: segments[low * 3 + 2]! }
}

/** 0-based line and column of an offset. */
export function placeOfOffset(text: string, offset: number): Place {
  const before = text.slice(0, offset)
  const line = before.split('\n').length - 1
  return { line, column: offset - (before.lastIndexOf('\n') + 1) }
}

/** Offset at which each line starts. */
export function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}
