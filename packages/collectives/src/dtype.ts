/**
 * The element types that may cross a process group, and the few facts algorithms need about each.
 * Not for: reducing (reduce.ts) or compressing (codecs/).
 */
import { RondoError } from '@rondo/protocol'

export type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int32Array
  | Uint32Array
  | BigInt64Array

export const DTYPES = ['float32', 'float64', 'int8', 'uint8', 'int32', 'uint32', 'int64'] as const
export type DTypeName = (typeof DTYPES)[number]

export interface DType {
  readonly name: DTypeName
  /** Bytes per element. */
  readonly bytes: number
  readonly integer: boolean
  make(length: number): NumericArray
  /** A view; `byteOffset` must be a multiple of `bytes`. */
  view(buffer: ArrayBufferLike, byteOffset: number, length: number): NumericArray
}

interface Constructor {
  new (length: number): NumericArray
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumericArray
  readonly BYTES_PER_ELEMENT: number
}

function define(name: DTypeName, integer: boolean, Type: Constructor): DType {
  return {
    name,
    integer,
    bytes: Type.BYTES_PER_ELEMENT,
    make: (length) => new Type(length),
    view: (buffer, byteOffset, length) => new Type(buffer, byteOffset, length),
  }
}

const BY_TAG: Record<string, DType> = {
  Float32Array: define('float32', false, Float32Array),
  Float64Array: define('float64', false, Float64Array),
  Int8Array: define('int8', true, Int8Array),
  Uint8Array: define('uint8', true, Uint8Array),
  Int32Array: define('int32', true, Int32Array),
  Uint32Array: define('uint32', true, Uint32Array),
  BigInt64Array: define('int64', true, BigInt64Array),
}

/** The dtype of `x`. Throws BAD_ARGUMENT, naming `call`, for anything that is no supported typed array. */
export function dtypeOf(x: unknown, call: string): DType {
  const tag = ArrayBuffer.isView(x) && Symbol.toStringTag in x ? String(x[Symbol.toStringTag]) : undefined
  const dtype = tag === undefined ? undefined : BY_TAG[tag]
  if (dtype !== undefined) return dtype
  const got = tag ?? (x === null ? 'null' : Array.isArray(x) ? 'a plain array' : typeof x)
  throw new RondoError(
    'BAD_ARGUMENT',
    `${call} got ${got}. Supported are the typed arrays ${Object.keys(BY_TAG).join(', ')}. ` +
      `Convert the values first (for a tensor: \`await t.data()\`), or use broadcastObject for other values.`,
  )
}

/** The bytes behind a typed array, shared and not copied. */
export function bytesOf(x: NumericArray): Uint8Array {
  return new Uint8Array(x.buffer, x.byteOffset, x.byteLength)
}
