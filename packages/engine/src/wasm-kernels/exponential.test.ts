/** Exp, Softmax and the fused gradients of Softmax and Relu against tfjs's cpu backend and finite differences. */
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { selectAccelerator } from '../accelerator/select.ts'
import { tf } from '../tfjs.ts'
import { agree } from './testing/agree.ts'

beforeAll(async () => {
  await selectAccelerator('cpu')
  await selectAccelerator('wasm', { threads: 1 })
})

test('the exponential is right to a few units in the last place over the whole range, and at its ends', () => {
  tf.setBackend('wasm')
  const given = Float32Array.from({ length: 20_001 }, (_, i) => (i - 10_000) * 0.0086)
  const got = tf.tidy(() => tf.exp(tf.tensor1d(given)).dataSync())
  const worst = given.reduce((most, x, i) => Math.max(most, Math.abs((got[i] as number) / Math.exp(x) - 1)), 0)
  expect(worst).toBeLessThan(3e-7)
  const ends = [Number.NEGATIVE_INFINITY, -1e9, -104, 0, 88.8, Number.POSITIVE_INFINITY, Number.NaN]
  const values = tf.tidy(() => [...tf.exp(tf.tensor1d(ends)).dataSync()])
  expect(values).toEqual([0, 0, 0, 1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN])
})

test('softmax of rows of any width, with masked and with NaN entries', () => {
  const size = fc.integer({ min: 1, max: 37 })
  fc.assert(
    fc.property(size, size, (rows, columns) => {
      const call = { kernel: 'Softmax', inputs: { logits: [rows, columns] }, attrs: { dim: 1 } }
      agree(call)
      agree(call, (random) => (random.integer(3) === 0 ? -1e9 : 20 * random.normal()))
    }),
    { numRuns: 40, seed: 7 },
  )
  agree({ kernel: 'Softmax', inputs: { logits: [9, 5] }, attrs: { dim: -1 } }, (random) =>
    random.integer(20) === 0 ? Number.NaN : random.normal(),
  )
})

test.each([
  ['softmax', (x: tf.Tensor) => tf.softmax(x)],
  ['relu', (x: tf.Tensor) => tf.relu(x)],
  ['softmax of relu', (x: tf.Tensor) => tf.softmax(tf.relu(x))],
])('gradient of %s: cpu, wasm and finite differences agree', (_name, f) => {
  for (const [rows, columns] of [
    [5, 7],
    [1, 1],
    [3, 64],
  ] as const) {
    const [cpu, wasm] = ['cpu', 'wasm'].map((backend) => {
      tf.setBackend(backend)
      return tf.tidy(() => {
        const x = tf.add(tf.sin(tf.reshape(tf.mul(tf.range(0, rows * columns), 1.3), [rows, columns])), 0.05)
        const weights = tf.cos(tf.reshape(tf.range(0, rows * columns), [rows, columns]))
        const loss = (y: tf.Tensor) => tf.sum(tf.mul(f(y), weights)) as tf.Scalar
        const gradient = tf.grad(loss)(x)
        const way = tf.cos(tf.mul(x, 5))
        const at = (step: number) => loss(tf.add(x, tf.mul(way, step))).dataSync()[0] as number
        const slope = tf.sum(tf.mul(gradient, way)).dataSync()[0] as number
        return { gradient: [...gradient.dataSync()], slope, difference: (at(1e-3) - at(-1e-3)) / 2e-3 }
      })
    })
    wasm?.gradient.forEach((value, i) => {
      expect(value).toBeCloseTo(cpu?.gradient[i] as number, 5)
    })
    const { slope = Number.NaN, difference = Number.NaN } = wasm ?? {}
    expect(Math.abs(slope - difference)).toBeLessThan(2e-2 * (1 + Math.abs(slope)))
  }
})
