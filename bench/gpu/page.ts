/**
 * The browser's side of `bench gpu`: what a step asks of the device and how long it takes, before and after, and tfjs's
 * kernels beside ours. Results are plain data. Not for: choosing browser and sizes (command.ts).
 */
import {
  adamw,
  computeGradients,
  describeDevice,
  GradientBuckets,
  type Optimizer,
  type Parameter,
  parametersOf,
  selectAccelerator,
  tf,
} from '@rondo/engine'
import { countCalls } from './calls.ts'
import type { BenchSizes, KernelTime, StepFigures, StepForm, Transfer } from './messages.ts'

interface Net {
  model: tf.LayersModel
  x: Float32Array
  shape: number[]
  labels: Int32Array
  classes: number
}

const noise = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898) / 2)
const now = (): number => performance.now()

function makeNet(kind: 'mlp' | 'cnn', { batch, image, widths, filters }: BenchSizes): Net {
  const classes = 10
  const model = tf.sequential()
  if (kind === 'mlp') {
    widths.forEach((units, i) => {
      const input = i === 0 ? { inputShape: [image * image] } : {}
      model.add(tf.layers.dense({ units, activation: 'relu', ...input }))
    })
  } else {
    filters.forEach((count, i) => {
      const input = i === 0 ? { inputShape: [image, image, 1] } : {}
      model.add(tf.layers.conv2d({ filters: count, kernelSize: 3, activation: 'relu', ...input }))
      model.add(tf.layers.maxPooling2d({ poolSize: 2 }))
    })
    model.add(tf.layers.flatten())
  }
  model.add(tf.layers.dense({ units: classes }))
  const labels = Int32Array.from({ length: batch }, (_, i) => i % classes)
  const shape = kind === 'mlp' ? [batch, image * image] : [batch, image, image, 1]
  return { model, x: noise(batch * image * image), shape, labels, classes }
}

/** One step as a rank does it, without the ring. `before`: as tfjs alone would; `now`: as Rondo does. */
async function step(
  net: Net,
  parameters: Parameter[],
  buckets: GradientBuckets,
  optimizer: Optimizer,
  form: StepForm,
): Promise<number> {
  const x = tf.tensor(net.x, net.shape)
  const y = tf.tensor1d(net.labels, 'int32')
  const { loss, gradients } = computeGradients(
    () => tf.losses.softmaxCrossEntropy(tf.oneHot(y, net.classes), net.model.apply(x) as tf.Tensor),
    parameters,
  )
  if (form === 'now') {
    const flat = buckets.flatten(gradients, 64)
    const arrays = await Promise.all(flat.map((bucket) => buckets.readback(bucket)))
    optimizer.applyBuckets(parameters, buckets, arrays, { scale: 1 / 64 })
  } else {
    const arrays: Float32Array[] = []
    for (const slots of buckets.plan) {
      const flat = tf.tidy(() =>
        tf.mul(
          tf.concat1d(slots.map(({ index }) => tf.reshape(gradients[index] as tf.Tensor, [-1]) as tf.Tensor1D)),
          64,
        ),
      )
      arrays.push(((await flat.data()) as Float32Array).slice())
      flat.dispose()
    }
    tf.dispose(gradients)
    const averaged = buckets.unflatten(arrays.map((array) => array.map((value) => value / 64)))
    optimizer.apply(parameters, averaged)
    tf.dispose(averaged)
  }
  tf.dispose([x, y])
  return loss
}

async function measureStep(kind: 'mlp' | 'cnn', form: StepForm, sizes: BenchSizes): Promise<StepFigures> {
  await selectAccelerator('webgpu')
  tf.env().set('RONDO_FUSED_OPTIMIZER', form === 'now')
  // The backend's own upload comes back when ours is taken from the instance.
  const backend = tf.backend() as unknown as { uploadToGPU?: unknown }
  const ours = backend.uploadToGPU
  if (form === 'before') delete backend.uploadToGPU
  const net = makeNet(kind, sizes)
  const parameters = parametersOf(net.model)
  const buckets = new GradientBuckets(parameters)
  const optimizer = adamw()
  try {
    for (let i = 0; i < 2; i++) await step(net, parameters, buckets, optimizer, form)
    const counts = await countCalls(() => step(net, parameters, buckets, optimizer, form))
    const times: number[] = []
    for (let i = 0; i < sizes.steps; i++) {
      const start = now()
      await step(net, parameters, buckets, optimizer, form)
      times.push(now() - start)
    }
    return {
      counts,
      times,
      parameters: parameters.length,
      values: buckets.sizes.reduce((sum, size) => sum + size, 0),
      buckets: buckets.sizes.length,
    }
  } finally {
    if (form === 'before') backend.uploadToGPU = ours
    tf.env().set('RONDO_FUSED_OPTIMIZER', true)
    optimizer.dispose()
    net.model.dispose()
  }
}

