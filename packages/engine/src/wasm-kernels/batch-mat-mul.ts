/**
 * Products of (batches of) matrices, either operand transposed, by our own tiles. Without SIMD tfjs's kernel stays in
 * charge of what it does well (one plain product); transposed operands are then turned first. tfjs 4.22 makes 11
 * GFLOP/s of a 512³ product and about 1 of a transposed one.
 */
import { type BackendWasm, tf } from '../tfjs.ts'
import { FLOAT_BYTES, floatsAt, floatsOf, type Kernel, offsetOf, originalKernel, withScratch } from './heap.ts'
import { product, productIn, productScratch } from './product.ts'
import { simdPrograms } from './simd/instance.ts'
import type { SimdPrograms } from './simd/programs.ts'
import { multiply, transpose } from './xnnpack.ts'

/** Sizes of one call: a [aBatch, m, k] · b [bBatch, k, n], each perhaps transposed; a batch of 1 goes with all. */
interface Sizes {
  m: number
  k: number
  n: number
  batch: number
  aBatch: number
  bBatch: number
  transposeA: boolean
  transposeB: boolean
}

/** Replaces BatchMatMul. inputs a [..., m, k] or transposed, b [..., k, n] or transposed. */
export function batchMatMul(): Kernel {
  const original = originalKernel('BatchMatMul')
  return (call) => {
    const { inputs, attrs, backend } = call
    const { a, b } = inputs as { a: tf.TensorInfo; b: tf.TensorInfo }
    const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean }
    const [aRows = 1, aColumns = 1] = a.shape.slice(-2)
    const [bRows = 1, bColumns = 1] = b.shape.slice(-2)
    const [m, k, n] = [transposeA ? aColumns : aRows, transposeA ? aRows : aColumns, transposeB ? bRows : bColumns]
    const batchShape = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))
    const [batch, aBatch, bBatch] = [batchShape, a.shape.slice(0, -2), b.shape.slice(0, -2)].map((shape) =>
      tf.util.sizeFromShape(shape),
    ) as [number, number, number]
    // Several batch axes that broadcast unevenly are rare; tfjs's kernel knows them.
    const uneven = (aBatch !== 1 && aBatch !== batch) || (bBatch !== 1 && bBatch !== batch)
    if (uneven || a.dtype !== 'float32' || b.dtype !== 'float32') return original(call)
    const sizes = { m, k, n, batch, aBatch, bBatch, transposeA, transposeB }
    const programs = simdPrograms(backend)
    const plain = batch === 1 && !transposeA && !transposeB
    if (programs === null && (plain || batch * m * k * n === 0)) return original(call)
    const out = backend.makeOutput([...batchShape, m, n], 'float32')
    if (batch * m * n === 0) return out
    if (programs === null) byTurning(backend, a, b, out, sizes)
    else byTiles(backend, programs, a, b, out, sizes)
    return out
  }
}

/**
 * Replaces _FusedMatMul: a product with a bias, which training uses where the activation is linear. With any other
 * activation tfjs's kernel stays: it is used without gradients only.
 */
export function fusedMatMul(): Kernel {
  const original = originalKernel('_FusedMatMul')
  return (call) => {
    const { inputs, attrs, backend } = call
    const { a, b, bias } = inputs as Record<'a' | 'b', tf.TensorInfo> & { bias?: tf.TensorInfo }
    const { transposeA, transposeB, activation } = attrs
    const [n = 0] = bias?.shape.slice(-1) ?? []
    const single = a.shape.length === 3 && a.shape[0] === 1 && b.shape.length === 3 && b.shape[0] === 1
    const suited = single && bias !== undefined && tf.util.sizeFromShape(bias.shape) === n && activation === 'linear'
    const programs = suited && bias.dtype === 'float32' && a.dtype === 'float32' ? simdPrograms(backend) : null
    if (programs === null || bias === undefined) return original(call)
    const [, aRows = 0, aColumns = 0] = a.shape
    const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns]
    const out = backend.makeOutput([1, m, n], 'float32')
    if (m * n === 0) return out
    product(backend, programs, {
      a: { at: offsetOf(backend, a), row: aColumns, turned: transposeA },
      b: { at: offsetOf(backend, b), row: b.shape[2] ?? 0, turned: transposeB },
      c: { at: offsetOf(backend, out), row: n },
      ...{ m, k, n, bias: offsetOf(backend, bias) },
    })
    return out
  }
}

function byTiles(
  backend: BackendWasm,
  programs: SimdPrograms,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  out: tf.TensorInfo,
  { m, k, n, batch, aBatch, bBatch, transposeA, transposeB }: Sizes,
): void {
  const [aAt, bAt, cAt] = [a, b, out].map((tensor) => offsetOf(backend, tensor)) as [number, number, number]
  const left = { at: aAt, row: transposeA ? m : k, turned: transposeA }
  const right = { at: bAt, row: transposeB ? k : n, turned: transposeB }
  const [aStep, bStep] = [aBatch === 1 ? 0 : m * k * FLOAT_BYTES, bBatch === 1 ? 0 : k * n * FLOAT_BYTES]
  const task = { a: left, b: right, c: { at: cAt, row: n }, m, k, n }
  withScratch(backend, productScratch(task), (room) => {
    for (let i = 0; i < batch; i++) {
      productIn(backend, programs, task, room, i === 0)
      left.at += aStep
      right.at += bStep
      task.c.at += m * n * FLOAT_BYTES
    }
  })
}

/** The plain form: transposed operands are turned in scratch space, then multiplied by tfjs's own product. */
function byTurning(
  backend: BackendWasm,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  out: tf.TensorInfo,
  { m, k, n, batch, aBatch, bBatch, transposeA, transposeB }: Sizes,
): void {
  if (k === 0) {
    floatsOf(backend, out).fill(0)
    return
  }
  const scratch = (transposeA ? m * k : 0) + (transposeB ? k * n : 0)
  withScratch(backend, scratch, (room) => {
    const turnedB = room + (transposeA ? m * k * FLOAT_BYTES : 0)
    for (let i = 0; i < batch; i++) {
      let left = offsetOf(backend, a) + (aBatch === 1 ? 0 : i * m * k * FLOAT_BYTES)
      let right = offsetOf(backend, b) + (bBatch === 1 ? 0 : i * k * n * FLOAT_BYTES)
      if (transposeA) {
        if (i === 0 || aBatch > 1) transpose(floatsAt(backend, left, m * k), floatsAt(backend, room, m * k), k, m)
        left = room
      }
      if (transposeB) {
        if (i === 0 || bBatch > 1) transpose(floatsAt(backend, right, k * n), floatsAt(backend, turnedB, k * n), n, k)
        right = turnedB
      }
      multiply(backend, left, right, offsetOf(backend, out) + i * m * n * FLOAT_BYTES, m, k, n)
    }
  })
}
