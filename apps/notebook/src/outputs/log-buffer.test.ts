import { describe, expect, it } from 'vitest'
import type { CellOutput } from '../model/notebook.ts'
import { LogBuffer, type StreamOutput } from './log-buffer.ts'
import { appendOutput } from './merge.ts'

const streams = (outputs: readonly CellOutput[]) => outputs.filter((output) => output.kind === 'stream')
const of = (...texts: Array<[text: string, name?: StreamOutput['name']]>): StreamOutput[] =>
  texts.map(([text, name = 'stdout']) => ({ kind: 'stream', name, text }))
const fresh = (outputs: readonly StreamOutput[]) => {
  const buffer = new LogBuffer()
  buffer.update(outputs)
  return buffer.lines
}

describe('lines of a stream', () => {
  it('joins what belongs to one line and begins a new one for the other stream', () => {
    expect(fresh(of(['a\nb'], ['c\n'], ['d'], ['e', 'stderr'])).map((line) => [line.text, line.stream])).toEqual([
      ['a', 'stdout'],
      ['bc', 'stdout'],
      ['d', 'stdout'],
      ['e', 'stderr'],
    ])
  })

  it('keeps empty lines and colours that go on over lines', () => {
    const lines = fresh(of(['\u001b[31mred\n\nstill\u001b[0m\nplain\n']))
    expect(lines.map((line) => line.style?.fg ?? null)).toEqual([null, 1, 1, null])
    expect(lines[1]?.text).toBe('')
  })

  it('reads the same lines step by step as at once, whatever changes', () => {
    const pieces = ['one\ntw', 'o\n', '10 %', '\r20 %', '\r100 %\n', 'x\r\n', 'longer line without end', ' …\nlast']
    const buffer = new LogBuffer()
    let outputs: readonly CellOutput[] = []
    for (const [i, text] of Array.from({ length: 20_000 }, (_, i) => [i, pieces[i % pieces.length]!] as const)) {
      outputs = appendOutput(outputs, { kind: 'stream', name: i % 1_000 === 0 ? 'stderr' : 'stdout', text })
      if (i % 7 === 0) buffer.update(streams(outputs))
    }
    buffer.update(streams(outputs))
    expect(buffer.lines).toEqual(fresh(streams(outputs)))
    buffer.update(of(['other']))
    expect(buffer.lines.map((line) => line.text)).toEqual(['other'])
    buffer.update([])
    expect(buffer.lines).toEqual([])
  })

  it('leaves the lines that it has alone when text is appended', () => {
    const buffer = new LogBuffer()
    const [first] = of(['a\nb\n'])
    buffer.update([first!])
    const kept = buffer.lines[0]
    buffer.update([{ ...first!, text: 'a\nb\nc' }, ...of(['d', 'stderr'])])
    expect(buffer.lines[0]).toBe(kept)
    expect(buffer.lines.map((line) => line.text)).toEqual(['a', 'b', 'c', 'd'])
  })
})
