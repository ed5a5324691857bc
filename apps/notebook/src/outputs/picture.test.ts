import { describe, expect, it } from 'vitest'
import { previewRows, readPicture } from './picture.ts'

const rgba = (bytes: number[]) => btoa(String.fromCharCode(...bytes))

describe('a tensor’s picture', () => {
  it('is read pixel by pixel and enlarged by a whole factor', () => {
    const picture = readPicture({ width: 2, height: 1, rgba: rgba([1, 2, 3, 255, 250, 251, 252, 0]) })
    expect(picture).toMatchObject({ width: 2, height: 1, factor: 12 })
    expect([...picture!.pixels]).toEqual([1, 2, 3, 255, 250, 251, 252, 0])
    expect(readPicture({ width: 28, height: 28, rgba: rgba(new Array(28 * 28 * 4).fill(9)) })?.factor).toBe(5)
    expect(readPicture({ width: 300, height: 300, rgba: btoa('x'.repeat(360_000)) })?.factor).toBe(1)
  })

  it.each([
    ['too few bytes', { width: 2, height: 2, rgba: rgba([1, 2, 3, 4]) }],
    ['no base64', { width: 1, height: 1, rgba: '<svg>' }],
    ['a side of zero', { width: 0, height: 1, rgba: '' }],
    ['a fraction', { width: 0.5, height: 2, rgba: rgba([1, 2, 3, 4]) }],
    ['more than a page can hold', { width: 1e5, height: 1e5, rgba: '' }],
  ])('refuses %s', (_, picture) => expect(readPicture(picture)).toBeNull())
})

describe('first values', () => {
  it('stand in rows of the last axis', () => {
    expect(previewRows([4, 3], [1, 2, 3, 4, 5, 6, 7], 2)).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ])
    expect(previewRows([], [7], 3)).toEqual([[7]])
  })
})
