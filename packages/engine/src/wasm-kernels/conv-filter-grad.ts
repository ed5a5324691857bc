/**
 * Conv2DBackpropFilter, which tfjs's wasm backend lacks. With output channels in fours: one vector program for
 * each filter tap, straight from the image. Otherwise dW = windows(x)ᵀ · dy, one product for each slice of the
 * batch that fits the scratch space.
 */
import { RondoError } from '@rondo/protocol'
import { tf } from '../tfjs.ts'
import { FLOAT_BYTES, floatsAt, floatsOf, type Kernel, LANES, offsetOf, SCRATCH_BYTES, withScratch } from './heap.ts'
import { type ConvInfo, windowsTransposed } from './im2col.ts'
import { simdPrograms } from './simd/instance.ts'
import type { SimdPrograms } from './simd/programs.ts'
import { multiply } from './xnnpack.ts'

/** Bytes of output gradients that one pass over the taps reads again and again. */
const PASS_BYTES = 128 * 1024

/** inputs x [N,H,W,C], dy [N,OH,OW,K]; attrs.filterShape [kh,kw,C,K]. */
export const convFilterGrad: Kernel = ({ inputs, attrs, backend }) => {
  const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo }
  const info = convInfoOf(x.shape, attrs.filterShape, attrs)
  const taps = info.filterHeight * info.filterWidth * info.inChannels
  const pixels = info.outHeight * info.outWidth
  const out = backend.makeOutput(attrs.filterShape, 'float32')
  const programs = info.outChannels % LANES === 0 ? simdPrograms(backend) : null
  if (programs !== null) {
    floatsOf(backend, out).fill(0)
    const [xAt, dyAt, outAt] = [x, dy, out].map((tensor) => offsetOf(backend, tensor)) as [number, number, number]
    for (let first = 0; first < info.batchSize; first += imagesPerPass(info)) {
      const count = Math.min(imagesPerPass(info), info.batchSize - first)
      addTaps(programs, info, { xAt, dyAt, outAt, first, count })
    }
    return out
  }
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

/** Images whose output gradients together stay in the second cache while all taps pass over them. */
function imagesPerPass({ outHeight, outWidth, outChannels }: ConvInfo): number {
  return Math.max(1, Math.floor(PASS_BYTES / (FLOAT_BYTES * outHeight * outWidth * outChannels)))
}

interface Pass {
  /** Addresses of the three tensors. */
  xAt: number
  dyAt: number
  outAt: number
  first: number
  count: number
}

/** Adds the share of some images to each tap of the filter gradient. */
function addTaps(programs: SimdPrograms, info: ConvInfo, { xAt, dyAt, outAt, first, count }: Pass): void {
  const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, padInfo } = info
  const pixel = inChannels * FLOAT_BYTES
  const dyPixel = outChannels * FLOAT_BYTES
  let out = outAt
  for (let ky = 0; ky < info.filterHeight; ky++) {
    const rows = insideRange(ky - padInfo.top, info.strideHeight, inHeight, outHeight)
    for (let kx = 0; kx < info.filterWidth; kx++) {
      const columns = insideRange(kx - padInfo.left, info.strideWidth, inWidth, outWidth)
      const y = rows.from * info.strideHeight + ky - padInfo.top
      const column = columns.from * info.strideWidth + kx - padInfo.left
      const x = xAt + ((first * inHeight + y) * inWidth + column) * pixel
      const dy = dyAt + ((first * outHeight + rows.from) * outWidth + columns.from) * dyPixel
      const counts = [count, rows.count, columns.count] as const
      const xSteps = [
        inHeight * inWidth * pixel,
        info.strideHeight * inWidth * pixel,
        info.strideWidth * pixel,
      ] as const
      const dySteps = [outHeight * outWidth * dyPixel, outWidth * dyPixel, dyPixel] as const
      for (let c = 0; c < inChannels; c++, out += dyPixel) {
        for (let k = 0; k < outChannels; ) {
          const left = outChannels - k
          const program = left >= 16 ? programs.outerSum4 : left >= 8 ? programs.outerSum2 : programs.outerSum1
          program(x + c * FLOAT_BYTES, dy + k * FLOAT_BYTES, out + k * FLOAT_BYTES, ...counts, ...xSteps, ...dySteps)
          k += left >= 16 ? 16 : left >= 8 ? 8 : LANES
        }
      }
    }
  }
}

/** Output positions o with 0 ≤ o·stride + shift < extent. */
function insideRange(shift: number, stride: number, extent: number, outputs: number): { from: number; count: number } {
  const from = Math.max(0, Math.ceil(-shift / stride))
  const to = Math.min(outputs, Math.floor((extent - 1 - shift) / stride) + 1)
  return { from, count: Math.max(0, to - from) }
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
