import { RondoError } from '@rondo/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeIdx } from './idx.ts'

/** Writes IDX as the format's description says, independently of the decoder. */
function encode(
  type: number,
  shape: readonly number[],
  size: number,
  put: (view: DataView, at: number, i: number) => void,
) {
  const count = shape.reduce((a, b) => a * b, 1)
  const bytes = new Uint8Array(4 + 4 * shape.length + count * size)
  const view = new DataView(bytes.buffer)
  view.setUint8(2, type)
  view.setUint8(3, shape.length)
  shape.forEach((axis, a) => {
    view.setUint32(4 + 4 * a, axis)
  })
  for (let i = 0; i < count; i++) put(view, 4 + 4 * shape.length + i * size, i)
  return bytes
}
const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 })
const grid = (...shape: number[]) => encode(0x08, shape, 1, (view, at, i) => view.setUint8(at, i))

describe('decodeIdx', () => {
  it.each([
    [0x08, 'uint8', 1, (v: DataView, o: number, x: number) => v.setUint8(o, x), (x: number) => x & 0xff],
    [0x09, 'int32', 1, (v: DataView, o: number, x: number) => v.setInt8(o, x), (x: number) => (x << 24) >> 24],
    [0x0b, 'int32', 2, (v: DataView, o: number, x: number) => v.setInt16(o, x), (x: number) => (x << 16) >> 16],
    [0x0c, 'int32', 4, (v: DataView, o: number, x: number) => v.setInt32(o, x), (x: number) => x | 0],
    [
      0x0d,
      'float32',
      4,
      (v: DataView, o: number, x: number) => v.setFloat32(o, x / 7),
      (x: number) => Math.fround(x / 7),
    ],
    [
      0x0e,
      'float32',
      8,
      (v: DataView, o: number, x: number) => v.setFloat64(o, x / 7),
      (x: number) => Math.fround(x / 7),
    ],
  ] as const)('reads back type %i as %s', (type, dtype, size, put, expected) => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: -70_000, max: 70_000 }), (shape, base) => {
        const decoded = decodeIdx(encode(type, shape, size, (view, at, i) => put(view, at, base + i)))
        expect([decoded.dtype, decoded.shape]).toEqual([dtype, shape])
        expect([...decoded.data]).toEqual(Array.from(decoded.data, (_, i) => expected(base + i)))
      }),
    )
  })

  it('reads a file that lies inside a larger buffer', () => {
    const file = grid(2, 3)
    const padded = new Uint8Array(file.length + 7)
    padded.set(file, 5)
    expect([...decodeIdx(padded.subarray(5, 5 + file.length)).data]).toEqual([0, 1, 2, 3, 4, 5])
  })

  it.each([
    ['empty', new Uint8Array(0), 0, /magic number/],
    ['not IDX', Uint8Array.of(1, 2, 3, 4), 0, /0x01 0x02/],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0), 0, /gzip/],
    ['a web page', new TextEncoder().encode('<!doctype html>'), 0, /web page/],
    ['unknown type', Uint8Array.of(0, 0, 0x0a, 1, 0, 0, 0, 0), 2, /0x0a.*0x08/],
    ['no axis', Uint8Array.of(0, 0, 8, 0), 3, /0 axes/],
    ['too many axes', Uint8Array.of(0, 0, 8, 200), 3, /200 axes/],
    ['an empty axis', grid(4, 0), 8, /axis 1 has length 0/],
    ['header cut', grid(2, 3).subarray(0, 9), 9, /header of 12 bytes/],
    ['values cut', grid(2, 3).subarray(0, 15), 15, /\[2, 3\], so 18 bytes, but the file has 15/],
    ['too long', Uint8Array.of(...grid(2, 3), 0), 18, /has 19/],
    ['absurd size', Uint8Array.of(0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255), 12, /4294967295/],
  ])('refuses %s with offset and reason', (_, bytes, offset, reason) => {
    const decode = () => decodeIdx(bytes, 'some.idx')
    expect(decode).toThrow(expect.objectContaining({ code: 'BAD_FILE', details: expect.objectContaining({ offset }) }))
    expect(decode).toThrow(reason)
    expect(decode).toThrow(new RegExp(`^some.idx: at byte ${offset}: `))
  })

  it('never throws anything but BAD_FILE, whatever the bytes', () => {
    const nearly = fc.tuple(fc.constantFrom(8, 9, 11, 12, 13, 14, 3), fc.uint8Array({ maxLength: 40 }))
    fc.assert(
      fc.property(nearly, ([type, rest]) => {
        try {
          decodeIdx(Uint8Array.of(0, 0, type, ...rest))
        } catch (error) {
          expect(error).toBeInstanceOf(RondoError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
