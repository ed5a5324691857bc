import type { KernelOutput } from '@rondo/kernel/output'
import { describe, expect, it } from 'vitest'
import type { CellOutput } from '../model/notebook.ts'
import { appendOutput, appendOutputs, replaceDisplay, STREAM_CHUNK_CHARS } from './merge.ts'

const out = (text: string, name: 'stdout' | 'stderr' = 'stdout'): KernelOutput => ({ kind: 'stream', name, text })
const show = (displayId: string | null, text: string, update = false): KernelOutput => ({
  kind: 'display',
  data: { 'text/plain': text },
  metadata: {},
  displayId,
  update,
})
const run = (...pieces: KernelOutput[]) =>
  pieces.reduce<readonly CellOutput[]>((outputs, piece) => appendOutput(outputs, piece), [])
const texts = (outputs: readonly CellOutput[]) =>
  outputs.map((output) => (output.kind === 'stream' ? output.text : output.kind))

describe('a cell’s outputs', () => {
  it('joins what one stream prints and keeps the streams in order', () => {
    expect(texts(run(out('a'), out('b\n'), out('oops\n', 'stderr'), out('c')))).toEqual(['ab\n', 'oops\n', 'c'])
  })

  it('touches no list that was handed out before', () => {
    const before = run(out('a'))
    const after = appendOutput(before, out('b'))
    expect(texts(before)).toEqual(['a'])
    expect(texts(after)).toEqual(['ab'])
  })

  it('replaces a display wherever it is in the list, and shows an unknown one as new', () => {
    const outputs = run(show('p', 'one'), out('x'), show('p', 'two', true), show('q', 'three', true))
    expect(outputs.map((output) => (output.kind === 'display' ? output.data['text/plain'] : output.kind))).toEqual([
      'two',
      'stream',
      'three',
    ])
  })

  it('hands back the same list where a display is not shown', () => {
    const outputs = run(out('a'), show(null, 'b'))
    expect(replaceDisplay(outputs, show('p', 'c', true) as Extract<KernelOutput, { kind: 'display' }>)).toBe(outputs)
  })

  it('clears at once, or when the next output comes', () => {
    expect(run(out('a'), { kind: 'clear', wait: false })).toEqual([])
    const waiting = run(out('a'), { kind: 'clear', wait: true })
    expect(texts(waiting)).toEqual(['a'])
    expect(texts(appendOutput(waiting, out('b')))).toEqual(['b'])
    expect(texts(appendOutputs([], [out('a'), { kind: 'clear', wait: true }, out('b'), out('c')]))).toEqual(['bc'])
  })

  it('gives a result the number of its cell and an error lines that other programs can show', () => {
    const [result, error] = appendOutputs(
      [],
      [
        { kind: 'result', data: { 'text/plain': '3' }, metadata: {} },
        {
          kind: 'error',
          error: {
            name: 'TypeError',
            message: 'no',
            frames: [{ functionName: 'train', cellId: 'a', cellNumber: 2, line: 4, column: 7, source: null }],
            cause: null,
            rank: 2,
            node: 'Laptop-B',
            code: null,
          },
        },
      ],
      7,
    )
    expect(result).toMatchObject({ kind: 'result', executionCount: 7 })
    expect(error).toMatchObject({
      traceback: ['rank 2 on Laptop-B: TypeError: no', '    at train (cell [2]:4:7)'],
    })
  })

  it('overwrites a line after a carriage return, also over several pieces', () => {
    expect(texts(run(out('epoch\n10 %'), out('\r20 %'), out('\r'), out('100 %\ndone')))).toEqual(['epoch\n100 %\ndone'])
    expect(texts(run(out('a\r\nb\r\n')))).toEqual(['a\nb\n'])
    expect(texts(run(out('longer\rshort\n'), out('12'), out('\b3')))).toEqual(['shortr\n13'])
  })

  it('splits a long stream into bounded pieces at ends of lines, losing nothing', () => {
    const line = `${'x'.repeat(99)}\n`
    let outputs: readonly CellOutput[] = []
    for (let i = 0; i < 3_000; i++) outputs = appendOutput(outputs, out(line))
    expect(outputs.length).toBeGreaterThan(3)
    for (const output of outputs) {
      expect(output.kind === 'stream' && output.text.length).toBeLessThanOrEqual(STREAM_CHUNK_CHARS + line.length)
      expect(output.kind === 'stream' && output.text.endsWith('\n')).toBe(true)
    }
    expect(texts(outputs).join('')).toBe(line.repeat(3_000))
  })

  it('stays a short list when two streams take turns for ever', () => {
    let outputs: readonly CellOutput[] = []
    for (let i = 0; i < 3_000; i++) outputs = appendOutput(outputs, out(`${i}\n`, i % 2 === 0 ? 'stdout' : 'stderr'))
    expect(outputs.length).toBeLessThanOrEqual(501)
    const lines = texts(outputs).join('').trim().split('\n')
    expect(lines.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 3_000 }, (_, i) => i))
  })

  it('keeps the beginning and the end of an endless stream and counts what went between', () => {
    const block = `${'y'.repeat(999)}\n`.repeat(100)
    let outputs: readonly CellOutput[] = appendOutput([], out('first\n'))
    for (let i = 0; i < 400; i++) outputs = appendOutput(outputs, out(block))
    outputs = appendOutput(outputs, out('last\n'))
    const all = texts(outputs).join('')
    expect(all.length).toBeLessThan(25_200_000)
    expect(all.startsWith('first\n')).toBe(true)
    expect(all.endsWith('last\n')).toBe(true)
    const left = Number(/^\[… ([\d,]+) lines left out …\]$/m.exec(all)?.[1]?.replaceAll(',', ''))
    expect(left + (all.match(/^y+$/gm)?.length ?? 0)).toBe(40_000)
  })
})
