/**
 * Finds whole cells in the text of a damaged notebook: reads the `"cells"` list object by object until one does
 * not close or does not parse. Only for showing what is left; never for writing.
 */
import { isRecord, type Unknown } from './unknown.ts'

export function salvageCells(text: string): Unknown[] {
  const list = /"cells"\s*:\s*\[/.exec(text)
  if (list === null) return []
  const cells: Unknown[] = []
  let at = list.index + list[0].length
  for (;;) {
    const start = text.indexOf('{', at)
    if (start === -1 || !/^[\s,]*$/.test(text.slice(at, start))) return cells
    const end = endOfObject(text, start)
    if (end === -1) return cells
    at = end
    try {
      const cell: unknown = JSON.parse(text.slice(start, end))
      if (isRecord(cell)) cells.push(cell)
    } catch {
      // This one is damaged inside; the ones after it may be whole.
    }
  }
}

/** Index past the brace that closes the one at `start`; -1 if none does. */
function endOfObject(text: string, start: number): number {
  let depth = 0
  let inString = false
  for (let i = start; i < text.length; i++) {
    const char = text[i]
    if (inString) {
      if (char === '\\') i += 1
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === '{') depth += 1
    else if (char === '}') {
      depth -= 1
      if (depth === 0) return i + 1
    }
  }
  return -1
}
