/**
 * Conv2DBackpropFilter, which tfjs's wasm backend lacks: dW = windows(x)ᵀ · dy, one product for each slice of
 * the batch that fits the scratch space.
 */
import { RondoError } from '@rondo/protocol'
import { tf } from '../tfjs.ts'
import { multiply } from './gemm.ts'
import { FLOAT_BYTES, floatsAt, floatsOf, type Kernel, offsetOf, SCRATCH_BYTES, withScratch } from './heap.ts'
import { type ConvInfo, windowsTransposed } from './im2col.ts'

/** inputs x [N,H,W,C], dy [N,OH,OW,K]; attrs.filterShape [kh,kw,C,K]. */
export const convFilterGrad: Kernel = ({ inputs, attrs, backend }) => {
  const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo }
  const info = convInfoOf(x.shape, attrs.filterShape, attrs)
  const taps = info.filterHeight * info.filterWidth * info.inChannels
  const pixels = info.outHeight * info.outWidth
  const out = backend.makeOutput(attrs.filterShape, 'float32')
  const size = taps * info.outChannels
  const slice = Math.max(1, Math.min(info.batchSize, Math.floor(SCRATCH_BYTES / (FLOAT_BYTES * taps * pixels))))
  if (info.batchSize * pixels === 0) floatsOf(backend, out).fill(0)
  withScratch(backend, taps * pixels * slice + size, (windows) => {
    const partial = windows + taps * pixels * slice * FLOAT_BYTES
    for (let first = 0; first < info.batchSize && pixels > 0; first += slice) {
      const count = Math.min(slice, info.batchSize - first)
      const positions = count * pixels
      windowsTransposed(floatsOf(backend, x), floatsAt(backend, windows, taps * positions), info, first, count)
      const gradient = offsetOf(backend, dy) + first * pixels * info.outChannels * FLOAT_BYTES
      const target = first === 0 ? offsetOf(backend, out) : partial
      multiply(backend, windows, gradient, target, taps, positions, info.outChannels)
      if (first > 0) accumulate(floatsOf(backend, out), floatsAt(backend, partial, size))
    }
  })
  return out
}

function accumulate(sum: Float32Array, more: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (more[i] as number)
}

interface ConvAttrs {
  strides: number | [number, number]
  pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding
  dataFormat: 'NHWC' | 'NCHW'
  dimRoundingMode?: 'floor' | 'round' | 'ceil'
}

/** Geometry of a gradient's convolution; tfjs differentiates undilated channels-last ones only. */
export function convInfoOf(xShape: number[], filterShape: number[], attrs: ConvAttrs): ConvInfo {
  if (attrs.dataFormat === 'NCHW') {
    throw new RondoError(
      'UNSUPPORTED',
      'conv2d with dataFormat "NCHW" was differentiated on accelerator "wasm", which takes "NHWC" only. ' +
        'Put channels last, or use webgpu or cpu.',
    )
  }
  return tf.backend_util.computeConv2DInfo(
    xShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    attrs.strides,
    1,
    attrs.pad,
    attrs.dimRoundingMode,
  )
}
