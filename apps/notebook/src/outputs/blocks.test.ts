import { describe, expect, it } from 'vitest'
import type { CellOutput } from '../model/notebook.ts'
import { blocksOf } from './blocks.ts'
import { hidesMore, pictureUrl, shownMimes, textOf, unknownMimes } from './mime.ts'

const stream = (text: string): CellOutput => ({ kind: 'stream', name: 'stdout', text })
const value = (...ranks: number[]): CellOutput => ({
  kind: 'display',
  data: { 'text/plain': 'x' },
  metadata: ranks.length === 0 ? {} : { rondo: { ranks } },
  displayId: null,
})

describe('the layout of outputs', () => {
  it('makes one log of streams in a row and one row of the values of ranks', () => {
    const blocks = blocksOf([stream('a'), stream('b'), value(0), value(1, 2), value(), stream('c')])
    expect(blocks.map((block) => block.kind)).toEqual(['log', 'ranks', 'value', 'log'])
    expect(blocks[1]).toMatchObject({ values: [{ ranks: [0] }, { ranks: [1, 2] }] })
  })

  it('keeps the keys of what is there when more comes', () => {
    const outputs = [stream('a'), value(), value(0)]
    const before = blocksOf(outputs).map((block) => block.key)
    const after = blocksOf([...outputs, value(1), stream('z')]).map((block) => block.key)
    expect(after.slice(0, 3)).toEqual(before)
    expect(new Set(after).size).toBe(after.length)
  })
})

describe('the form of a value', () => {
  const bundle = {
    'text/plain': 'x',
    'text/html': '<b>x</b>',
    'image/png': 'iVBORw0KGgo=',
    'application/javascript': 'alert(1)',
  }
  it('is the richest one that may be shown', () => {
    expect(shownMimes(bundle, true)).toEqual(['text/html', 'image/png', 'text/plain'])
    expect(shownMimes(bundle, false)).toEqual(['image/png', 'text/plain'])
    expect(hidesMore(bundle, false)).toBe(true)
    expect(unknownMimes(bundle)).toEqual(['application/javascript'])
  })

  it('takes text as nbformat writes it', () => {
    expect(textOf(['a\n', 'b'])).toBe('a\nb')
    expect(textOf({ a: 1 })).toBe('{\n  "a": 1\n}')
  })

  it('gives pictures only addresses that can hold nothing else', () => {
    expect(pictureUrl('image/png', ['iVBO\n', 'Rw0K'])).toBe('data:image/png;base64,iVBORw0K')
    expect(pictureUrl('image/png', 'x" onerror="alert(1)')).toBeNull()
    expect(pictureUrl('image/svg+xml', '<svg/>')).toBe('data:image/svg+xml;charset=utf-8,%3Csvg%2F%3E')
  })
})
