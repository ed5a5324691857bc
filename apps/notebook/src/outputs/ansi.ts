/**
 * Terminal colours in a line of text: SGR codes become styled spans, every other escape sequence is left out.
 * Pure. Semantics as ECMA-48 and xterm have them. Not for: carriage returns (stream-text.ts).
 */

export interface AnsiStyle {
  /** 0–15 is a colour of the theme; text is a CSS colour. */
  fg: number | string | null
  bg: number | string | null
  bold: boolean
  dim: boolean
  italic: boolean
  underline: boolean
  strike: boolean
  inverse: boolean
}

export interface AnsiSpan {
  text: string
  style: AnsiStyle | null
}

const PLAIN: AnsiStyle = {
  fg: null,
  bg: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  strike: false,
  inverse: false,
}

// CSI sequences, OSC strings (titles, links) up to their end, and two-character escapes.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const ESCAPES = /\u001b(?:\[([0-?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g

export function hasEscapes(text: string): boolean {
  return text.includes('\u001b')
}

/** Text without any escape sequence. */
export function stripAnsi(text: string): string {
  return hasEscapes(text) ? text.replace(ESCAPES, '') : text
}

/** Spans of a text that begins in `style`, and the style in which it ends; `null` is unstyled. */
export function parseAnsi(
  text: string,
  style: AnsiStyle | null = null,
): { spans: AnsiSpan[]; style: AnsiStyle | null } {
  const spans: AnsiSpan[] = []
  let current = style
  let from = 0
  const push = (to: number) => {
    if (to > from) spans.push({ text: text.slice(from, to), style: current })
  }
  for (const match of text.matchAll(ESCAPES)) {
    push(match.index)
    from = match.index + match[0].length
    if (match[2] === 'm') current = applySgr(current, match[1] ?? '')
  }
  push(text.length)
  return { spans, style: current }
}

function applySgr(before: AnsiStyle | null, parameters: string): AnsiStyle | null {
  const codes = parameters.split(/[;:]/).map((code) => (code === '' ? 0 : Number(code)))
  let style: AnsiStyle | null = before
  const set = (change: Partial<AnsiStyle>) => {
    style = { ...(style ?? PLAIN), ...change }
  }
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!
    if (code === 0) style = null
    else if (code === 38 || code === 48) {
      const { colour, used } = extended(codes.slice(i + 1))
      i += used
      if (colour !== null) set(code === 38 ? { fg: colour } : { bg: colour })
    } else if (code >= 30 && code <= 37) set({ fg: code - 30 })
    else if (code >= 90 && code <= 97) set({ fg: code - 82 })
    else if (code >= 40 && code <= 47) set({ bg: code - 40 })
    else if (code >= 100 && code <= 107) set({ bg: code - 92 })
    else set(ATTRIBUTES[code] ?? {})
  }
  return style
}

const ATTRIBUTES: Readonly<Record<number, Partial<AnsiStyle>>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  29: { strike: false },
  39: { fg: null },
  49: { bg: null },
}

/** Levels of the 6×6×6 colour cube. */
const CUBE = [0, 95, 135, 175, 215, 255] as const

/** `5;n` or `2;r;g;b` after 38 or 48: the colour, and how many codes it took. */
function extended([kind, a, b, c]: number[]): { colour: number | string | null; used: number } {
  if (kind === 2) return { colour: rgb(a ?? 0, b ?? 0, c ?? 0), used: 4 }
  if (kind !== 5 || a === undefined) return { colour: null, used: 1 }
  if (a < 16) return { colour: a, used: 2 }
  if (a > 231) return { colour: rgb(8 + 10 * (a - 232), 8 + 10 * (a - 232), 8 + 10 * (a - 232)), used: 2 }
  const level = (digit: number) => CUBE[digit] ?? 0
  const n = a - 16
  return { colour: rgb(level(Math.floor(n / 36)), level(Math.floor(n / 6) % 6), level(n % 6)), used: 2 }
}

function rgb(r: number, g: number, b: number): string {
  const byte = (value: number) => Math.max(0, Math.min(255, Math.round(value) || 0))
  return `rgb(${byte(r)} ${byte(g)} ${byte(b)})`
}
