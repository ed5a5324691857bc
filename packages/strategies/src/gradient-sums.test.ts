/** The average that a step makes of gradients: scales, clipping, what is added later, and nothing at all. */
import { GradientBuckets, LossScaler, type Parameter, selectAccelerator, sgd, tf } from '@rondo/engine'
import { beforeEach, expect, it } from 'vitest'
import { GradientSums } from './gradient-sums.ts'

beforeEach(async () => {
  await selectAccelerator('cpu')
})

const USED = Uint8Array.of(1, 1)

function sums(scaler: LossScaler | null = null, uniformOver: number | null = null) {
  const parameters: Parameter[] = ['a', 'b'].map((name) => ({
    name,
    variable: tf.variable(tf.zeros([2])),
    trainable: true,
  }))
  const buckets = new GradientBuckets(parameters, { bucketCapBytes: 8, firstBucketBytes: 8 })
  const made = new GradientSums({ parameters, buckets, uniformOver, scaler })
  /** The last parameter's bucket comes first. */
  const add = (a: number[], b: number[], weight: number): void =>
    made.add([Float32Array.from(b), Float32Array.from(a)], weight, USED)
  const step = (): number[] => {
    made.apply(sgd({ learningRate: 1 }))
    return parameters.flatMap(({ variable }) => [...variable.dataSync()].map((value) => 0 - value))
  }
  return { made, add, step }
}

it('divides by the samples, by the ranks, and by the loss scale', () => {
  const weighted = sums()
  weighted.add([2, 4], [6, 8], 4)
  expect(weighted.made.norm(1)).toBe(5)
  expect(weighted.step()).toEqual([0.5, 1, 1.5, 2])
  const uniform = sums(new LossScaler({ initScale: 4 }), 2)
  uniform.add([8, 16], [0, 0], 7)
  expect(uniform.step()).toEqual([1, 2, 0, 0])
})

it('adds gradients of another scale, and to what was clipped', () => {
  const scaler = new LossScaler({ initScale: 8 })
  const { made, add, step } = sums(scaler)
  add([8, 0], [80, 0], 1)
  made.clamp(4)
  made.multiply(0.5)
  scaler.update(true)
  add([4, 8], [4, 4], 1)
  // (0.5 + 1) / 2, (0 + 2) / 2, (2 + 1) / 2, (0 + 1) / 2
  expect(step()).toEqual([0.75, 1, 1.5, 0.5])
})

it('names what is not finite', () => {
  const { made, add } = sums()
  add([1, Number.NaN], [1, 1], 1)
  expect([made.isFinite(), made.nonFinite(), made.norm(Number.POSITIVE_INFINITY)]).toEqual([false, ['a'], Number.NaN])
  made.clear()
  expect(made.isEmpty).toBe(true)
})

it('leaves weights as they are when no rank had a sample', () => {
  const { made, add, step } = sums()
  add([0, 0], [0, 0], 0)
  expect(made.norm(2)).toBe(0)
  expect(step()).toEqual([0, 0, 0, 0])
})
