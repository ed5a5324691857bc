/**
 * Convolution windows as matrices: the index arithmetic that turns a convolution's gradients into products
 * (Chellapilla et al. 2006). Images are NHWC; a position is an output pixel, a tap is (row, column, channel)
 * of the filter. Not for: multiplying (xnnpack.ts).
 */
import type { tf } from '../tfjs.ts'

export type ConvInfo = tf.backend_util.Conv2DInfo

/**
 * taps[tap · positions + position] = the input value under that tap, 0 outside the image, for the images
 * first ≤ n < first + count. Transposed with regard to the usual layout, so that it is the left factor as is.
 */
export function windowsTransposed(
  x: Float32Array,
  taps: Float32Array,
  info: ConvInfo,
  first: number,
  count: number,
): void {
  const { inHeight, inWidth, inChannels, outHeight, outWidth, filterHeight, filterWidth } = info
  const { strideHeight, strideWidth, dilationHeight, dilationWidth, padInfo } = info
  const positions = count * outHeight * outWidth
  const step = strideWidth * inChannels
  let tap = 0
  for (let ky = 0; ky < filterHeight; ky++) {
    for (let kx = 0; kx < filterWidth; kx++) {
      const shift = kx * dilationWidth - padInfo.left
      // Output columns whose window column lies inside the image.
      const from = Math.min(outWidth, Math.max(0, Math.ceil(-shift / strideWidth)))
      const to = Math.max(from, Math.min(outWidth, Math.floor((inWidth - 1 - shift) / strideWidth) + 1))
      for (let c = 0; c < inChannels; c++, tap++) {
        let at = tap * positions
        for (let n = first; n < first + count; n++) {
          for (let oy = 0; oy < outHeight; oy++) {
            const y = oy * strideHeight + ky * dilationHeight - padInfo.top
            if (y < 0 || y >= inHeight) {
              for (let ox = 0; ox < outWidth; ox++) taps[at++] = 0
              continue
            }
            let source = ((n * inHeight + y) * inWidth + from * strideWidth + shift) * inChannels + c
            for (let ox = 0; ox < from; ox++) taps[at++] = 0
            for (let ox = from; ox < to; ox++) {
              taps[at++] = x[source] as number
              source += step
            }
            for (let ox = to; ox < outWidth; ox++) taps[at++] = 0
          }
        }
      }
    }
  }
}

/** dx += what each position's taps (position-major: [positions, taps]) contribute to the pixels under them. */
export function addWindows(taps: Float32Array, dx: Float32Array, info: ConvInfo, first: number, count: number): void {
  const { inHeight, inWidth, inChannels, outHeight, outWidth, filterHeight, filterWidth } = info
  const { strideHeight, strideWidth, dilationHeight, dilationWidth, padInfo } = info
  let at = 0
  for (let n = first; n < first + count; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        for (let ky = 0; ky < filterHeight; ky++) {
          const y = oy * strideHeight + ky * dilationHeight - padInfo.top
          for (let kx = 0; kx < filterWidth; kx++, at += inChannels) {
            const column = ox * strideWidth + kx * dilationWidth - padInfo.left
            if (y < 0 || y >= inHeight || column < 0 || column >= inWidth) continue
            const target = ((n * inHeight + y) * inWidth + column) * inChannels
            for (let c = 0; c < inChannels; c++) {
              dx[target + c] = (dx[target + c] as number) + (taps[at + c] as number)
            }
          }
        }
      }
    }
  }
}
