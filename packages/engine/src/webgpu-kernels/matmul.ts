/**
 * Matrix products for large shapes: tiles of 64×64, each thread 8×8 of them, so that a value that was fetched is used
 * sixteen times as often as it is read from workgroup memory by tfjs's 4×4. With shader-f16 the sums of a tile run in
 * half precision. Off unless its flag is set: no GPU has shown it to be faster yet. Not for: bias and activation.
 */
import { tf } from '../tfjs.ts'
import type { DeviceBackend } from './device.ts'
import { MATMUL } from './flags.ts'
import { runKernel } from './run.ts'

/** Rows and columns of a workgroup's part of the output. */
const TILE = 64
/** Depth of what lies in workgroup memory at a time. */
const DEPTH = 16
/** Rows and columns of a thread. */
const OWN = 8
const THREADS = (TILE / OWN) ** 2
/** Fewer tiles leave most of a GPU idle; there tfjs's smaller ones are the better choice. */
const FEWEST_TILES = 16

export type MatMulVariant = 'tiled' | 'tiled-f16'

interface Product {
  a: tf.TensorInfo
  b: tf.TensorInfo
  transposeA: boolean
  transposeB: boolean
}

/** [batch, rows, columns, depth] of a product, by tfjs's rules. */
function extents({ a, b, transposeA, transposeB }: Product): [number, number, number, number] {
  const [lastA, beforeA] = [a.shape.at(-1) as number, a.shape.at(-2) as number]
  const [lastB, beforeB] = [b.shape.at(-1) as number, b.shape.at(-2) as number]
  const batch = Math.max(batchOf(a), batchOf(b))
  return [batch, transposeA ? lastA : beforeA, transposeB ? beforeB : lastB, transposeA ? beforeA : lastA]
}

const batchOf = ({ shape }: tf.TensorInfo): number => shape.slice(0, -2).reduce((size, extent) => size * extent, 1)

/** The variant that the flag and the device give this product; null leaves it to tfjs. */
export function matMulVariant(backend: DeviceBackend, product: Product): MatMulVariant | null {
  const wish = tf.env().getString(MATMUL)
  if (wish !== 'tiled' && wish !== 'tiled-f16') return null
  const [batch, rows, columns, depth] = extents(product)
  const { a, b } = product
  // One that is repeated along a part of the batch only is left to tfjs.
  if (a.shape.slice(0, -2).join() !== b.shape.slice(0, -2).join() && batchOf(a) !== 1 && batchOf(b) !== 1) return null
  if (a.dtype !== 'float32' || b.dtype !== 'float32' || depth === 0) return null
  if (batch * Math.ceil(rows / TILE) * Math.ceil(columns / TILE) < FEWEST_TILES) return null
  return wish === 'tiled-f16' && !backend.device.features.has('shader-f16') ? 'tiled' : wish
}

/** Whether the flag asks for products in half precision, where the device has it. */
export function usesHalfProducts(): boolean {
  return tf.env().getString(MATMUL) === 'tiled-f16'
}

/** a · b with either side transposed; the operands share their batch, or one has none. */
export function tiledMatMul(backend: DeviceBackend, product: Product, variant: MatMulVariant): tf.Tensor {
  const [batch, rows, columns, depth] = extents(product)
  const { a, b, transposeA, transposeB } = product
  const outer = batchOf(a) >= batchOf(b) ? a.shape.slice(0, -2) : b.shape.slice(0, -2)
  return runKernel(backend, {
    key: `rondo matmul ${variant} ${transposeA} ${transposeB}`,
    source: () => matMulSource(variant, transposeA, transposeB),
    inputs: [a, b],
    shape: [...outer, rows, columns],
    uniforms: [rows, columns, depth, batchOf(a) === 1 ? 0 : rows * depth, batchOf(b) === 1 ? 0 : columns * depth],
    workgroups: [Math.ceil(columns / TILE), Math.ceil(rows / TILE), batch],
  })
}

/** WGSL of a variant. */
export function matMulSource(variant: MatMulVariant, transposeA: boolean, transposeB: boolean): string {
  const half = variant === 'tiled-f16'
  // Which of a tile's values thread `t` fetches: neighbours in memory go to neighbours.
  const across = (name: string): string => `let k = t / ${TILE}u; let ${name} = t % ${TILE}u;`
  const along = (name: string): string => `let ${name} = t / ${DEPTH}u; let k = t % ${DEPTH}u;`
  // Half precision is kept to sums of sixteen. SwiftShader does not clear a `var` of a loop, so that is done by hand.
  const sum = half ? 'part' : 'sums'
  return `
${half ? 'enable f16;' : ''}
alias T = ${half ? 'f16' : 'f32'};
struct Sizes { rows: u32, columns: u32, depth: u32, aBatch: u32, bBatch: u32 }
@group(0) @binding(0) var<uniform> size: Sizes;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;
var<workgroup> tileA: array<T, ${DEPTH * TILE}>;
var<workgroup> tileB: array<T, ${DEPTH * TILE}>;

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let top = group.y * ${TILE}u;
  let left = group.x * ${TILE}u;
  let startA = group.z * size.aBatch;
  let startB = group.z * size.bBatch;
  let ownRow = (lane / ${TILE / OWN}u) * ${OWN}u;
  let ownColumn = (lane % ${TILE / OWN}u) * ${OWN}u;
  var sums: array<f32, ${OWN * OWN}>;
  for (var deep = 0u; deep < size.depth; deep += ${DEPTH}u) {
    for (var t = lane; t < ${DEPTH * TILE}u; t += ${THREADS}u) {
      { ${transposeA ? across('m') : along('m')}
        var value = 0.0;
        if (top + m < size.rows && deep + k < size.depth) {
          value = a[startA + ${transposeA ? '(deep + k) * size.rows + top + m' : '(top + m) * size.depth + deep + k'}];
        }
        tileA[k * ${TILE}u + m] = T(value); }
      { ${transposeB ? along('n') : across('n')}
        var value = 0.0;
        if (left + n < size.columns && deep + k < size.depth) {
          value = b[startB + ${transposeB ? '(left + n) * size.depth + deep + k' : '(deep + k) * size.columns + left + n'}];
        }
        tileB[k * ${TILE}u + n] = T(value); }
    }
    workgroupBarrier();
    ${half ? `var part: array<f16, ${OWN * OWN}>; for (var i = 0u; i < ${OWN * OWN}u; i++) { part[i] = 0.0h; }` : ''}
    for (var k = 0u; k < ${DEPTH}u; k++) {
      var rowB: array<T, ${OWN}>;
      for (var j = 0u; j < ${OWN}u; j++) { rowB[j] = tileB[k * ${TILE}u + ownColumn + j]; }
      for (var i = 0u; i < ${OWN}u; i++) {
        let value = tileA[k * ${TILE}u + ownRow + i];
        for (var j = 0u; j < ${OWN}u; j++) { ${sum}[i * ${OWN}u + j] = fma(value, rowB[j], ${sum}[i * ${OWN}u + j]); }
      }
    }
    ${half ? `for (var i = 0u; i < ${OWN * OWN}u; i++) { sums[i] += f32(part[i]); }` : ''}
    workgroupBarrier();
  }
  let out = group.z * size.rows * size.columns;
  for (var i = 0u; i < ${OWN}u; i++) {
    for (var j = 0u; j < ${OWN}u; j++) {
      let row = top + ownRow + i;
      let column = left + ownColumn + j;
      if (row < size.rows && column < size.columns) { result[out + row * size.columns + column] = sums[i * ${OWN}u + j]; }
    }
  }
}
`
}
