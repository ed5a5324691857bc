/** The vector programs against the plain loops, bit by bit, and what stochastic rounding promises. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bf16Codec } from './bf16.ts'
import { CODECS, type Codec } from './codec.ts'
import { f16Codec } from './f16.ts'
import { int8Codec } from './int8.ts'
import { vectorCodecs } from './vector-codecs.ts'

const none = () => null
const PAIRS: Array<[fast: Codec, plain: Codec]> = [
  [CODECS.f16, f16Codec(none)],
  [CODECS.bf16, bf16Codec(none)],
  [CODECS.int8, int8Codec('int8', false, none)],
  [CODECS['int8-stochastic'], int8Codec('int8-stochastic', true, none)],
]

function encoded(codec: Codec, x: Float32Array, offset = 0): Uint8Array {
  const bytes = new Uint8Array(codec.bytesFor(x.length) + offset).subarray(offset)
  codec.encode(x, bytes)
  return bytes
}

function decoded(codec: Codec, bytes: Uint8Array, count: number): Uint32Array {
  const values = new Float32Array(count)
  codec.decode(bytes, values)
  return new Uint32Array(values.buffer)
}

it('vectors are there to be tested', () => {
  expect(vectorCodecs()).not.toBeNull()
})

describe.each(PAIRS)('$name by vectors', (fast, plain) => {
  /** Any bits, so NaNs, infinities and subnormals too; and sizes that one block may have. */
  const anything = fc.uint32Array({ maxLength: 70 }).map((bits) => new Float32Array(new Uint32Array(bits).buffer))
  const finite = fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 70 })

  it('is the plain loops, bit by bit', () => {
    fc.assert(
      fc.property(fc.oneof(anything, finite), fc.nat(7), (x, offset) => {
        const bytes = encoded(fast, x, offset)
        expect(bytes).toEqual(encoded(plain, x, offset))
        expect(decoded(fast, bytes, x.length)).toEqual(decoded(plain, bytes, x.length))
      }),
      { numRuns: 300 },
    )
  })

  it('is so over tiles and blocks, whatever is left over', () => {
    for (const count of [0, 1, 15, 16, 17, 1023, 1024, 1025, 4095, 4096, 4097, 9_001]) {
      const x = Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7) * 10 ** ((i % 13) - 6))
      const bytes = encoded(fast, x, 3)
      expect(Buffer.compare(bytes, encoded(plain, x, 3))).toBe(0)
      expect(decoded(fast, bytes, count)).toEqual(decoded(plain, bytes, count))
    }
  })
})

it('f16 by vectors decodes every half there is as the plain table does', () => {
  const halves = new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, i) => i).buffer)
  const [fast, plain] = [CODECS.f16, f16Codec(none)].map(
    (codec) => new Float32Array(decoded(codec, halves, 65_536).buffer),
  )
  expect(fast!.findIndex((value, i) => !Object.is(value, plain![i]))).toBe(-1)
})

describe('stochastic rounding', () => {
  const codec = CODECS['int8-stochastic']
  const values = (bytes: Uint8Array, count: number): Float32Array =>
    new Float32Array(decoded(codec, bytes, count).buffer)

  it('is right in the mean, where rounding to nearest is not', () => {
    // One large value sets the scale to 1; the others lie at a quarter of a level.
    const x = new Float32Array(100 * 1024).fill(0.25)
    for (let at = 0; at < x.length; at += 1024) x[at] = 127 + at * 1e-9
    const mean = (y: Float32Array): number =>
      y.reduce((sum, value, i) => (i % 1024 === 0 ? sum : sum + value), 0) / (100 * 1023)
    // The standard error is 0.0014.
    expect(mean(values(encoded(codec, x), x.length))).toBeCloseTo(0.25, 2)
    const nearest = new Float32Array(x.length)
    CODECS.int8.decode(encoded(CODECS.int8, x), nearest)
    expect(mean(nearest)).toBe(0)
  })

  it('gives the same bytes for the same values, other ones when any value differs', () => {
    const x = Float32Array.from({ length: 1024 }, (_, i) => Math.sin(i))
    const again = encoded(codec, x.slice())
    expect(encoded(codec, x)).toEqual(again)
    x[1000] = x[1000]! + 1e-6
    const changed = encoded(codec, x).filter((byte, i) => byte !== again[i]).length
    expect(changed).toBeGreaterThan(100)
  })
})
