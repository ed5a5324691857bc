/**
 * Exp and Softmax on vectors, and the gradients of Softmax and Relu as one kernel each: tfjs makes four and two passes
 * of them, and its exponential goes float by float.
 */
import { tf } from '../tfjs.ts'
import { type Kernel, offsetOf, originalKernel } from './heap.ts'
import { simdPrograms } from './simd/instance.ts'

/** Replaces Exp, for floats. */
export function exp(): Kernel {
  const original = originalKernel('Exp')
  return (call) => {
    const { inputs, backend } = call
    const x = inputs.x as tf.TensorInfo
    const programs = x.dtype === 'float32' ? simdPrograms(backend) : null
    if (programs === null) return original(call)
    const out = backend.makeOutput(x.shape, 'float32')
    programs.expFloats(offsetOf(backend, x), offsetOf(backend, out), tf.util.sizeFromShape(x.shape))
    return out
  }
}

/** Replaces Softmax, which tfjs defines over the last axis. */
export function softmax(): Kernel {
  const original = originalKernel('Softmax')
  return (call) => {
    const { inputs, attrs, backend } = call
    const logits = inputs.logits as tf.TensorInfo
    const size = tf.util.sizeFromShape(logits.shape)
    const last = attrs.dim === -1 || attrs.dim === logits.shape.length - 1
    const programs = last && size > 0 && logits.dtype === 'float32' ? simdPrograms(backend) : null
    if (programs === null) return original(call)
    const columns = logits.shape.at(-1) as number
    const out = backend.makeOutput(logits.shape, 'float32')
    programs.softmaxRows(offsetOf(backend, logits), offsetOf(backend, out), size / columns, columns)
    return out
  }
}

/** Names of the kernels that only wasm has; gradients ask for them. */
const SOFTMAX_GRAD = 'SoftmaxGrad'
const RELU_GRAD = 'ReluGrad'

const softmaxGrad: Kernel = ({ inputs, backend }) => {
  const { dy, y } = inputs as { dy: tf.TensorInfo; y: tf.TensorInfo }
  const out = backend.makeOutput(y.shape, 'float32')
  const columns = y.shape.at(-1) as number
  const [dyAt, yAt, outAt] = [dy, y, out].map((tensor) => offsetOf(backend, tensor)) as [number, number, number]
  simdPrograms(backend)?.softmaxGradRows(dyAt, yAt, outAt, tf.util.sizeFromShape(y.shape) / columns, columns)
  return out
}

const reluGrad: Kernel = ({ inputs, backend }) => {
  const { dy, x } = inputs as { dy: tf.TensorInfo; x: tf.TensorInfo }
  const out = backend.makeOutput(x.shape, 'float32')
  const [dyAt, xAt, outAt] = [dy, x, out].map((tensor) => offsetOf(backend, tensor)) as [number, number, number]
  simdPrograms(backend)?.reluGrad(dyAt, xAt, outAt, tf.util.sizeFromShape(x.shape))
  return out
}

/** What is registered besides the replacements. */
export const GRADIENT_KERNELS: Readonly<Record<string, Kernel>> = { [SOFTMAX_GRAD]: softmaxGrad, [RELU_GRAD]: reluGrad }

type GradFunc = NonNullable<ReturnType<typeof tf.getGradient>>['gradFunc']

/** Lets the gradients of Softmax and Relu use one kernel where the backend has it; elsewhere they stay as they are. */
export function registerFusedGradients(): void {
  replaceGradient('Softmax', SOFTMAX_GRAD, (dy, [y], attrs) => {
    const dim = attrs['dim'] as number
    const last = dim === -1 || dim === (y as tf.Tensor).rank - 1
    return last && isFilled(dy, y) ? { logits: () => run(SOFTMAX_GRAD, { dy, y: y as tf.Tensor }) } : null
  })
  replaceGradient('Relu', RELU_GRAD, (dy, [x]) =>
    isFilled(dy, x) ? { x: () => run(RELU_GRAD, { dy, x: x as tf.Tensor }) } : null,
  )
}

function replaceGradient(
  kernelName: string,
  gradientKernel: string,
  fused: (dy: tf.Tensor, saved: tf.Tensor[], attrs: tf.NamedAttrMap) => Record<string, () => tf.Tensor> | null,
): void {
  const config = tf.getGradient(kernelName)
  if (config === undefined) return
  const gradFunc: GradFunc = (dy, saved, attrs) => {
    const has = tf.getKernel(gradientKernel, tf.getBackend()) !== undefined
    return (has ? fused(dy as tf.Tensor, saved, attrs) : null) ?? config.gradFunc(dy, saved, attrs)
  }
  tf.unregisterGradient(kernelName)
  tf.registerGradient({ ...config, gradFunc })
}

const isFilled = (dy: tf.Tensor, other: tf.Tensor | undefined): boolean =>
  dy.size > 0 && dy.dtype === 'float32' && other?.dtype === 'float32' && other.size === dy.size

const run = (name: string, inputs: Record<string, tf.Tensor>): tf.Tensor =>
  tf.engine().runKernel(name, inputs, {}) as tf.Tensor
