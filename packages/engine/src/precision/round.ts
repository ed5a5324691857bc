/**
 * Rounding of tensors to a 16-bit format, as an operation that tfjs differentiates: its gradient is rounded too, as it
 * is where activations really lie in 16 bits. One kernel a backend. Not for: when to round (policy.ts).
 */
import type { Parameter } from '../model/parameters.ts'
import { type BackendWasm, tf } from '../tfjs.ts'
import { floatsOf, offsetOf } from '../wasm-kernels/heap.ts'
import { simdPrograms } from '../wasm-kernels/simd/instance.ts'
import type { DeviceBackend } from '../webgpu-kernels/device.ts'
import { roundOnDevice } from '../webgpu-kernels/round-half.ts'
import { type HalfType, roundFloats } from './half.ts'
import { roundOnWebgl } from './round-webgl.ts'

const KERNEL = 'RoundToHalf'

/** What is used of tfjs's MathBackendCPU. */
interface CpuBackend {
  readSync(id: object): Float32Array
  makeTensorInfo(shape: number[], dtype: string, values: Float32Array): tf.TensorInfo
}

type Rounding = (x: tf.TensorInfo, type: HalfType, backend: object) => tf.TensorInfo

const KERNELS: Readonly<Record<string, Rounding>> = {
  cpu(x, type, backend) {
    const cpu = backend as CpuBackend
    const from = cpu.readSync(x.dataId)
    const out = new Float32Array(from.length)
    roundFloats(from, out, type)
    return cpu.makeTensorInfo(x.shape, 'float32', out)
  },
  wasm(x, type, backend) {
    const wasm = backend as BackendWasm
    const out = wasm.makeOutput(x.shape, 'float32')
    const programs = simdPrograms(wasm)
    if (programs === null) roundFloats(floatsOf(wasm, x), floatsOf(wasm, out), type)
    else {
      const round = type === 'f16' ? programs.roundF16 : programs.roundBf16
      round(offsetOf(wasm, x), offsetOf(wasm, out), tf.util.sizeFromShape(x.shape))
    }
    return out
  },
  webgl: (x, type, backend) => roundOnWebgl(backend, x, type),
  webgpu: (x, type, backend) => roundOnDevice(backend as DeviceBackend, x, type),
}

let registered = false

/** Makes the operation known to tfjs on all backends; harmless when repeated. */
function register(): void {
  if (registered) return
  registered = true
  for (const [backendName, round] of Object.entries(KERNELS)) {
    tf.registerKernel({
      kernelName: KERNEL,
      backendName,
      kernelFunc: ({ inputs, attrs, backend }) =>
        round(
          inputs['x'] as tf.TensorInfo,
          (attrs as { type?: HalfType } | undefined)?.type ?? 'f16',
          backend as object,
        ),
    })
  }
  tf.registerGradient({
    kernelName: KERNEL,
    gradFunc: (dy, _, attrs) => ({ x: () => roundToHalf(dy as tf.Tensor, attrs['type'] as HalfType) }),
  })
}

/** `x`, float32, with every value rounded to `type`; a new tensor of the same shape. */
export function roundToHalf<T extends tf.Tensor>(x: T, type: HalfType): T {
  register()
  // No device takes a buffer of nothing.
  return (x.size === 0 ? x.clone() : tf.engine().runKernel(KERNEL, { x }, { type })) as T
}

/** Rounds the weights themselves, those that are trained: no copy keeps what is lost. */
export function roundWeights(parameters: readonly Parameter[], type: HalfType): void {
  for (const { variable, trainable } of parameters) {
    if (!trainable || variable.dtype !== 'float32') continue
    const rounded = roundToHalf(variable as tf.Tensor, type)
    variable.assign(rounded)
    rounded.dispose()
  }
}
