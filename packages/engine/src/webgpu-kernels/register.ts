/**
 * Puts the kernels of this folder beside tfjs-backend-webgpu's: each call is ours or tfjs's by flag and shape. Not for:
 * what makes ours the better choice (each kernel's own file).
 */
import { tf } from '../tfjs.ts'
import { type ConvInfo, convFilterGradient, filterGradFits } from './conv-filter-grad.ts'
import type { DeviceBackend } from './device.ts'
import { CONV_FILTER_GRADIENT } from './flags.ts'
import { matMulVariant, tiledMatMul } from './matmul.ts'

type Call = Parameters<tf.KernelFunc>[0]
/** Gives null where the call is tfjs's. */
type OwnKernel = (call: Call, backend: DeviceBackend) => tf.TensorInfo | null

let registered = false

/** Once per realm. */
export function registerDeviceKernels(): void {
  if (registered) return
  registered = true
  place('BatchMatMul', batchMatMul)
  place('Conv2DBackpropFilter', filterGradient)
}

function place(name: string, own: OwnKernel): void {
  const config = tf.getKernel(name, 'webgpu')
  tf.unregisterKernel(name, 'webgpu')
  tf.registerKernel({
    ...config,
    kernelFunc: (call) => own(call, call.backend as DeviceBackend) ?? config.kernelFunc(call),
  })
}

const batchMatMul: OwnKernel = ({ inputs, attrs }, backend) => {
  const { a, b } = inputs as Record<'a' | 'b', tf.TensorInfo>
  const { transposeA, transposeB } = attrs as unknown as { transposeA: boolean; transposeB: boolean }
  const product = { a, b, transposeA, transposeB }
  const variant = matMulVariant(backend, product)
  return variant === null ? null : tiledMatMul(backend, product, variant)
}

const filterGradient: OwnKernel = ({ inputs, attrs }, backend) => {
  if (!tf.env().getBool(CONV_FILTER_GRADIENT)) return null
  const { x, dy } = inputs as Record<'x' | 'dy', tf.TensorInfo>
  const { strides, pad, dimRoundingMode, filterShape, dataFormat } = attrs as unknown as {
    strides: number | [number, number]
    pad: 'valid' | 'same' | number
    dimRoundingMode: 'floor' | 'round' | 'ceil'
    filterShape: [number, number, number, number]
    dataFormat: string
  }
  if (dataFormat !== 'NHWC' || x.dtype !== 'float32' || dy.dtype !== 'float32') return null
  const shape = x.shape as [number, number, number, number]
  const info: ConvInfo = tf.backend_util.computeConv2DInfo(shape, filterShape, strides, 1, pad, dimRoundingMode)
  const isEmpty = [...shape, ...filterShape].includes(0)
  return isEmpty || !filterGradFits(backend, info) ? null : convFilterGradient(backend, x, dy, info)
}
