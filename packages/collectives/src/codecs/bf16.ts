/** bfloat16: the upper half of a float32, rounded to nearest, ties to even. float32's range, 8 bits of precision. */
import type { Codec } from './codec.ts'
import { bitsOf, withWords } from './words.ts'

const INFINITY_BITS = 0x7f800000
const QUIET_NAN = 0x7fc0

function encodeWords(bits: Uint32Array, words: Uint16Array): void {
  for (let i = 0; i < words.length; i++) {
    const b = bits[i]!
    // Rounding up would carry a NaN with a full mantissa into infinity or zero.
    if ((b & 0x7fffffff) > INFINITY_BITS) words[i] = ((b >>> 16) & 0x8000) | QUIET_NAN
    else words[i] = (b + 0x7fff + ((b >>> 16) & 1)) >>> 16
  }
}

function decodeWords(words: Uint16Array, bits: Uint32Array): void {
  for (let i = 0; i < words.length; i++) bits[i] = words[i]! << 16
}

export const bf16: Codec = {
  name: 'bf16',
  bytesFor: (count) => 2 * count,
  encode(x, out) {
    withWords(out, x.length, (words) => encodeWords(bitsOf(x), words))
    return 2 * x.length
  },
  decode(bytes, out) {
    withWords(bytes, out.length, (words) => decodeWords(words, bitsOf(out)))
  },
}
