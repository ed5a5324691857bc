/**
 * Reads IDX, the format of MNIST: two zero bytes, a type byte, the number of axes, each axis as a big-endian
 * uint32, then the values, big-endian, last axis fastest (Y. LeCun, "The MNIST database").
 * The file is not trusted: every length is checked before anything is read by it. Not for gzipped files.
 */

import { type Column, type DType, sizeOf, zeros } from '../sets/column.ts'
import { badFile } from './bad-file.ts'

interface ValueType {
  readonly dtype: DType
  readonly bytes: number
  readonly read: (view: DataView, offset: number) => number
}

/** IDX type byte → how it is read. Narrower integers widen to int32; doubles are rounded to float32. */
const TYPES: ReadonlyMap<number, ValueType> = new Map<number, ValueType>([
  [0x08, { dtype: 'uint8', bytes: 1, read: (v, o) => v.getUint8(o) }],
  [0x09, { dtype: 'int32', bytes: 1, read: (v, o) => v.getInt8(o) }],
  [0x0b, { dtype: 'int32', bytes: 2, read: (v, o) => v.getInt16(o) }],
  [0x0c, { dtype: 'int32', bytes: 4, read: (v, o) => v.getInt32(o) }],
  [0x0d, { dtype: 'float32', bytes: 4, read: (v, o) => v.getFloat32(o) }],
  [0x0e, { dtype: 'float32', bytes: 8, read: (v, o) => v.getFloat64(o) }],
])

/** More axes than any data set has; stops a corrupt count from being taken for a header. */
const MAX_AXES = 8
const HINT = 'Get the file again from its source.'

/**
 * Decodes one IDX file. uint8 values are a view into `bytes`, other types a copy.
 * `file` is the name used in errors. Errors: BAD_FILE with byte offset and reason.
 */
export function decodeIdx(bytes: Uint8Array, file = 'IDX file'): Column {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4) badFile(file, bytes.length, `it ends inside the 4-byte magic number`, HINT)
  if (view.getUint16(0) !== 0) badFile(file, 0, `no IDX magic number, ${guess(bytes)}`, HINT)
  const type = TYPES.get(view.getUint8(2))
  if (!type) {
    const known = [...TYPES.keys()].map(hex).join(', ')
    return badFile(file, 2, `unknown value type ${hex(view.getUint8(2))}, known are ${known}`, HINT)
  }
  const axes = view.getUint8(3)
  if (axes < 1 || axes > MAX_AXES) badFile(file, 3, `it claims ${axes} axes, allowed are 1 to ${MAX_AXES}`, HINT)
  const start = 4 + 4 * axes
  if (bytes.length < start) badFile(file, bytes.length, `it ends inside the header of ${start} bytes`, HINT)
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis))
  const empty = shape.indexOf(0)
  if (empty !== -1) badFile(file, 4 + 4 * empty, `axis ${empty} has length 0, so there are no values`, HINT)
  const count = sizeOf(shape)
  const expected = start + count * type.bytes
  if (bytes.length !== expected) {
    const reason = `the header says [${shape.join(', ')}], so ${expected} bytes, but the file has ${bytes.length}`
    badFile(file, Math.min(bytes.length, expected), reason, HINT)
  }
  if (type.dtype === 'uint8') return { dtype: 'uint8', shape, data: bytes.subarray(start) }
  const decoded = zeros(type.dtype, shape)
  for (let i = 0; i < count; i++) decoded.data[i] = type.read(view, start + i * type.bytes)
  return decoded
}

function guess(bytes: Uint8Array): string {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'this is gzip: unpack it first'
  if (bytes[0] === 0x3c) return 'this looks like a web page: the address may be wrong'
  return `but ${hex(bytes[0] as number)} ${hex(bytes[1] as number)} where two zero bytes belong`
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}
