/**
 * The two gradients of a depthwise convolution, which tfjs's wasm backend lacks. Too few operations per value
 * for a product, so both are direct loops with the channels innermost.
 */
import { tf } from '../tfjs.ts'
import { floatsOf, type Kernel } from './heap.ts'

type Shape4 = [number, number, number, number]
/** Calls `visit` for each pair of an output pixel and a filter tap whose input pixel exists. */
function eachPair(
  info: tf.backend_util.Conv2DInfo,
  visit: (dyAt: number, xAt: number, filterAt: number) => void,
): void {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, padInfo } = info
  const { filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth } = info
  for (let n = 0; n < batchSize; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        const dyAt = ((n * outHeight + oy) * outWidth + ox) * outChannels
        for (let ky = 0; ky < filterHeight; ky++) {
          const y = oy * strideHeight + ky * dilationHeight - padInfo.top
          if (y < 0 || y >= inHeight) continue
          for (let kx = 0; kx < filterWidth; kx++) {
            const column = ox * strideWidth + kx * dilationWidth - padInfo.left
            if (column < 0 || column >= inWidth) continue
            visit(dyAt, ((n * inHeight + y) * inWidth + column) * inChannels, (ky * filterWidth + kx) * outChannels)
          }
        }
      }
    }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: kernel attributes, as tfjs passes them
function infoOf(xShape: number[], filterShape: number[], attrs: any): tf.backend_util.Conv2DInfo {
  const { strides, dilations, pad, dimRoundingMode } = attrs
  const shape = filterShape as Shape4
  return tf.backend_util.computeConv2DInfo(xShape as Shape4, shape, strides, dilations, pad, dimRoundingMode, true)
}

/** DepthwiseConv2dNativeBackpropFilter: inputs x [N,H,W,C], dy [N,OH,OW,C·M]; attrs.filterShape [kh,kw,C,M]. */
export const depthwiseFilterGrad: Kernel = ({ inputs, attrs, backend }) => {
  const info = infoOf(inputs.x.shape, attrs.filterShape, attrs)
  const out = backend.makeOutput(attrs.filterShape, 'float32')
  const dw = floatsOf(backend, out)
  const x = floatsOf(backend, inputs.x)
  const dy = floatsOf(backend, inputs.dy)
  const multiplier = info.outChannels / info.inChannels
  // Sums over the whole batch are kept in double precision.
  const sums = new Float64Array(dw.length)
  eachPair(info, (dyAt, xAt, filterAt) => {
    for (let c = 0, d = 0; c < info.inChannels; c++) {
      const value = x[xAt + c] as number
      for (let m = 0; m < multiplier; m++, d++) {
        sums[filterAt + d] = (sums[filterAt + d] as number) + value * (dy[dyAt + d] as number)
      }
    }
  })
  dw.set(sums)
  return out
}

/** DepthwiseConv2dNativeBackpropInput: inputs dy [N,OH,OW,C·M], filter [kh,kw,C,M]; attrs.inputShape [N,H,W,C]. */
export const depthwiseInputGrad: Kernel = ({ inputs, attrs, backend }) => {
  const info = infoOf(attrs.inputShape, inputs.filter.shape, attrs)
  const out = backend.makeOutput(attrs.inputShape, 'float32')
  const dx = floatsOf(backend, out)
  const dy = floatsOf(backend, inputs.dy)
  const weights = floatsOf(backend, inputs.filter)
  const multiplier = info.outChannels / info.inChannels
  dx.fill(0)
  eachPair(info, (dyAt, xAt, filterAt) => {
    for (let c = 0, d = 0; c < info.inChannels; c++) {
      let sum = dx[xAt + c] as number
      for (let m = 0; m < multiplier; m++, d++) sum += (dy[dyAt + d] as number) * (weights[filterAt + d] as number)
      dx[xAt + c] = sum
    }
  })
  return out
}
