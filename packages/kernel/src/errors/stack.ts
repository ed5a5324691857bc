/**
 * An engine's stack text to frames, in the form of V8 (Chromium, Node) and that of Firefox and Safari. Knows no
 * cells.
 */

export interface RawFrame {
  functionName: string
  source: string
  /** 1-based, as engines count. */
  line: number
  column: number
}

const V8_FRAME = /^\s*at (?:(.*?) \()?(.*?):(\d+):(\d+)\)?$/
const OTHER_FRAME = /^(?:([^@]*)@)?(.+?):(\d+):(\d+)$/
/** Inside the parentheses of code that a plain `eval` made: `eval at f (file:1:2), <anonymous>:3:4`. */
const EVAL_ORIGIN = /^eval at .*, (.*)$/

/** Innermost first. Lines that are no frames, such as the message, are left out. */
export function parseStack(stack: string): RawFrame[] {
  const isV8 = /^\s*at /m.test(stack)
  return stack.split('\n').flatMap((text) => {
    const found = isV8 ? V8_FRAME.exec(text) : OTHER_FRAME.exec(text)
    if (found === null) return []
    const [, name = '', source = '', line, column] = found
    const at = EVAL_ORIGIN.exec(source)?.[1] ?? source.replace(/^async /, '')
    return [{ functionName: cleanName(name), source: at, line: Number(line), column: Number(column) }]
  })
}

/** `async train` → `train`, `Object.step` → `step`, `new Model` stays. */
function cleanName(name: string): string {
  return name
    .replace(/^async[ *]/, '')
    .replace(/^(?:Object|Module|Cells|global|globalThis)\./, '')
    .replace(/ \[as .*\]$/, '')
    .replace(/^(?:<anonymous>|eval|anonymous)$/, '')
}
