/**
 * The element types of safetensors files and the typed arrays that hold them here. Half floats live in memory
 * as float32, because JavaScript on Node 20 has no Float16Array; they are rounded to nearest, ties to even,
 * when written.
 */
export type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array

type ArrayConstructor = new (buffer: ArrayBuffer) => NumericArray

/** Bytes per element, and the array that such elements become in memory (before halves are widened). */
const TYPES = {
  F64: [8, Float64Array],
  F32: [4, Float32Array],
  F16: [2, Uint16Array],
  BF16: [2, Uint16Array],
  I64: [8, BigInt64Array],
  I32: [4, Int32Array],
  I16: [2, Int16Array],
  I8: [1, Int8Array],
  U64: [8, BigUint64Array],
  U32: [4, Uint32Array],
  U16: [2, Uint16Array],
  U8: [1, Uint8Array],
  BOOL: [1, Uint8Array],
} as const satisfies Record<string, readonly [number, ArrayConstructor]>

export type SafetensorsType = keyof typeof TYPES
export const SAFETENSORS_TYPES = Object.keys(TYPES) as SafetensorsType[]

export const bytesPerElement = (type: SafetensorsType): number => TYPES[type][0]

/** The file type of an array that says none: its own. */
export function typeOfArray(data: NumericArray): SafetensorsType {
  const plain = SAFETENSORS_TYPES.find((type) => !isHalf(type) && data instanceof TYPES[type][1])
  return plain ?? 'F32'
}

/** Little-endian bytes of `data` as the given type. Halves are rounded from float32; others must match in kind. */
export function toBytes(data: NumericArray, type: SafetensorsType): Uint8Array {
  const halves = isHalf(type) && data instanceof Float32Array ? narrow(data, type) : data
  return new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength)
}

/** A fresh array of the elements in `bytes`; halves come widened to float32. */
export function fromBytes(bytes: Uint8Array, type: SafetensorsType): NumericArray {
  // Not bytes.slice(): that of a Buffer is a view of the memory that it shares with others.
  const raw = new (TYPES[type][1] as ArrayConstructor)(new Uint8Array(bytes).buffer)
  return isHalf(type) ? widen(raw as Uint16Array, type) : raw
}

function isHalf(type: SafetensorsType): type is 'F16' | 'BF16' {
  return type === 'F16' || type === 'BF16'
}

function narrow(values: Float32Array, type: 'F16' | 'BF16'): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(Float32Array.from(values).buffer)
  return Uint16Array.from(bits, type === 'F16' ? floatToHalf : floatToBfloat)
}

function widen(halves: Uint16Array, type: 'F16' | 'BF16'): Float32Array<ArrayBuffer> {
  if (type === 'F16') return Float32Array.from(halves, halfToNumber)
  return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer)
}

/** Bits of a float32 to bits of an IEEE half. NaN stays NaN; beyond 65519.99 becomes infinity. */
function floatToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fff_ffff
  if (magnitude > 0x7f80_0000) return sign | 0x7e00
  if (magnitude >= 0x4780_0000) return sign | 0x7c00
  if (magnitude < 0x3880_0000) {
    // Subnormal: the value in units of 2⁻²⁴, the half's smallest step.
    const exponent = magnitude >>> 23
    if (exponent < 102) return sign
    const mantissa = (magnitude & 0x7f_ffff) | 0x80_0000
    return sign | roundShift(mantissa, 126 - exponent)
  }
  return sign | roundShift(magnitude - 0x3800_0000, 13)
}

function floatToBfloat(bits: number): number {
  if ((bits & 0x7fff_ffff) > 0x7f80_0000) return (bits >>> 16) | 0x40
  return (bits >>> 16) + roundBit(bits & 0xffff, 16, (bits >>> 16) & 1)
}

function roundShift(value: number, shift: number): number {
  const kept = value >>> shift
  return kept + roundBit(value & ((1 << shift) - 1), shift, kept & 1)
}

/** 1 when what is cut off rounds up: more than half, or exactly half and the kept part is odd. */
function roundBit(rest: number, shift: number, odd: number): number {
  const half = 2 ** (shift - 1)
  return rest > half || (rest === half && odd === 1) ? 1 : 0
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >>> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
