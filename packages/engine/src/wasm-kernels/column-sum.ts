/**
 * Sum over all axes but the last, as every bias gradient is. tfjs transposes first; here the columns are summed
 * where they lie, in groups of rows so that rounding does not grow with the batch.
 */
import { tf } from '../tfjs.ts'
import { FLOAT_BYTES, floatsOf, type Kernel, LANES, offsetOf, originalKernel } from './heap.ts'
import { simdPrograms } from './simd/instance.ts'

/** Rows whose sum is formed before it is added to the total. */
const GROUP_ROWS = 256
const WIDE = 4 * LANES

/** Replaces Sum. attrs.axis one axis or several, attrs.keepDims. */
export function columnSum(): Kernel {
  const original = originalKernel('Sum')
  return (call) => {
    const { inputs, attrs, backend } = call
    const x = inputs.x as tf.TensorInfo
    const rank = x.shape.length
    const columns = x.shape.at(-1) ?? 1
    const axes = tf.util.parseAxisParam(attrs.axis, x.shape)
    const leading = rank > 1 && axes.length === rank - 1 && !axes.includes(rank - 1)
    const suited = leading && x.dtype === 'float32' && columns > 0 && columns % LANES === 0
    const programs = suited ? simdPrograms(backend) : null
    if (programs === null) return original(call)
    const shape = attrs.keepDims ? x.shape.map((extent, axis) => (axis === rank - 1 ? extent : 1)) : [columns]
    const out = backend.makeOutput(shape, 'float32')
    floatsOf(backend, out).fill(0)
    const rows = x.shape.slice(0, -1).reduce((product, extent) => product * extent, 1)
    const [from, to] = [offsetOf(backend, x), offsetOf(backend, out)]
    const rowBytes = columns * FLOAT_BYTES
    for (let row = 0; row < rows; row += GROUP_ROWS) {
      const count = Math.min(GROUP_ROWS, rows - row)
      for (let c = 0; c < columns; ) {
        const wide = columns - c >= WIDE
        const program = wide ? programs.columnSum4 : programs.columnSum1
        program(from + row * rowBytes + c * FLOAT_BYTES, to + c * FLOAT_BYTES, count, rowBytes)
        c += wide ? WIDE : LANES
      }
    }
    return out
  }
}
