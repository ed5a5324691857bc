/** Messages that are due, and the words for those that are not. */
import { FRAME_HEADER_BYTES } from '@rondo/protocol'
import { expect, it } from 'vitest'
import { Expected } from './expected.ts'

const frame = (bytes: number): Uint8Array<ArrayBuffer> => new Uint8Array(FRAME_HEADER_BYTES + bytes)

it('takes what was announced, in order, and says what is wrong with the rest', () => {
  const expected = new Expected()
  expected.add(1, 8)
  expected.add(2, 0)
  expected.add(1, 16)
  expect(expected.waitingFor()).toEqual([1, 2])
  expect(expected.arrive(1, frame(8))).toBeUndefined()
  expect(expected.arrive(1, frame(8))).toBe('8 payload bytes came where 16 were expected')
  expect(expected.arrive(2, frame(0))).toBeUndefined()
  expect(expected.waitingFor()).toEqual([1])
  expect(expected.arrive(1, frame(16))).toBeUndefined()
  expect(expected.waitingFor()).toEqual([])
  expect(expected.arrive(2, frame(0))).toBe('nothing was expected from it')
  expect(expected.arrive(3, frame(0))).toBe('nothing was expected from it')
})
