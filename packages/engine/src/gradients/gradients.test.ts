/** Gradients by parameter, unused ones by name, and their way through flat buckets. */
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { selectAccelerator } from '../accelerator/select.ts'
import { type Parameter, parametersOf } from '../model/parameters.ts'
import { adam } from '../optimizers/create.ts'
import { tf } from '../tfjs.ts'
import { GradientBuckets } from './buckets.ts'
import { computeGradients } from './compute.ts'

const variables = (shapes: number[][]): Parameter[] =>
  shapes.map((shape, i) => ({ name: `p${i}`, variable: tf.variable(tf.ones(shape)), trainable: true }))
const free = (parameters: Parameter[]) => tf.dispose(parameters.map(({ variable }) => variable))

describe.each(['cpu', 'wasm'])('on %s', (accelerator) => {
  beforeEach(async () => {
    await selectAccelerator(accelerator, { threads: 1 })
  })

  test('an unused parameter is named, or gets zeros when allowed', async () => {
    const parameters = variables([[2], [3], []])
    const [used] = parameters as [Parameter]
    const loss = () => tf.sum(tf.mul(used.variable, used.variable))
    const before = tf.memory().numTensors
    expect(() => computeGradients(loss, parameters)).toThrow(expect.objectContaining({ code: 'UNUSED_PARAMETER' }))
    expect(() => computeGradients(loss, parameters)).toThrow(/p1, p2/)
    expect(tf.memory().numTensors).toBe(before)
    const result = computeGradients(loss, parameters, { findUnused: true })
    expect(result.unused).toEqual([1, 2])
    expect(result.gradients.map((gradient) => [...gradient.dataSync()])).toEqual([[2, 2], [0, 0, 0], [0]])
    expect(await result.loss).toBe(2)
    tf.dispose(result.gradients)
    expect(tf.memory().numTensors).toBe(before)
    free(parameters)
  })

  test('a loss that uses nothing, is no scalar or is a promise is refused by what it is', () => {
    const parameters = variables([[2]])
    const [{ variable }] = parameters as [Parameter]
    expect(() => computeGradients(() => tf.scalar(1), parameters)).toThrow(/p0 got no gradient/)
    expect(() => computeGradients(() => tf.mul(variable, 2), parameters)).toThrow(/shape \[2\]/)
    expect(() => computeGradients(async () => tf.sum(variable), parameters)).toThrow(/a promise/)
    expect(() => computeGradients(() => undefined, parameters)).toThrow(/nothing/)
    free(parameters)
  })

  test('buckets: last parameter first, small first bucket, and what goes in comes out', async () => {
    const shapes = fc.array(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(
        shapes,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 50 }),
        async (list, cap, first) => {
          const parameters = variables(list)
          const before = tf.memory().numTensors
          const buckets = new GradientBuckets(parameters, { bucketCapBytes: cap, firstBucketBytes: first })
          const order = buckets.plan.flat().map(({ index }) => index)
          expect(order).toEqual(list.map((_, i) => list.length - 1 - i))
          const gradients = parameters.map(({ variable }, i) => tf.fill(variable.shape, i + 1))
          const arrays = await Promise.all(buckets.flatten(gradients, 3).map((bucket) => buckets.readback(bucket)))
          expect(arrays.map(({ length }) => length)).toEqual(buckets.sizes)
          const back = buckets.unflatten(arrays)
          back.forEach((tensor, i) => {
            expect(tensor.shape).toEqual(list[i])
            expect([...tensor.dataSync()].every((value) => value === 3 * (i + 1))).toBe(true)
          })
          tf.dispose(back)
          expect(tf.memory().numTensors).toBe(before)
          free(parameters)
        },
      ),
      { numRuns: 30, seed: 1 },
    )
  })

  test('a bucket never exceeds its bytes unless one parameter does', () => {
    const parameters = variables([[10], [3], [3], [100], [2], [2]])
    const buckets = new GradientBuckets(parameters, { bucketCapBytes: 40, firstBucketBytes: 16 })
    expect(buckets.sizes).toEqual([4, 100, 6, 10])
    free(parameters)
  })

  test('numTensors is flat over 200 steps of gradients, buckets and optimizer', async () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ inputShape: [4], units: 5, activation: 'relu' }), tf.layers.dense({ units: 2 })],
    })
    const parameters = parametersOf(model)
    const buckets = new GradientBuckets(parameters, { firstBucketBytes: 16, bucketCapBytes: 64 })
    const optimizer = adam()
    const x = tf.ones([3, 4])
    let tensors = 0
    for (let step = 0; step < 200; step++) {
      const { loss, gradients } = computeGradients(() => tf.mean(tf.square(model.apply(x) as tf.Tensor)), parameters)
      const arrays: Float32Array[] = []
      for (const bucket of buckets.flatten(gradients, 3)) arrays.push(await buckets.readback(bucket))
      const averaged = buckets.unflatten(arrays)
      optimizer.apply(parameters, averaged)
      tf.dispose(averaged)
      await loss
      if (step === 0) tensors = tf.memory().numTensors
    }
    expect(tf.memory().numTensors).toBe(tensors)
    optimizer.dispose()
    model.dispose()
    x.dispose()
  })
})
