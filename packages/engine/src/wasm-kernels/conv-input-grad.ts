/**
 * Conv2DBackpropInput (also transposed convolution), which tfjs does in a scalar loop (10 ms where this takes
 * 1). With stride 1 it is a convolution of dy by the turned filter; otherwise dy · Wᵀ scattered to the pixels.
 */
import type { BackendWasm, tf } from '../tfjs.ts'
import { convInfoOf } from './conv-filter-grad.ts'
import { FLOAT_BYTES, floatsAt, floatsOf, type Kernel, moduleOf, offsetOf, SCRATCH_BYTES, withScratch } from './heap.ts'
import { addWindows, type ConvInfo } from './im2col.ts'
import { multiply, transpose, withAreaId } from './xnnpack.ts'

/** inputs dy [N,OH,OW,K], filter [kh,kw,C,K]; attrs.inputShape [N,H,W,C]. */
export const convInputGrad: Kernel = ({ inputs, attrs, backend }) => {
  const { dy, filter } = inputs as { dy: tf.TensorInfo; filter: tf.TensorInfo }
  const info = convInfoOf(attrs.inputShape, filter.shape, attrs)
  const out = backend.makeOutput(attrs.inputShape, 'float32')
  const { strideHeight, strideWidth, outHeight, outWidth, batchSize, padInfo, filterHeight, filterWidth } = info
  const plain = strideHeight === 1 && strideWidth === 1
  const covered = padInfo.top < filterHeight && padInfo.left < filterWidth
  if (batchSize * outHeight * outWidth === 0) floatsOf(backend, out).fill(0)
  else if (plain && covered) byConvolution(backend, dy, filter, out, info)
  else byScattering(backend, dy, filter, out, info)
  return out
}

function byConvolution(
  backend: BackendWasm,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  out: tf.TensorInfo,
  info: ConvInfo,
): void {
  const { batchSize, outHeight, outWidth, outChannels, inHeight, inWidth, inChannels, filterHeight, filterWidth } = info
  const top = filterHeight - 1 - info.padInfo.top
  const left = filterWidth - 1 - info.padInfo.left
  const bottom = inHeight - outHeight - top + filterHeight - 1
  const right = inWidth - outWidth - left + filterWidth - 1
  const taps = filterHeight * filterWidth
  const plane = inChannels * outChannels
  withScratch(backend, taps * plane, (turned) => {
    const weights = floatsOf(backend, filter)
    const target = floatsAt(backend, turned, taps * plane)
    for (let tap = 0; tap < taps; tap++) {
      const mirrored = taps - 1 - tap
      const from = weights.subarray(tap * plane, (tap + 1) * plane)
      transpose(from, target.subarray(mirrored * plane, (mirrored + 1) * plane), inChannels, outChannels)
    }
    const wasm = moduleOf(backend)
    const idOf = (tensor: tf.TensorInfo) => backend.dataIdMap.get(tensor.dataId).id
    withAreaId(backend, turned, taps * plane, (filterId) => {
      const image = [idOf(dy), batchSize, outHeight, outWidth]
      const window = [filterId, filterHeight, filterWidth, top, right, bottom, left]
      const notSamePad = 0
      wasm._Conv2D(...image, ...window, notSamePad, 1, 1, 1, 1, outChannels, inChannels, idOf(out))
    })
  })
}

function byScattering(
  backend: BackendWasm,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  out: tf.TensorInfo,
  info: ConvInfo,
): void {
  const taps = info.filterHeight * info.filterWidth * info.inChannels
  const pixels = info.outHeight * info.outWidth
  const slice = Math.max(1, Math.min(info.batchSize, Math.floor(SCRATCH_BYTES / (FLOAT_BYTES * taps * pixels))))
  const weights = taps * info.outChannels
  withScratch(backend, weights + taps * pixels * slice, (turned) => {
    const windows = turned + weights * FLOAT_BYTES
    transpose(floatsOf(backend, filter), floatsAt(backend, turned, weights), taps, info.outChannels)
    floatsOf(backend, out).fill(0)
    for (let first = 0; first < info.batchSize; first += slice) {
      const count = Math.min(slice, info.batchSize - first)
      const positions = count * pixels
      const gradient = offsetOf(backend, dy) + first * pixels * info.outChannels * FLOAT_BYTES
      multiply(backend, gradient, turned, windows, positions, info.outChannels, taps)
      addWindows(floatsAt(backend, windows, taps * positions), floatsOf(backend, out), info, first, count)
    }
  })
}
