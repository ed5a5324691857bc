/** What runs on the page of gpu.spec.ts: programs on the engine, with results as plain data. */

import * as make from '@rondo/engine'
import { GradientBuckets, type Parameter, selectAccelerator, tf } from '@rondo/engine'

const KINDS = {
  sgd: () => make.sgd({ learningRate: 0.1, weightDecay: 0.01 }),
  momentum: () => make.sgd({ learningRate: 0.1, momentum: 0.9 }),
  nesterov: () => make.sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.2 }),
  adam: () => make.adam({ learningRate: 0.1, weightDecay: 0.1 }),
  adamw: () => make.adamw({ learningRate: 0.1 }),
  rmsprop: () => make.rmsprop({ learningRate: 0.1, momentum: 0.5 }),
  centered: () => make.rmsprop({ centered: true, decay: 0.9 }),
} as const

/** More parameters than one dispatch takes, one larger than a workgroup's share, an empty one and a scalar. */
const SHAPES = [[3, 5], [4], [], [7], [2, 8], [0], [60, 50], [3], [5], [2, 2], [9], [1], [13]]
const STEPS = 4

const valuesOf = (seed: number, size: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(seed * 12.9 + i * 78.2))

export interface Trained {
  weights: number[][]
  state: Array<[string, number[]]>
}

/** Weights and state after a few steps, saved and restored half way; a clone of a weight must not move. */
async function train(
  kind: keyof typeof KINDS,
  accelerator: string,
  form: 'tensors' | 'buckets',
  fused: boolean,
): Promise<Trained> {
  await selectAccelerator(accelerator, { wasmPath: '/' })
  tf.env().set('RONDO_FUSED_OPTIMIZER', fused)
  const parameters: Parameter[] = SHAPES.map((shape, i) => ({
    name: `p${i}`,
    variable: tf.tidy(() => tf.variable(tf.tensor(valuesOf(i, tf.util.sizeFromShape(shape)), shape))),
    trainable: true,
  }))
  const buckets = new GradientBuckets(parameters, { bucketCapBytes: 4000, firstBucketBytes: 60 })
  let optimizer = KINDS[kind]()
  const clone = tf.clone((parameters[0] as Parameter).variable)
  for (let step = 0; step < STEPS; step++) {
    const used = SHAPES.map((_, i) => (step === 1 && i === 3 ? 0 : 1))
    const arrays = buckets.sizes.map((size, b) => valuesOf(100 * step + b + 7, size))
    if (form === 'buckets') {
      optimizer.applyBuckets(parameters, buckets, arrays, { scale: 0.5, used })
    } else {
      const gradients = buckets.unflatten(arrays)
      optimizer.apply(
        parameters,
        gradients.map((gradient, i) => (used[i] ? gradient : null)),
        0.5,
      )
      tf.dispose(gradients)
    }
    if (step === 1) {
      const saved = await optimizer.state()
      optimizer.dispose()
      optimizer = KINDS[kind]()
      optimizer.restore(saved)
    }
  }
  const before = await clone.data()
  const expected = valuesOf(0, 15)
  if (!before.every((value, i) => value === expected[i])) throw new Error('the step changed a clone of its weight')
  const weights = await Promise.all(parameters.map(async ({ variable }) => [...(await variable.data())]))
  const { tensors } = await optimizer.state()
  const state = tensors
    .map(({ name, data }): [string, number[]] => [name, Array.from(data as ArrayLike<number>)])
    .sort(([a], [b]) => a.localeCompare(b))
  optimizer.dispose()
  tf.dispose([clone, ...parameters.map(({ variable }) => variable)])
  return { weights, state }
}

/** Buckets there and back, with a scale. */
async function buckets(): Promise<{ arrays: number[][]; expected: number[][]; leaked: number }> {
  await selectAccelerator('webgpu')
  const parameters: Parameter[] = SHAPES.map((shape, i) => ({
    name: `p${i}`,
    variable: tf.variable(tf.zeros(shape)),
    trainable: true,
  }))
  const plan = new GradientBuckets(parameters, { bucketCapBytes: 4000, firstBucketBytes: 60 })
  const before = tf.memory().numTensors
  const gradients = SHAPES.map((shape, i) => tf.tensor(valuesOf(i, tf.util.sizeFromShape(shape)), shape))
  // Half of them come from a kernel, so that they lie on the device.
  const mixed = gradients.map((gradient, i) => (i % 2 ? tf.tidy(() => tf.mul(gradient, 1)) : gradient))
  const arrays = await Promise.all(plan.flatten(mixed, 3).map((bucket) => plan.readback(bucket)))
  tf.dispose(gradients)
  const leaked = tf.memory().numTensors - before
  const expected = plan.plan.map((slots) =>
    slots.flatMap(({ index, size }) => [...valuesOf(index, size)].map((value) => value * 3)),
  )
  tf.dispose(parameters.map(({ variable }) => variable))
  return { arrays: arrays.map((array) => [...array]), expected, leaked }
}

const programs = { train, buckets }
export type GpuPrograms = typeof programs
Object.assign(globalThis, { gpu: programs })
