/**
 * Works around sucrase 3.35.1: the columns of its source map go missing for everything behind an empty piece of a
 * template literal, such as the end of `${a}`, because two tokens start at one place there. Such places get a blank of
 * their own for the transpiler, which is taken out of what it gives. Delete this when the test of places passes
 * without it.
 */

/** Blanks of Unicode that hardly any cell contains; one that the cell does not is used. */
const BLANKS = ['\u2005', '\u2004', '\u2006', '\u2008', '\u205f']
/** Where a piece of a template may be empty. It may also be in a string or between tokens: a blank does no harm. */
const EMPTY_PIECE = /(?<=[`}])(?=`|\$\{)/g

export interface Marked {
  text: string
  /** Takes the blanks out again. */
  unmark(text: string): string
  /** A column of the unmarked line in the marked one, and the other way round. */
  toMarked(line: string, column: number): number
  toUnmarked(line: string, column: number): number
}

/** null when the cell has no template or contains all blanks. */
export function markEmptyPieces(source: string): Marked | null {
  const blank = BLANKS.find((candidate) => !source.includes(candidate))
  if (blank === undefined || !source.includes('`')) return null
  return {
    text: source.replace(EMPTY_PIECE, blank),
    unmark: (text) => text.replaceAll(blank, ''),
    toMarked: (line, column) => {
      let at = 0
      for (let passed = 0; at < line.length; at++) {
        if (line[at] === blank) continue
        if (passed === column) break
        passed++
      }
      return at
    },
    toUnmarked: (line, column) => line.slice(0, column).replaceAll(blank, '').length,
  }
}
