/**
 * Instructions over vectors of four 32-bit integers and their conversions, which codecs need beside the arithmetic of
 * floats. Opcodes are those of the core specification's vector section. Not for: the programs (vector-programs.ts).
 */
import type { Code } from '@rondo/engine/simd-assembler'

const SIMD = 0xfd
/** Opcodes above 127 take two bytes. */
const op = (opcode: number): Code => [SIMD, ...(opcode < 0x80 ? [opcode] : [(opcode & 0x7f) | 0x80, opcode >> 7])]
const unary =
  (opcode: number) =>
  (a: Code): Code => [...a, ...op(opcode)]
const binary =
  (opcode: number) =>
  (a: Code, b: Code): Code => [...a, ...b, ...op(opcode)]
/** Shifts take their count as an i32, here below 64. */
const shift =
  (opcode: number) =>
  (a: Code, bits: number): Code => [...a, 0x41, bits, ...op(opcode)]

/** The same 32 bits four times. */
export const bits = (value: number): Code => {
  const bytes = [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24]
  return [...op(0x0c), ...bytes, ...bytes, ...bytes, ...bytes]
}

export const xor = binary(0x51)
/** Bits of `a` where `mask` has ones, of `b` elsewhere. */
export const select = (a: Code, b: Code, mask: Code): Code => [...a, ...b, ...mask, ...op(0x52)]
export const shiftLeft = shift(0xab)
export const shiftRightUnsigned = shift(0xad)
export const addInts = binary(0xae)
export const maxUnsigned = binary(0xb9)
export const lessUnsigned = binary(0x3a)
export const greaterUnsigned = binary(0x3c)
export const absFloats = unary(0xe0)
export const subtractFloats = binary(0xe5)
export const floorFloats = unary(0x68)
/** To the nearest integer, ties to even. */
export const nearestFloats = unary(0x6a)
/** Floats to integers and back; what does not fit becomes the nearest that does, NaN becomes 0. */
export const toInts = unary(0xf8)
export const fromInts = unary(0xfa)
/** Eight 32-bit integers to 16 bits each, sixteen of 16 bits to 8 bits each; what does not fit is clamped. */
export const narrowUnsigned = binary(0x86)
export const narrowSigned = binary(0x85)
export const narrowBytes = binary(0x65)
export const maxBytes = binary(0x78)
/** The lower or upper half of 16-bit integers to 32 bits, of 8-bit ones to 16 bits. */
export const widenLowUnsigned = unary(0xa9)
export const widenHighUnsigned = unary(0xaa)
export const widenLow = unary(0xa7)
export const widenHigh = unary(0xa8)
export const widenLowBytes = unary(0x87)
export const widenHighBytes = unary(0x88)
