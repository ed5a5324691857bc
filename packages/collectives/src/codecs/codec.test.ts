/** Golden vectors 11, exact tie-breaking, and the error bounds of every codec. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CODECS, type Codec, type CodecName, resolveCodec, valuesIn } from './codec.ts'

/** The golden vectors' own spelling. */
const PI = Number('3.14159265')

function through(codec: Codec, values: Iterable<number>): Float32Array {
  const x = Float32Array.from(values)
  const bytes = new Uint8Array(codec.bytesFor(x.length))
  expect(codec.encode(x, bytes)).toBe(bytes.byteLength)
  const out = new Float32Array(x.length)
  codec.decode(bytes, out)
  return out
}

describe('golden vectors', () => {
  it('bf16', () => {
    expect([...through(CODECS.bf16, [1.00390625, 1.01171875, PI, 65504])]).toEqual([1, 1.015625, 3.140625, 65536])
  })
  it('f16', () => {
    const got = [...through(CODECS.f16, [1.00048828125, PI, 65504, 65520, 1e-8])]
    expect(got).toEqual([1, 3.140625, 65504, Number.POSITIVE_INFINITY, 0])
  })
})

describe('f16', () => {
  it('gives back every half there is', () => {
    const halves = Uint16Array.from({ length: 65_536 }, (_, i) => i)
    const values = new Float32Array(65_536)
    CODECS.f16.decode(new Uint8Array(halves.buffer), values)
    const back = new Uint16Array(65_536)
    CODECS.f16.encode(values, new Uint8Array(back.buffer))
    const changed = halves.filter((half, i) =>
      Number.isNaN(values[i]) ? (back[i]! & 0x7fff) <= 0x7c00 : back[i] !== half,
    )
    expect([...changed]).toEqual([])
  })

  it('rounds to the nearest half, ties to even, subnormals included', () => {
    const tiny = 2 ** -24
    const got = through(CODECS.f16, [0.5 * tiny, 0.75 * tiny, 1.5 * tiny, 2.5 * tiny, -0, 2049, 2051, 65519])
    expect([...got]).toEqual([0, tiny, 2 * tiny, 2 * tiny, -0, 2048, 2052, 65504])
  })
})

describe('every codec', () => {
  const names = fc.constantFrom(...(Object.keys(CODECS) as CodecName[]))
  const values = fc.array(fc.float({ noNaN: true, min: -60_000, max: 60_000 }), { maxLength: 3000 })

  it('stays within its precision, wherever its bytes lie', () => {
    fc.assert(
      fc.property(names, values, fc.integer({ min: 0, max: 7 }), (name, list, offset) => {
        const codec = CODECS[name]
        const x = Float32Array.from(list)
        const bytes = new Uint8Array(codec.bytesFor(x.length) + offset).subarray(offset)
        codec.encode(x, bytes)
        const out = new Float32Array(x.length)
        codec.decode(bytes, out)
        const largest = x.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
        x.forEach((v, i) => {
          // The small constants cover subnormals, whose precision ends.
          const bound = {
            f32: 0,
            f16: Math.abs(v) / 2048 + 2 ** -25,
            bf16: Math.abs(v) / 256 + 1e-40,
            int8: largest / 253 + 1e-40,
            'int8-stochastic': largest / 126 + 1e-40,
          }[name]
          expect(Math.abs(out[i]! - v)).toBeLessThanOrEqual(bound)
        })
      }),
    )
  })

  it('is stable: what was decoded encodes to the same values', () => {
    fc.assert(
      fc.property(fc.constantFrom('f16' as const, 'bf16' as const), values, (name, list) => {
        const once = through(CODECS[name], list)
        expect(through(CODECS[name], once)).toEqual(once)
      }),
    )
  })

  it('lets NaN and infinity be seen', () => {
    for (const codec of Object.values(CODECS)) {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        expect(Number.isFinite(through(codec, [1, bad, 2])[1])).toBe(false)
      }
    }
  })

  it('keeps zeros and the smallest values finite', () => {
    for (const codec of Object.values(CODECS)) {
      for (const value of through(codec, [0, 1e-45, -1e-45])) expect(Math.abs(value)).toBeLessThan(1e-44)
    }
  })

  it('fits as many values into a message as go in', () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 8, max: 100_000 }), (name, bytes) => {
        const count = valuesIn(CODECS[name], bytes)
        expect(CODECS[name].bytesFor(count)).toBeLessThanOrEqual(bytes)
        expect(CODECS[name].bytesFor(count + 1)).toBeGreaterThan(bytes)
      }),
    )
  })
})

it('refuses an unknown codec and lists the known ones', () => {
  expect(() => resolveCodec('f8' as CodecName, 'allReduce')).toThrow(/"f8".*f32, f16, bf16, int8, int8-stochastic/)
})
