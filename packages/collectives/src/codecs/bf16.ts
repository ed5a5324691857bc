/** bfloat16: the upper half of a float32, rounded to nearest, ties to even. float32's range, 8 bits of precision. */
import type { Codec } from './codec.ts'
import { type VectorCodecs, vectorCodecs } from './vector-codecs.ts'
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

/** `vectors` null takes the plain loops, which are what the vector programs are tested against. */
export function bf16Codec(vectors: () => VectorCodecs | null): Codec {
  return {
    name: 'bf16',
    bytesFor: (count) => 2 * count,
    encode(x, out) {
      const linked = vectors()
      if (linked === null) withWords(out, x.length, (words) => encodeWords(bitsOf(x), words))
      else linked.encodeWords('upper', x, out)
      return 2 * x.length
    },
    decode(bytes, out) {
      const linked = vectors()
      if (linked === null) withWords(bytes, out.length, (words) => decodeWords(words, bitsOf(out)))
      else linked.decodeWords('upper', bytes, out)
    },
  }
}

export const bf16 = bf16Codec(vectorCodecs)
