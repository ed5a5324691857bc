/** safetensors: what is written is read back bit for bit, and no damaged file gets past the reader. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromBytes, type SafetensorsType, toBytes } from './dtypes.ts'
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from './safetensors.ts'

const shape = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 })
const sizeOf = (extents: readonly number[]) => extents.reduce((product, extent) => product * extent, 1)
const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const

const tensor = fc
  .tuple(shape, fc.constantFrom(...(Object.keys(ARRAYS) as Array<keyof typeof ARRAYS>)))
  .chain(([extents, dtype]) => {
    const array = ARRAYS[dtype]
    const bytes = sizeOf(extents) * array.BYTES_PER_ELEMENT
    return fc
      .uint8Array({ minLength: bytes, maxLength: bytes })
      .map((raw) => ({ shape: extents, dtype, data: new array(raw.slice().buffer) }) as Omit<NamedTensor, 'name'>)
  })
const names = fc.string({ unit: 'binary', maxLength: 8 }).filter((name) => name !== '__metadata__')
const bits = (data: ArrayBufferView) => [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]

test('round trip of any names, shapes, types and metadata', () => {
  const content = fc.tuple(
    fc.uniqueArray(names, { maxLength: 5 }),
    fc.array(tensor, { minLength: 5, maxLength: 5 }),
    fc.dictionary(fc.string(), fc.string()),
  )
  fc.assert(
    fc.property(content, ([list, tensors, metadata]) => {
      const named = list.map((name, i) => ({ ...(tensors[i] as Omit<NamedTensor, 'name'>), name }))
      const read = decodeSafetensors(encodeSafetensors(named, metadata))
      expect({ ...read.metadata }).toEqual({ ...metadata })
      for (const { name, shape: extents, dtype, data } of named) {
        const found = read.tensors.find((other) => other.name === name)
        expect(found).toMatchObject({ shape: extents, dtype })
        expect(bits(found?.data ?? data)).toEqual(bits(data))
      }
      expect(read.tensors).toHaveLength(named.length)
    }),
  )
})

test('any cut or flipped byte is either still a valid file or a BAD_FILE, never anything else', () => {
  const file = encodeSafetensors(
    [
      { name: 'w', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
      { name: 'b', shape: [2], data: Int32Array.of(5, 6) },
    ],
    { a: 'b' },
  )
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.nat(255), fc.boolean(), (at, value, cut) => {
      const damaged = cut ? file.slice(0, at) : file.slice()
      if (!cut) damaged[at] = value
      try {
        decodeSafetensors(damaged)
        expect(cut).toBe(false)
      } catch (error) {
        expect(error).toMatchObject({ code: 'BAD_FILE', details: { offset: expect.any(Number) } })
      }
    }),
    { numRuns: 400 },
  )
})

/** A file with a hand-made header over `data` bytes. */
function file(header: unknown, data = 16, length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + data)
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes
}
const f32 = (begin: number, end: number, extents = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape: extents,
  data_offsets: [begin, end],
})

describe('refusals name the offset and the reason', () => {
  test.each([
    ['empty file', new Uint8Array(3), 0, /ends after 3 bytes/],
    ['endless header', file({}, 0, 2n ** 63n), 0, /claims 9223372036854775808/],
    ['no JSON', file('{"a":', 0), 8, /no JSON/],
    ['a list', file([], 0), 8, /no JSON object/],
    ['metadata of numbers', file({ __metadata__: { a: 1 } }, 0), 8, /no map of strings/],
    ['unknown dtype', file({ a: { ...f32(0, 16), dtype: 'F8' } }), 8, /"F8"; known are F64/],
    ['negative shape', file({ a: f32(0, 16, [-4]) }), 8, /no list of sizes/],
    ['size and shape differ', file({ a: f32(0, 16, [3]) }), 8, /spans 16 bytes, its shape and dtype take 12/],
    ['overflowing shape', file({ a: f32(0, 16, [2 ** 40, 2 ** 40]) }), 8, /take/],
    ['overlap', file({ a: f32(0, 12), b: f32(8, 16) }), undefined, /"b" overlaps/],
    ['gap', file({ a: f32(0, 4), b: f32(8, 16) }), undefined, /"b" leaves a gap/],
    ['beyond the end', file({ a: f32(0, 32) }), undefined, /needs 32 bytes/],
    ['bytes left over', file({ a: f32(0, 12) }), undefined, /4 bytes belong to no tensor/],
  ])('%s', (_name, bytes, offset, reason) => {
    const read = () => decodeSafetensors(bytes, 'model.safetensors')
    expect(read).toThrow(reason)
    expect(read).toThrow(/^model\.safetensors is not a valid safetensors file: at byte \d+/)
    if (offset !== undefined)
      expect(read).toThrow(expect.objectContaining({ details: expect.objectContaining({ offset }) }))
  })
})

test('writing refuses double names and data that does not fit its shape', () => {
  const w = { name: 'w', shape: [2], data: Float32Array.of(1, 2) }
  expect(() => encodeSafetensors([w, w])).toThrow(/name is taken/)
  expect(() => encodeSafetensors([{ ...w, shape: [3] }])).toThrow(/has 2 values in Float32Array/)
  expect(() => encodeSafetensors([{ ...w, name: '__metadata__' }])).toThrow(
    expect.objectContaining({ code: 'BAD_ARGUMENT' }),
  )
})

test.each<[SafetensorsType, number, number]>([
  ['BF16', 1.00390625, 1],
  ['BF16', 1.01171875, 1.015625],
  ['BF16', Math.PI, 3.140625],
  ['BF16', 65504, 65536],
  ['F16', 1.00048828125, 1],
  ['F16', Math.PI, 3.140625],
  ['F16', 65504, 65504],
  ['F16', 65520, Number.POSITIVE_INFINITY],
  ['F16', 1e-8, 0],
  ['F16', 2 ** -24, 2 ** -24],
  ['F16', 2 ** -25, 0],
  ['F16', -(2 ** -15), -(2 ** -15)],
  ['F16', Number.NaN, Number.NaN],
  ['BF16', Number.NaN, Number.NaN],
  ['F16', Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
])('%s rounds %d to %d', (type, value, expected) => {
  expect([...fromBytes(toBytes(Float32Array.of(value), type), type)]).toEqual([expected])
})

test('every half float survives widening and rounding', () => {
  const all = Uint16Array.from({ length: 65_536 }, (_, i) => i)
  for (const type of ['F16', 'BF16'] as const) {
    const wide = fromBytes(new Uint8Array(all.buffer), type)
    const back = new Uint16Array(toBytes(wide, type).slice().buffer)
    const lost = all.filter((bitsOf, i) => back[i] !== bitsOf && !Number.isNaN(wide[i] as number))
    expect([...lost]).toEqual([])
  }
})
