/**
 * Sum and Mean over leading axes (every bias gradient) or trailing ones (softmax, normalisation, losses). tfjs
 * transposes first where the axes do not come last; here values are summed where they lie, in groups so that rounding
 * does not grow with their number.
 */
import { type BackendWasm, tf } from '../tfjs.ts'
import { FLOAT_BYTES, floatsOf, type Kernel, LANES, offsetOf, originalKernel } from './heap.ts'
import { simdPrograms } from './simd/instance.ts'
import type { SimdPrograms } from './simd/programs.ts'

/** Rows, or values of a row for each lane, whose sum is formed before it is added to the total. */
const GROUP = 256
const WIDE = 4 * LANES

/** Replaces Sum or Mean. attrs.axis one axis or several, attrs.keepDims. */
export function sumOrMean(name: 'Sum' | 'Mean'): Kernel {
  const original = originalKernel(name)
  return (call) => {
    const { inputs, attrs, backend } = call
    const x = inputs.x as tf.TensorInfo
    const axes = tf.util.parseAxisParam(attrs.axis, x.shape)
    const split = x.dtype === 'float32' ? splitOf(x.shape, axes) : null
    const programs = split === null ? null : simdPrograms(backend)
    if (split === null || programs === null) return original(call)
    const { outer, inner, over } = split
    const kept = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
    const shape = attrs.keepDims ? kept : x.shape.filter((_, axis) => !axes.includes(axis))
    const out = backend.makeOutput(shape, 'float32')
    const values = floatsOf(backend, out)
    values.fill(0)
    if (over === 'outer') sumRows(backend, programs, x, out, outer, inner)
    else sumColumns(backend, programs, x, out, outer, inner)
    if (name === 'Mean') {
      const count = over === 'outer' ? outer : inner
      for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) / count
    }
    return out
  }
}

interface Split {
  /** Values before and after the place where summed axes meet the others. */
  outer: number
  inner: number
  over: 'outer' | 'inner'
}

/** Null where summed axes lie among others, or where there is nothing to sum. */
function splitOf(shape: number[], axes: number[]): Split | null {
  const summed = shape.flatMap((extent, axis) => (extent === 1 ? [] : [axes.includes(axis)]))
  const size = tf.util.sizeFromShape(shape)
  if (size === 0 || summed.length === 0) return null
  const count = axes.reduce((product, axis) => product * (shape[axis] as number), 1)
  const changes = summed.filter((one, i) => i > 0 && one !== summed[i - 1]).length
  if (changes > 1 || count === 1) return null
  return summed.at(-1)
    ? { outer: size / count, inner: count, over: 'inner' }
    : { outer: count, inner: size / count, over: 'outer' }
}

/** out[c] = Σ over rows. */
function sumRows(
  backend: BackendWasm,
  programs: SimdPrograms,
  x: tf.TensorInfo,
  out: tf.TensorInfo,
  rows: number,
  columns: number,
): void {
  const [from, to] = [offsetOf(backend, x), offsetOf(backend, out)]
  const rowBytes = columns * FLOAT_BYTES
  for (let row = 0; row < rows; row += GROUP) {
    const count = Math.min(GROUP, rows - row)
    for (let c = 0; c < columns; ) {
      const left = columns - c
      const width = left >= WIDE ? WIDE : left >= LANES ? LANES : 1
      const program =
        width === WIDE ? programs.columnSum4 : width === LANES ? programs.columnSum1 : programs.columnSumSingle
      program(from + row * rowBytes + c * FLOAT_BYTES, to + c * FLOAT_BYTES, count, rowBytes)
      c += width
    }
  }
}

/** out[row] = Σ over columns. */
function sumColumns(
  backend: BackendWasm,
  programs: SimdPrograms,
  x: tf.TensorInfo,
  out: tf.TensorInfo,
  rows: number,
  columns: number,
): void {
  const [from, to] = [offsetOf(backend, x), offsetOf(backend, out)]
  const group = GROUP * LANES
  for (let column = 0; column < columns; column += group) {
    const count = Math.min(group, columns - column)
    programs.rowSum(from + column * FLOAT_BYTES, to, rows, count, columns * FLOAT_BYTES)
  }
}
