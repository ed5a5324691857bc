import { describe, expect, it } from 'vitest'
import { parseAnsi, stripAnsi } from './ansi.ts'

const ESC = '\u001b'

describe('terminal colours', () => {
  it('leaves plain text alone', () => {
    expect(parseAnsi('plain [31m text')).toEqual({ spans: [{ text: 'plain [31m text', style: null }], style: null })
  })

  it('reads colours and attributes, and their end', () => {
    const { spans, style } = parseAnsi(`a${ESC}[1;31mb${ESC}[22;92mc${ESC}[0md`)
    expect(spans.map(({ text, style }) => [text, style?.fg ?? null, style?.bold ?? false])).toEqual([
      ['a', null, false],
      ['b', 1, true],
      ['c', 10, false],
      ['d', null, false],
    ])
    expect(style).toBeNull()
  })

  it('goes on in the style in which the line before ended', () => {
    const first = parseAnsi(`${ESC}[33mwarn`)
    expect(parseAnsi('ing', first.style).spans[0]?.style?.fg).toBe(3)
  })

  it('knows 256 colours and true colour, with either separator', () => {
    expect(parseAnsi(`${ESC}[38;5;9mx`).style?.fg).toBe(9)
    expect(parseAnsi(`${ESC}[38;5;196mx`).style?.fg).toBe('rgb(255 0 0)')
    expect(parseAnsi(`${ESC}[48;5;244mx`).style?.bg).toBe('rgb(128 128 128)')
    expect(parseAnsi(`${ESC}[38:2:1:2:300mx`).style?.fg).toBe('rgb(1 2 255)')
  })

  it('leaves out cursor movements, titles and links', () => {
    expect(stripAnsi(`${ESC}[2K${ESC}[1Ga${ESC}]0;title\u0007b${ESC}]8;;https://x${ESC}\\c${ESC}(Bd`)).toBe('abcd')
  })

  it('survives codes that nobody defined and sequences cut off', () => {
    expect(parseAnsi(`${ESC}[999;38;5mx`).spans.map((span) => span.text)).toEqual(['x'])
    expect(stripAnsi(`a${ESC}[`)).toContain('a')
  })
})
