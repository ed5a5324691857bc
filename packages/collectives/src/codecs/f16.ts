/**
 * IEEE 754 half precision, rounded to nearest, ties to even; subnormals kept, overflow becomes infinity.
 * Encoding works on the bit patterns, decoding looks the value up. Not for: arithmetic in half precision.
 */
import type { Codec } from './codec.ts'
import { type VectorCodecs, vectorCodecs } from './vector-codecs.ts'
import { bitsOf, withWords } from './words.ts'

/** 65536 as float32 bits: from here on a half is infinite (65520..65535 get there by rounding up). */
const OVERFLOW_BITS = 0x47800000
/** 2^-14 as float32 bits: below it a half is subnormal. */
const SUBNORMAL_BITS = 0x38800000
const FLOAT_INFINITY_BITS = 0x7f800000
/** Adding 0.5 moves a subnormal half's bits to the end of a float32's mantissa, rounded by the addition. */
const SUBNORMAL_MAGIC = 0.5
const SUBNORMAL_MAGIC_BITS = 0x3f000000
/** (15 − 127) << 23: float32's exponent bias to half's; plus one less than half of the last place kept. */
const REBIAS_AND_ROUND = 0xc8000fff

const magicFloat = new Float32Array(1)
const magicBits = bitsOf(magicFloat)

function encodeWords(x: Float32Array, bits: Uint32Array, words: Uint16Array): void {
  for (let i = 0; i < words.length; i++) {
    const b = bits[i]!
    const sign = (b >>> 16) & 0x8000
    const a = b & 0x7fffffff
    if (a >= OVERFLOW_BITS) {
      words[i] = sign | (a > FLOAT_INFINITY_BITS ? 0x7e00 : 0x7c00)
    } else if (a < SUBNORMAL_BITS) {
      magicFloat[0] = Math.abs(x[i]!) + SUBNORMAL_MAGIC
      words[i] = sign | (magicBits[0]! - SUBNORMAL_MAGIC_BITS)
    } else {
      words[i] = sign | ((a + REBIAS_AND_ROUND + ((a >>> 13) & 1)) >>> 13)
    }
  }
}

/** The value of every half, by its bits: 256 KiB, made on first use. */
let values: Float32Array | undefined

function table(): Float32Array {
  if (values !== undefined) return values
  values = new Float32Array(65_536)
  for (let half = 0; half < 65_536; half++) {
    const exponent = (half >>> 10) & 31
    const mantissa = half & 1023
    const size =
      exponent === 0
        ? mantissa * 2 ** -24
        : exponent < 31
          ? (1 + mantissa / 1024) * 2 ** (exponent - 15)
          : mantissa === 0
            ? Number.POSITIVE_INFINITY
            : Number.NaN
    values[half] = half & 0x8000 ? -size : size
  }
  return values
}

function decodeWords(words: Uint16Array, out: Float32Array): void {
  const lookup = table()
  for (let i = 0; i < words.length; i++) out[i] = lookup[words[i]!]!
}

/** `vectors` null takes the plain loops, which are what the vector programs are tested against. */
export function f16Codec(vectors: () => VectorCodecs | null): Codec {
  return {
    name: 'f16',
    bytesFor: (count) => 2 * count,
    encode(x, out) {
      const linked = vectors()
      if (linked === null) withWords(out, x.length, (words) => encodeWords(x, bitsOf(x), words))
      else linked.encodeWords('half', x, out)
      return 2 * x.length
    },
    decode(bytes, out) {
      const linked = vectors()
      if (linked === null) withWords(bytes, out.length, (words) => decodeWords(words, out))
      else linked.decodeWords('half', bytes, out)
    },
  }
}

export const f16 = f16Codec(vectorCodecs)
