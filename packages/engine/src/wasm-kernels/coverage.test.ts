/**
 * What common nets are made of, differentiated on wasm and on cpu: every kernel must be there, and the
 * gradients must agree, with finite differences too. Inputs are fixed, so that both backends see the same numbers.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { selectAccelerator } from '../accelerator/select.ts'
import { Random } from '../seeds/random.ts'
import { tf } from '../tfjs.ts'
import { NET_CASES, type NetCase } from './testing/net-cases.ts'

/** Output and gradients of the mean-weighted output by every input. */
function run(backend: string, [, shapes, f]: NetCase): Float32Array[] {
  tf.setBackend(backend)
  const random = new Random(11)
  const values = shapes.map((shape) =>
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal()),
  )
  return tf.tidy(() => {
    const inputs = shapes.map((shape, i) => tf.tensor((values[i] as Float32Array).slice(), shape))
    const weighted = (...x: tf.Tensor[]) => {
      const y = f(...x)
      const weights = tf.reshape(tf.cos(tf.range(0, y.size)), y.shape)
      return tf.sum(tf.mul(y, weights)) as tf.Scalar
    }
    const { value, grads } = tf.valueAndGrads(weighted)(inputs)
    return [value, ...grads].map((tensor) => tensor.dataSync().slice() as Float32Array)
  })
}

/** Distance of the central difference: large enough for float32. */
const STEP = 4e-3

/**
 * How far the slope along one direction, by gradients, is from the central difference, relative to the slope's parts.
 * The best of three distances counts: with maxima and poolings the longest may reach over a kink.
 */
function slopeError([, shapes, f]: NetCase): number {
  tf.setBackend('wasm')
  const random = new Random(11)
  return tf.tidy(() => {
    const tensorOf = (shape: number[], scale: number) =>
      tf.tensor(
        Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal() * scale),
        shape,
      )
    const inputs = shapes.map((shape) => tensorOf(shape, 1))
    const ways = shapes.map((shape) => tensorOf(shape, 1))
    const loss = (...x: tf.Tensor[]) => tf.sum(f(...x)) as tf.Scalar
    const gradients = tf.grads(loss)(inputs)
    const parts = gradients.map((gradient, i) => tf.sum(tf.mul(gradient, ways[i] as tf.Tensor)).dataSync()[0] as number)
    const at = (step: number) =>
      loss(...inputs.map((x, i) => tf.add(x, tf.mul(ways[i] as tf.Tensor, step)))).dataSync()[0] as number
    const slope = parts.reduce((sum, part) => sum + part, 0)
    const size = 1 + parts.reduce((sum, part) => sum + Math.abs(part), 0)
    const errors = [STEP, STEP / 2, STEP / 4].map(
      (step) => Math.abs((at(step) - at(-step)) / (2 * step) - slope) / size,
    )
    return Math.min(...errors)
  })
}

describe('gradients on wasm agree with finite differences', () => {
  beforeAll(async () => {
    await selectAccelerator('wasm', { threads: 1 })
  })

  test.each(NET_CASES.filter(([name]) => name !== 'dropout').map((one) => [one[0], one] as const))(
    '%s',
    (_name, one) => {
      expect(slopeError(one)).toBeLessThan(2e-2)
    },
  )
})

describe('gradients on wasm agree with cpu', () => {
  beforeAll(async () => {
    await selectAccelerator('cpu')
    await selectAccelerator('wasm', { threads: 1 })
  })

  test.each(NET_CASES.map((one) => [one[0], one] as const))('%s', (_name, one) => {
    const expected = run('cpu', one)
    const actual = run('wasm', one)
    const tensors = tf.memory().numTensors
    run('wasm', one)
    expect(tf.memory().numTensors).toBe(tensors)
    expected.forEach((values, i) => {
      const got = actual[i] as Float32Array
      expect(got.length).toBe(values.length)
      values.forEach((value, j) => {
        expect(Math.abs(value - (got[j] as number)), `entry ${j} of result ${i}`).toBeLessThan(
          2e-4 * (1 + Math.abs(value)),
        )
      })
    })
  })
})
