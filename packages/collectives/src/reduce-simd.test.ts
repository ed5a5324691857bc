/** The vector programs against the plain loops: the same bits for any floats, lengths and places. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf, dtypeOf } from './dtype.ts'
import { divide, type JoinOp, plainDivide, plainKernel } from './reduce.ts'
import { simdReductions } from './reduce-simd.ts'

const OPS: JoinOp[] = ['sum', 'min', 'max', 'product']
const float32 = dtypeOf(new Float32Array(0), 'test')
/** Zeros of both signs, the smallest and largest floats, infinities and NaN among ordinary values. */
const SPECIAL = [0, -0, 1e-45, -1e-45, 3.4028234e38, -3.4028234e38, Number.POSITIVE_INFINITY, Number.NaN]

function floats(length: number, seed: number): Float32Array {
  let state = seed >>> 0
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const special = SPECIAL[(state >>> 8) % 64]
    return special ?? ((state >>> 4) / 2 ** 20 - 128) * 2 ** ((state % 60) - 30)
  })
}

/** Bits, with every NaN alike: which payload wins is nobody's promise. */
function bits(x: Float32Array): Uint8Array {
  return bytesOf(x.map((value) => (Number.isNaN(value) ? Number.NaN : value)))
}

// Around the tile of 4,096 floats and the round of 16.
const length = fc.oneof(fc.nat({ max: 40 }), fc.constantFrom(4_095, 4_096, 4_097, 8_192, 10_001))
const place = fc.record({ length, before: fc.nat({ max: 5 }), after: fc.nat({ max: 5 }), seed: fc.nat() })

describe('reductions by vectors', () => {
  it.each(OPS)('%s gives the bits of the plain loop and touches nothing else', (op) => {
    fc.assert(
      fc.property(place, fc.boolean(), ({ length, before, after, seed }, shared) => {
        const bytes = 4 * (before + length + after)
        const memory = new Float32Array(shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes))
        memory.set(floats(memory.length, seed))
        const expected = Float32Array.from(memory)
        const source = floats(length + before, seed ^ 0x5bd1e995)
        simdReductions()?.[op](memory.subarray(before, before + length), source, before)
        plainKernel(op, float32)(expected.subarray(before, before + length), source, before)
        expect(Buffer.compare(bits(Float32Array.from(memory)), bits(expected))).toBe(0)
      }),
    )
  })

  it('divides as the plain loop does', () => {
    fc.assert(
      fc.property(length, fc.nat(), fc.integer({ min: 1, max: 300 }), (length, seed, divisor) => {
        const x = floats(length, seed)
        const expected = x.slice()
        divide(x, divisor)
        plainDivide(expected, divisor)
        expect(Buffer.compare(bits(x), bits(expected))).toBe(0)
      }),
    )
  })

  it('are there where these tests run', () => {
    expect(simdReductions()).not.toBeNull()
  })
})
