/** Kernels of no fixed order are refused or told of, and come back. Shown on the cpu backend, whose kernels are named. */
import { beforeAll, expect, it, vi } from 'vitest'
import { tf } from '../tfjs.ts'
import { keepDeterministic } from './deterministic.ts'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const segments = (dtype: 'float32' | 'int32'): number[] => {
  return tf.tidy(() => [
    ...tf.unsortedSegmentSum(tf.tensor1d([1, 2, 3], dtype), tf.tensor1d([0, 1, 0], 'int32'), 2).dataSync(),
  ])
}

it('refuses them for floats, not for whole numbers, until it is put back', () => {
  const restore = keepDeterministic(true, ['UnsortedSegmentSum', 'NoSuchKernel'])
  try {
    expect(() => segments('float32')).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringMatching(/UnsortedSegmentSum.*"wasm"/) }),
    )
    expect(segments('int32')).toEqual([4, 2])
  } finally {
    restore()
  }
  expect(segments('float32')).toEqual([4, 2])
})

it('tells of them once with "warn"', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const restore = keepDeterministic('warn', ['UnsortedSegmentSum'])
  expect([segments('float32'), segments('float32')]).toEqual([
    [4, 2],
    [4, 2],
  ])
  restore()
  expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('UnsortedSegmentSum'))
  warn.mockRestore()
})

it('leaves cpu and wasm as they are: their kernels add in a fixed order', () => {
  const before = tf.getKernel('UnsortedSegmentSum', 'cpu')
  const restore = keepDeterministic(true)
  expect(tf.getKernel('UnsortedSegmentSum', 'cpu')).toBe(before)
  restore()
})
