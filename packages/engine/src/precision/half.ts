/**
 * The two 16-bit formats and rounding to them: to nearest, ties to even (IEEE 754 binary16 and bfloat16). Values stay
 * float32, of which each format is a subset. The plain form, which the kernels are tested against. Not for: tensors
 * (round.ts) or bytes on a wire (collectives' codecs).
 */

/** `f16`: 11 significant bits, up to 65504. `bf16`: 8 significant bits, float32's range. */
export type HalfType = 'f16' | 'bf16'

/** 65536 as float32 bits: what rounds to it or beyond is infinite in f16 (65520 and up). */
const F16_OVERFLOW_BITS = 0x47800000
/** 2^-14 as float32 bits: below it an f16 is subnormal. */
const F16_SUBNORMAL_BITS = 0x38800000
const INFINITY_BITS = 0x7f800000
/** float32 has 13 mantissa bits more than f16, and 16 more than bf16. */
const F16_DROPPED = 13
const BF16_DROPPED = 16
/** A float32 of this size has a last place of 2^-24, that of f16's subnormals: adding it rounds, taking it off is exact. */
const SUBNORMAL_MAGIC = 0.5

const scratch = new Float32Array(1)

/** One value: `roundHalf(3.14159265, 'bf16')` is 3.140625. */
export function roundHalf(value: number, type: HalfType): number {
  scratch[0] = value
  roundFloats(scratch, scratch, type)
  return scratch[0] as number
}

/** Rounds every value of `from` into `out`, which may be the same array. NaN stays NaN, overflow is infinity. */
export function roundFloats(from: Float32Array, out: Float32Array, type: HalfType): void {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length)
  const rounded = new Uint32Array(out.buffer, out.byteOffset, out.length)
  const dropped = type === 'f16' ? F16_DROPPED : BF16_DROPPED
  const almostHalf = 2 ** (dropped - 1) - 1
  const kept = -(2 ** dropped)
  for (let i = 0; i < rounded.length; i++) {
    const b = bits[i] as number
    const a = b & 0x7fffffff
    if (a >= INFINITY_BITS) out[i] = from[i] as number
    else if (type === 'f16' && a < F16_SUBNORMAL_BITS) {
      const size = Math.fround(Math.abs(from[i] as number) + SUBNORMAL_MAGIC) - SUBNORMAL_MAGIC
      out[i] = b >>> 31 ? -size : size
    } else {
      const near = (a + almostHalf + ((a >>> dropped) & 1)) & kept
      rounded[i] = (b & 0x80000000) | (type === 'f16' && near >= F16_OVERFLOW_BITS ? INFINITY_BITS : near)
    }
  }
}
