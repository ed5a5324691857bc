/** Rounding to 16 bits: golden values, against arithmetic in float64, and the backends against each other. */
import { beforeAll, describe, expect, it, test } from 'vitest'
import { selectAccelerator } from '../accelerator/select.ts'
import { Random } from '../seeds/random.ts'
import { tf } from '../tfjs.ts'
import { type HalfType, roundFloats, roundHalf } from './half.ts'
import { roundToHalf } from './round.ts'

const INF = Number.POSITIVE_INFINITY

describe('rounds to nearest, ties to even', () => {
  it.each([
    ['bf16', 1.00390625, 1],
    ['bf16', 1.01171875, 1.015625],
    ['bf16', Math.PI, 3.140625],
    ['bf16', 65504, 65536],
    ['bf16', 3.4e38, INF],
    ['bf16', -1.00390625, -1],
    ['bf16', 1e-40, 2 ** -133],
    ['f16', 1.00048828125, 1],
    ['f16', 1.00146484375, 1.001953125],
    ['f16', Math.PI, 3.140625],
    ['f16', 65504, 65504],
    ['f16', 65519.99, 65504],
    ['f16', 65520, INF],
    ['f16', -65520, -INF],
    ['f16', 1e-8, 0],
    ['f16', 2 ** -25, 0],
    ['f16', 2 ** -25 * 1.001, 2 ** -24],
    ['f16', 3 * 2 ** -25, 2 ** -23],
    ['f16', 2 ** -14 - 2 ** -26, 2 ** -14],
    ['f16', 6.1e-5, 6.097555160522461e-5],
  ] as const)('%s of %d is %d', (type, value, rounded) => {
    expect(roundHalf(value, type)).toBe(rounded)
  })

  it('keeps infinities, NaN and the sign of zero', () => {
    for (const type of ['f16', 'bf16'] as const) {
      expect([INF, -INF, Number.NaN, 0, -0].map((value) => roundHalf(value, type))).toEqual([
        INF,
        -INF,
        Number.NaN,
        0,
        -0,
      ])
    }
  })
})

/** What float64 makes of it: a multiple of the format's last place at that size, ties to even. */
function inFloat64(value: number, type: HalfType): number {
  if (!Number.isFinite(value) || value === 0) return value
  const [digits, least, most] = type === 'f16' ? [11, -24, 65504] : [8, -133, 3.3895313892515355e38]
  const place = 2 ** Math.max(least, Math.floor(Math.log2(Math.abs(value))) - digits + 1)
  const down = Math.floor(Math.abs(value) / place)
  const rest = Math.abs(value) / place - down
  const steps = rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down
  return Math.sign(value) * (steps * place > most ? INF : steps * place)
}

/** Values of all sizes, exact ties among them. */
function samples(type: HalfType): Float32Array {
  const random = new Random(5)
  const [low, high] = type === 'f16' ? [-28, 18] : [-140, 127]
  return Float32Array.from({ length: 4001 }, (_, i) => {
    const size = 2 ** (low + random.integer(high - low))
    const mantissa = i % 3 === 0 ? 1 + random.integer(4096) / 4096 : 1 + random.integer(1 << 23) / (1 << 23)
    return (i % 2 === 0 ? 1 : -1) * size * mantissa
  })
}

test.each(['f16', 'bf16'] as const)('%s: plain loop equals float64 arithmetic', (type) => {
  const from = samples(type)
  const out = new Float32Array(from.length)
  roundFloats(from, out, type)
  expect([...out]).toEqual([...from].map((value) => inFloat64(value, type)))
})

describe.each(['cpu', 'wasm'])('on %s', (accelerator) => {
  beforeAll(async () => {
    await selectAccelerator(accelerator, { threads: 1 })
  })

  test.each(['f16', 'bf16'] as const)('%s: the kernel equals the plain loop, special values too', (type) => {
    tf.setBackend(accelerator)
    const from = Float32Array.from([...samples(type), INF, -INF, Number.NaN, 0, -0, 3e38, -3.4e38])
    const wanted = new Float32Array(from.length)
    roundFloats(from, wanted, type)
    const actual = tf.tidy(() => roundToHalf(tf.tensor1d(from), type).dataSync())
    expect([...actual]).toEqual([...wanted])
  })

  it('rounds gradients, takes nothing for nothing, and leaves no tensor behind', () => {
    tf.setBackend(accelerator)
    const before = tf.memory().numTensors
    const [dx] = tf.tidy(() => {
      const x = tf.tensor1d([1.01171875, 2])
      expect(roundToHalf(tf.zeros([0, 3]), 'bf16').shape).toEqual([0, 3])
      return [
        ...tf
          .grad((t: tf.Tensor) => tf.sum(tf.mul(roundToHalf(t, 'bf16'), 1.00390625)))(x)
          .dataSync(),
      ]
    })
    expect(dx).toBe(1)
    expect(tf.memory().numTensors).toBe(before)
  })
})
