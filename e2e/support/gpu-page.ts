/** What runs on the page of gpu.spec.ts: programs on the engine, with results as plain data. */

import * as make from '@rondo/engine'
import { GradientBuckets, type Parameter, selectAccelerator, tf } from '@rondo/engine'
import { roundFloats } from '../../packages/engine/src/precision/half.ts'
import { roundToHalf } from '../../packages/engine/src/precision/round.ts'
import { convFilterGradient } from '../../packages/engine/src/webgpu-kernels/conv-filter-grad.ts'
import type { DeviceBackend } from '../../packages/engine/src/webgpu-kernels/device.ts'
import { type MatMulVariant, matMulVariant } from '../../packages/engine/src/webgpu-kernels/matmul.ts'

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

/** The largest difference of two lists, relative above 1. */
function worst(mine: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (mine.length !== theirs.length) return Number.POSITIVE_INFINITY
  return Array.from(mine).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (theirs[i] as number)) / Math.max(1, Math.abs(value))),
    0,
  )
}

/** Shapes past a tile's edges, batches, and both transpositions; the worst difference from the cpu backend. */
async function matMul(variant: MatMulVariant): Promise<{ supported: boolean; worst: number; ours: number }> {
  await selectAccelerator('webgpu')
  const device = (tf.backend() as unknown as DeviceBackend).device
  if (variant === 'tiled-f16' && !device.features.has('shader-f16')) return { supported: false, worst: 0, ours: 0 }
  const cases = [
    { batch: [], m: 300, k: 37, n: 290 },
    { batch: [3], m: 130, k: 20, n: 190 },
    { batch: [2, 8], m: 64, k: 1, n: 65 },
  ].flatMap((shape) =>
    [0, 1, 2, 3].map((bits) => ({ ...shape, transposeA: (bits & 1) > 0, transposeB: (bits & 2) > 0 })),
  )
  const made = (seed: number, shape: number[]): tf.Tensor =>
    tf.tensor(valuesOf(seed, tf.util.sizeFromShape(shape)), shape)
  const differences: number[] = []
  let ours = 0
  for (const { batch, m, k, n, transposeA, transposeB } of cases) {
    const product = (): tf.Tensor =>
      tf.tidy(() => {
        const a = made(1, [...batch, ...(transposeA ? [k, m] : [m, k])])
        const b = made(2, transposeB ? [...batch, n, k] : [...batch, k, n])
        return tf.matMul(a, b, transposeA, transposeB)
      })
    const read = async (accelerator: string, flag: string): Promise<ArrayLike<number>> => {
      await selectAccelerator(accelerator)
      tf.env().set('RONDO_WEBGPU_MATMUL', flag)
      const out = product()
      const values = await out.data()
      out.dispose()
      return values
    }
    differences.push(worst(await read('webgpu', variant), await read('cpu', 'tfjs')))
    await selectAccelerator('webgpu')
    tf.env().set('RONDO_WEBGPU_MATMUL', variant)
    const operands = tf.tidy(() => ({
      a: tf.zeros([...batch, ...(transposeA ? [k, m] : [m, k])]),
      b: tf.zeros(transposeB ? [...batch, n, k] : [...batch, k, n]),
    }))
    if (matMulVariant(tf.backend() as unknown as DeviceBackend, { ...operands, transposeA, transposeB }) === variant)
      ours++
    tf.dispose(operands)
    tf.env().set('RONDO_WEBGPU_MATMUL', 'tfjs')
  }
  return { supported: true, worst: Math.max(...differences), ours: ours / cases.length }
}

/** The filter gradient against the cpu backend's, with subgroup sums and with the tree. */
async function filterGradient(subgroups: boolean): Promise<{ supported: boolean; worst: number }> {
  await selectAccelerator('webgpu')
  const backend = tf.backend() as unknown as DeviceBackend
  if (subgroups && !backend.device.features.has('subgroups' as GPUFeatureName)) return { supported: false, worst: 0 }
  const differences: number[] = []
  for (const [size, channels, filters, stride, pad] of [
    [9, 3, 5, 1, 'same'],
    [12, 1, 8, 2, 'valid'],
    [7, 4, 1, 1, 'valid'],
    [8, 2, 6, 2, 'same'],
  ] as const) {
    const inShape: [number, number, number, number] = [3, size, size + 1, channels]
    const filterShape: [number, number, number, number] = [3, 2, channels, filters]
    const info = tf.backend_util.computeConv2DInfo(inShape, filterShape, stride, 1, pad)
    const outShape = info.outShape as [number, number, number, number]
    const values = [valuesOf(1, tf.util.sizeFromShape(inShape)), valuesOf(2, tf.util.sizeFromShape(outShape))] as const
    await selectAccelerator('webgpu')
    const mine = tf.tidy(() =>
      convFilterGradient(backend, tf.tensor(values[0], inShape), tf.tensor(values[1], outShape), info, subgroups),
    )
    const ours = await mine.data()
    mine.dispose()
    // And by the registered kernel, as a gradient of tf.conv2d asks for it.
    tf.env().set('RONDO_WEBGPU_CONV_FILTER_GRADIENT', true)
    const asGradient = async (): Promise<ArrayLike<number>> => {
      const gradient = tf.tidy(() => {
        const [x, dy] = [tf.tensor(values[0], inShape), tf.tensor(values[1], outShape)] as [tf.Tensor4D, tf.Tensor4D]
        return tf.grad((filter) => tf.conv2d(x, filter as tf.Tensor4D, stride, pad))(tf.zeros(filterShape), dy)
      })
      const result = await gradient.data()
      gradient.dispose()
      return result
    }
    const registered = await asGradient()
    tf.env().set('RONDO_WEBGPU_CONV_FILTER_GRADIENT', false)
    await selectAccelerator('cpu')
    const expected = await asGradient()
    differences.push(worst(ours, expected), worst(registered, expected))
  }
  return { supported: true, worst: Math.max(...differences) }
}

/** How many values a device rounds to 16 bits otherwise than the plain loop, of all sizes, ties and special ones. */
async function roundHalf(accelerator: string, type: 'f16' | 'bf16'): Promise<{ wrong: number[][]; size: number }> {
  await selectAccelerator(accelerator)
  const special = [
    0,
    -0,
    65504,
    65519.99,
    65520,
    -7e4,
    2 ** -25,
    2 ** -24,
    3 * 2 ** -25,
    6.1e-5,
    Infinity,
    -Infinity,
    NaN,
  ]
  const from = Float32Array.from({ length: 70_001 }, (_, i) => {
    const size = 2 ** (-30 + (i % 50)) * (1 + ((i * 37) % 4096) / 4096)
    return special[i] ?? (i % 2 === 0 ? size : -size)
  })
  const wanted = new Float32Array(from.length)
  roundFloats(from, wanted, type)
  const rounded = tf.tidy(() => roundToHalf(tf.tensor1d(from), type))
  const values = await rounded.data()
  rounded.dispose()
  const wrong = [...values].flatMap((value, i) =>
    Object.is(value, wanted[i]) ? [] : [[from[i] as number, value, wanted[i] as number]],
  )
  return { wrong: wrong.slice(0, 5), size: values.length }
}

const programs = { train, buckets, matMul, filterGradient, roundHalf }
export type GpuPrograms = typeof programs
Object.assign(globalThis, { gpu: programs })
