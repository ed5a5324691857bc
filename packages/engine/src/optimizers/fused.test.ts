/** Fused steps on host memory: the vector loops give the plain loops' bits, buckets give what single tensors give. */
import { afterEach, describe, expect, test } from 'vitest'
import { selectAccelerator } from '../accelerator/select.ts'
import { GradientBuckets } from '../gradients/buckets.ts'
import type { Parameter } from '../model/parameters.ts'
import { Random } from '../seeds/random.ts'
import { tf } from '../tfjs.ts'
import { FUSED_OPTIMIZER } from '../webgpu-kernels/flags.ts'
import { adam, adamw, rmsprop, sgd } from './create.ts'
import type { Optimizer } from './optimizer.ts'

const KINDS: Array<[string, () => Optimizer]> = [
  ['sgd', () => sgd({ learningRate: 0.1, weightDecay: 0.01 })],
  ['momentum', () => sgd({ learningRate: 0.1, momentum: 0.9 })],
  ['nesterov', () => sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.2 })],
  ['adam', () => adam({ learningRate: 0.1, weightDecay: 0.1 })],
  ['adamw', () => adamw({ learningRate: 0.1 })],
  ['rmsprop', () => rmsprop({ learningRate: 0.1, momentum: 0.5 })],
  ['rmsprop centered', () => rmsprop({ centered: true, decay: 0.9 })],
  ['rmsprop as tfjs', () => rmsprop({ variant: 'tfjs', epsilon: 1e-7 })],
]

/** Sizes around a vector's four lanes, a scalar and an empty one. */
const SHAPES = [[3, 5], [4], [], [7], [2, 8], [0], [129]]
const STEPS = 3
const SCALE = 1 / 3

const valuesOf = (seed: number, size: number): Float32Array<ArrayBuffer> => {
  const random = new Random(seed)
  return Float32Array.from({ length: size }, () => random.normal())
}

const made = (): Parameter[] =>
  SHAPES.map((shape, i) => ({
    name: `p${i}`,
    variable: tf.tidy(() => tf.variable(tf.tensor(valuesOf(i, tf.util.sizeFromShape(shape)), shape))),
    trainable: true,
  }))

/** Parameter 3 is unused in the second step. */
const usedIn = (step: number): number[] => SHAPES.map((_, i) => (step === 1 && i === 3 ? 0 : 1))

/** Weights and state after a few steps. */
async function train(create: () => Optimizer, form: 'tensors' | 'buckets'): Promise<number[][]> {
  const parameters = made()
  const buckets = new GradientBuckets(parameters, { bucketCapBytes: 100, firstBucketBytes: 30 })
  const optimizer = create()
  for (let step = 0; step < STEPS; step++) {
    const used = usedIn(step)
    if (form === 'buckets') {
      const arrays = buckets.sizes.map((size, b) => valuesOf(100 * step + b + 7, size))
      optimizer.applyBuckets(parameters, buckets, arrays, { scale: SCALE, used })
    } else {
      const arrays = buckets.sizes.map((size, b) => valuesOf(100 * step + b + 7, size))
      const gradients = buckets.unflatten(arrays)
      optimizer.apply(
        parameters,
        gradients.map((gradient, i) => (used[i] ? gradient : null)),
        SCALE,
      )
      tf.dispose(gradients)
    }
  }
  const weights = parameters.map(({ variable }) => [...variable.dataSync()])
  const state = (await optimizer.state()).tensors
    .sort((a, b) => a.name.localeCompare(b.name))
    .map(({ data }) => Array.from(data as ArrayLike<number>))
  optimizer.dispose()
  tf.dispose(parameters.map(({ variable }) => variable))
  return [...weights, ...state]
}

afterEach(() => {
  tf.env().set(FUSED_OPTIMIZER, true)
})

describe.each(KINDS)('%s', (_name, create) => {
  test('wasm and cpu agree bit for bit, in buckets and in tensors, and operations agree closely', async () => {
    await selectAccelerator('cpu')
    const plain = await train(create, 'tensors')
    expect(await train(create, 'buckets')).toEqual(plain)
    await selectAccelerator('wasm', { threads: 1 })
    const before = tf.memory().numTensors
    expect(await train(create, 'tensors')).toEqual(plain)
    expect(await train(create, 'buckets')).toEqual(plain)
    tf.env().set(FUSED_OPTIMIZER, false)
    for (const form of ['tensors', 'buckets'] as const) {
      const operations = await train(create, form)
      operations.forEach((values, i) => {
        values.forEach((value, j) => {
          expect(Math.abs(value - (plain[i]?.[j] as number))).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)))
        })
      })
    }
    expect(tf.memory().numTensors).toBe(before)
  })
})
