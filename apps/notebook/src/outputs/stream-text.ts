/**
 * Text of a stream as a terminal would leave it: a carriage return starts its line again, a backspace takes a
 * character back. Pure. Not for: colours (ansi.ts) or lines on the screen (log-lines.ts).
 */

/** What stands for the lines that an endless output left out; the group is their number. */
export const CUT_MARK = /^\[… ([\d,]+) lines left out …\]\n$/

export function cutText(lines: number): string {
  return `[… ${lines.toLocaleString('en-US')} lines left out …]\n`
}

/**
 * `before` with `text` after it, overwritten as a terminal does. Only the last line of `before` can change, and
 * nothing is searched when `text` has no control character: progress bars stay one line, plain text stays cheap.
 */
export function foldReturns(before: string, text: string): string {
  if (!/[\r\b]/.test(text) && !before.endsWith('\r')) return before + text
  const start = before.lastIndexOf('\n') + 1
  const lines = (before.slice(start) + text).split('\n')
  const last = lines.length - 1
  return before.slice(0, start) + lines.map((line, i) => foldLine(line, i === last)).join('\n')
}

/** One line after all its carriage returns; a return at the very end of an open line waits for what overwrites. */
function foldLine(line: string, open: boolean): string {
  const waits = open && line.endsWith('\r')
  const parts = line.replace(/\r+$/, '').split('\r')
  let shown = ''
  for (const part of parts) {
    const written = part.includes('\b') ? takeBack(part) : part
    // Colour codes have no width, so a coloured part replaces the whole line.
    shown = written.includes('\u001b') ? written : written + shown.slice(written.length)
  }
  return waits ? `${shown}\r` : shown
}

function takeBack(text: string): string {
  const kept: string[] = []
  for (const character of text) {
    if (character === '\b') kept.pop()
    else kept.push(character)
  }
  return kept.join('')
}
