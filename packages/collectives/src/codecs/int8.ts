/**
 * 8-bit integers with one float32 scale = max|x|/127 per block, rounded to nearest, ties to even. Layout:
 * all scales, then all bytes. A block that holds NaN or infinity decodes to NaN as a whole, so that a bad
 * gradient is still seen. Not for: the error feedback that makes training with it converge (strategies).
 */
import type { Codec } from './codec.ts'

/** Values per scale: 0.4 % more bytes, and one outlier spoils no more than its block. */
const BLOCK = 1024
const LEVELS = 127
/** Adding and subtracting 1.5·2^52 rounds a small double to the nearest integer, ties to even. */
const ROUND = 6_755_399_441_055_744

function scaleOf(x: Float32Array, from: number, to: number): number {
  let largest = 0
  let poison = 0
  for (let i = from; i < to; i++) {
    const value = x[i]!
    const size = value < 0 ? -value : value
    if (size > largest) largest = size
    poison += value - value // NaN for NaN and ±infinity, else 0
  }
  return poison === 0 ? Math.fround(largest / LEVELS) : Number.NaN
}

export const int8: Codec = {
  name: 'int8',
  bytesFor: (count) => count + 4 * Math.ceil(count / BLOCK),
  encode(x, out) {
    const blocks = Math.ceil(x.length / BLOCK)
    const view = new DataView(out.buffer, out.byteOffset, out.byteLength)
    const levels = new Int8Array(out.buffer, out.byteOffset + 4 * blocks, x.length)
    for (let block = 0; block < blocks; block++) {
      const from = block * BLOCK
      const to = Math.min(x.length, from + BLOCK)
      const scale = scaleOf(x, from, to)
      view.setFloat32(4 * block, scale, true)
      // A scale of 0 (all zeros, or values too small for one) and of NaN both make zeros of the levels.
      const inverse = scale > 0 ? 1 / scale : 0
      for (let i = from; i < to; i++) {
        const level = x[i]! * inverse + ROUND - ROUND
        // A subnormal scale is itself rounded: the largest value may then land beyond the last level.
        levels[i] = Math.max(-LEVELS, Math.min(LEVELS, level))
      }
    }
    return 4 * blocks + x.length
  },
  decode(bytes, out) {
    const blocks = Math.ceil(out.length / BLOCK)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const levels = new Int8Array(bytes.buffer, bytes.byteOffset + 4 * blocks, out.length)
    for (let block = 0; block < blocks; block++) {
      const to = Math.min(out.length, (block + 1) * BLOCK)
      const scale = view.getFloat32(4 * block, true)
      for (let i = block * BLOCK; i < to; i++) out[i] = levels[i]! * scale
    }
  },
}
