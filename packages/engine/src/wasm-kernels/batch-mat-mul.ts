/**
 * Products of (batches of) matrices with transposed operands: each is turned in scratch space and multiplied by
 * XNNPACK. tfjs's own kernel stays in charge of what it does well (one plain product) and of batches of
 * matrices too small to be worth a call each.
 */
import { tf } from '../tfjs.ts'
import { multiply, transpose } from './gemm.ts'
import { FLOAT_BYTES, floatsAt, type Kernel, offsetOf, originalKernel, withScratch } from './heap.ts'

/** Multiply-adds of one product below which a call of XNNPACK (about 30 µs) costs more than tfjs's loop. */
const SMALL_PRODUCT = 16 * 1024

/** Replaces BatchMatMul. inputs a [..., m, k] or transposed, b [..., k, n] or transposed. */
export function batchMatMul(): Kernel {
  const original = originalKernel('BatchMatMul')
  return (call) => {
    const { inputs, attrs, backend } = call
    const a = inputs.a as tf.TensorInfo
    const b = inputs.b as tf.TensorInfo
    const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean }
    const [aRows = 1, aColumns = 1] = a.shape.slice(-2)
    const [bRows = 1, bColumns = 1] = b.shape.slice(-2)
    const [m, k, n] = [transposeA ? aColumns : aRows, transposeA ? aRows : aColumns, transposeB ? bRows : bColumns]
    const batchShape = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))
    const batch = tf.util.sizeFromShape(batchShape)
    const aBatch = tf.util.sizeFromShape(a.shape.slice(0, -2))
    const bBatch = tf.util.sizeFromShape(b.shape.slice(0, -2))
    const plain = batch === 1 && !transposeA && !transposeB
    const small = m * k * n < SMALL_PRODUCT
    // Several batch axes that broadcast unevenly are rare; tfjs's kernel knows them.
    const uneven = (aBatch !== 1 && aBatch !== batch) || (bBatch !== 1 && bBatch !== batch)
    const empty = batch * m * k * n === 0
    if (plain || small || uneven || empty || a.dtype !== 'float32' || b.dtype !== 'float32') return original(call)

    const out = backend.makeOutput([...batchShape, m, n], 'float32')
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
    return out
  }
}