/** Milliseconds to bring this many bytes to the device, and back. */
async function transfers(bytes: number, repetitions: number): Promise<Transfer> {
  await selectAccelerator('webgpu')
  const values = noise(bytes / 4)
  const upload: number[] = []
  const readback: number[] = []
  for (let i = 0; i < repetitions; i++) {
    let start = now()
    const there = tf.tidy(() => tf.add(tf.tensor1d(values), 1))
    await (tf.backend() as unknown as { device: GPUDevice }).device.queue.onSubmittedWorkDone()
    upload.push(now() - start)
    start = now()
    await there.data()
    readback.push(now() - start)
    there.dispose()
  }
  return { bytes, upload, readback }
}

/** Milliseconds of one call, from many in a row and one read at their end. */
async function timeCalls(call: () => tf.Tensor, calls: number): Promise<number> {
  const run = async (count: number): Promise<number> => {
    const start = now()
    for (let i = 1; i < count; i++) call().dispose()
    const last = call()
    const small = tf.tidy(() => tf.slice(tf.reshape(last, [-1]), 0, 1))
    await small.data()
    tf.dispose([last, small])
    return now() - start
  }
  await run(1)
  const one = await run(1)
  return Math.max(0, (await run(calls + 1)) - one) / calls
}

const note = (times: Record<string, number[]>, form: string, ms: number): void => {
  times[form] = [...(times[form] ?? []), ms]
}

/** tfjs's kernel beside ours, alternating. */
async function kernels(sizes: BenchSizes): Promise<KernelTime[]> {
  await selectAccelerator('webgpu')
  const { features } = (tf.backend() as unknown as { device: GPUDevice }).device
  const results: KernelTime[] = []
  for (const side of sizes.products) {
    const [a, b] = [
      tf.reshape(tf.tensor1d(noise(side * side)), [side, side]),
      tf.reshape(tf.tensor1d(noise(side * side)), [side, side]),
    ]
    for (const transposed of [false, true]) {
      const times: Record<string, number[]> = {}
      const forms = ['tfjs', 'tiled', ...(features.has('shader-f16') ? ['tiled-f16'] : [])]
      for (let round = 0; round < sizes.rounds; round++) {
        for (const form of forms) {
          tf.env().set('RONDO_WEBGPU_MATMUL', form)
          note(times, form, await timeCalls(() => tf.matMul(a, b, transposed, false), sizes.calls))
        }
      }
      tf.env().set('RONDO_WEBGPU_MATMUL', 'tfjs')
      results.push({
        name: `product ${side}³${transposed ? ', left side transposed' : ''}`,
        flops: 2 * side ** 3,
        times,
      })
    }
    tf.dispose([a, b])
  }
  const { batch, image, filters } = sizes
  const [from, to] = [filters[0] as number, filters.at(-1) as number]
  const x = tf.reshape(tf.tensor1d(noise(batch * image * image * from)), [batch, image, image, from]) as tf.Tensor4D
  const out = image - 2
  const dy = tf.reshape(tf.tensor1d(noise(batch * out * out * to)), [batch, out, out, to])
  const filter = tf.zeros([3, 3, from, to])
  const gradient = tf.grad((f) => tf.conv2d(x, f as tf.Tensor4D, 1, 'valid'))
  const times: Record<string, number[]> = {}
  for (let round = 0; round < sizes.rounds; round++) {
    for (const form of ['tfjs', 'ours']) {
      tf.env().set('RONDO_WEBGPU_CONV_FILTER_GRADIENT', form === 'ours')
      note(times, form, await timeCalls(() => tf.tidy(() => gradient(filter, dy)), sizes.calls))
    }
  }
  tf.env().set('RONDO_WEBGPU_CONV_FILTER_GRADIENT', false)
  tf.dispose([x, dy, filter])
  // The forward pass belongs to both, as tf.grad has it computed.
  results.push({
    name: `conv ${from}→${to}, forward and filter gradient`,
    flops: 4 * batch * out * out * 9 * from * to,
    times,
  })
  return results
}

/** Milliseconds by timestamp queries, by kernel, of one forward and backward. */
async function profile(kind: 'mlp' | 'cnn', sizes: BenchSizes): Promise<Array<{ name: string; ms: number }>> {
  await selectAccelerator('webgpu')
  const net = makeNet(kind, sizes)
  const parameters = parametersOf(net.model)
  const x = tf.tensor(net.x, net.shape)
  const y = tf.tensor1d(net.labels, 'int32')
  const run = (): tf.Tensor[] => {
    const loss = (): tf.Scalar =>
      tf.losses.softmaxCrossEntropy(tf.oneHot(y, net.classes), net.model.apply(x) as tf.Tensor) as tf.Scalar
    const { value, grads } = tf.variableGrads(
      loss,
      parameters.map(({ variable }) => variable),
    )
    return [value, ...Object.values(grads)]
  }
  tf.dispose(run())
  const { kernels: seen } = await tf.profile(() => {
    tf.dispose(run())
    return undefined as unknown as tf.Tensor
  })
  const sums = new Map<string, number>()
  for (const { name, kernelTimeMs } of seen) {
    const ms = await kernelTimeMs
    if (typeof ms === 'number') sums.set(name, (sums.get(name) ?? 0) + ms)
  }
  tf.dispose([x, y])
  net.model.dispose()
  return [...sums].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms)
}

const programs = { describeDevice, measureStep, transfers, kernels, profile }
export type GpuBench = typeof programs
Object.assign(globalThis, { gpuBench: programs })
