/**
 * Add, Sub, Multiply and RealDiv of floats with any broadcasting, as rows over rows. tfjs's broadcasting loop takes
 * nine times as long as its plain addition (0.83 ms against 0.09 for 64×26×26×8 plus a bias). Other types stay with
 * tfjs.
 */
import { type BackendWasm, tf } from '../tfjs.ts'
import { FLOAT_BYTES, type Kernel, offsetOf, originalKernel } from './heap.ts'
import { simdPrograms } from './simd/instance.ts'
import type { SimdPrograms } from './simd/programs.ts'
import type { Arithmetic } from './simd/row-programs.ts'

/** Neighbouring axes along which each operand either has its own values or repeats, as one. Steps in floats. */
interface Axis {
  extent: number
  aStep: number
  bStep: number
}

/** Replaces the kernel `name` of tfjs. inputs a, b of any shapes that broadcast. */
export function broadcastingArithmetic(name: string, operation: Arithmetic): Kernel {
  const original = originalKernel(name)
  return (call) => {
    const { inputs, backend } = call
    const { a, b } = inputs as { a: tf.TensorInfo; b: tf.TensorInfo }
    const programs = a.dtype === 'float32' && b.dtype === 'float32' ? simdPrograms(backend) : null
    if (programs === null) return original(call)
    const shape = tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape)
    const out = backend.makeOutput(shape, 'float32')
    if (tf.util.sizeFromShape(shape) > 0) calculate(backend, programs, operation, a, b, out)
    return out
  }
}

function calculate(
  backend: BackendWasm,
  programs: SimdPrograms,
  operation: Arithmetic,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  out: tf.TensorInfo,
): void {
  const axes = mergedAxes(a.shape, b.shape, out.shape)
  const columns = axes.pop() as Axis
  const rows = axes.pop() ?? { extent: 1, aStep: 0, bStep: 0 }
  const program = programs[`${operation}${columns.aStep === 0 ? 'A' : columns.bStep === 0 ? 'B' : 'None'}`]
  const size = rows.extent * columns.extent
  let to = offsetOf(backend, out)
  const run = (axis: number, aAt: number, bAt: number): void => {
    const outer = axes[axis]
    if (outer === undefined) {
      program(aAt, bAt, to, rows.extent, columns.extent, rows.aStep * FLOAT_BYTES, rows.bStep * FLOAT_BYTES)
      to += size * FLOAT_BYTES
      return
    }
    for (let i = 0; i < outer.extent; i++) {
      run(axis + 1, aAt + i * outer.aStep * FLOAT_BYTES, bAt + i * outer.bStep * FLOAT_BYTES)
    }
  }
  run(0, offsetOf(backend, a), offsetOf(backend, b))
}

/** First axis first; at least one. Where one operand repeats its step is 0. */
function mergedAxes(aShape: number[], bShape: number[], shape: number[]): Axis[] {
  const axes: Axis[] = []
  let [aStep, bStep] = [1, 1]
  let [aWas, bWas] = [false, false]
  for (let i = 1; i <= shape.length; i++) {
    const extent = shape.at(-i) as number
    if (extent === 1) continue
    const [aHas, bHas] = [(aShape.at(-i) ?? 1) > 1, (bShape.at(-i) ?? 1) > 1]
    const last = axes[0]
    if (last !== undefined && aHas === aWas && bHas === bWas) last.extent *= extent
    else axes.unshift({ extent, aStep: aHas ? aStep : 0, bStep: bHas ? bStep : 0 })
    if (aHas) aStep *= extent
    if (bHas) bStep *= extent
    aWas = aHas
    bWas = bHas
  }
  return axes.length > 0 ? axes : [{ extent: 1, aStep: 1, bStep: 1 }]
}
