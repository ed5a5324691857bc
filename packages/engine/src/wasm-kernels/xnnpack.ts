/**
 * Plain matrix products on the heap by XNNPACK (11–25 GFLOP/s on one thread), and a blocked transposition to
 * bring transposed operands into that form. tfjs's own transposed products take a scalar path of about
 * 1 GFLOP/s (512³: 10 ms plain, 140 and 280 ms transposed), which training uses for every dense layer.
 */
import type { BackendWasm } from '../tfjs.ts'
import { FLOAT_BYTES, moduleOf } from './heap.ts'

const RANK = 3
/** Rows and columns of a block that stays in the first cache while it is turned. */
const BLOCK = 16

/** Where two shapes of three int32 each are kept for the calls, by backend. */
const shapeAreas = new WeakMap<BackendWasm, number>()

/** out[m,n] = a[m,k] · b[k,n]; all three are byte offsets of dense row-major floats. */
export function multiply(
  backend: BackendWasm,
  a: number,
  b: number,
  out: number,
  m: number,
  k: number,
  n: number,
): void {
  const wasm = moduleOf(backend)
  let shapes = shapeAreas.get(backend)
  if (shapes === undefined) {
    shapes = wasm._malloc(2 * RANK * FLOAT_BYTES) >>> 0
    shapeAreas.set(backend, shapes)
  }
  new Int32Array(wasm.HEAPU8.buffer, shapes, 2 * RANK).set([1, m, k, 1, k, n])
  const ids = [m * k, k * n, m * n].map((size, i) => {
    const id = nextId(backend)
    wasm.tfjs.registerTensor(id, size, [a, b, out][i] as number)
    return id
  }) as [number, number, number]
  wasm._BatchMatMul(ids[0], shapes, RANK, ids[1], shapes + RANK * FLOAT_BYTES, RANK, 0, 0, ids[2])
  // Also drops the packed copy of b that XNNPACK keeps by id.
  for (const id of ids) wasm.tfjs.disposeData(id)
}

/** Numbers that name areas of the heap to the compiled side; tfjs counts them in a private field. */
function nextId(backend: BackendWasm): number {
  const counter = backend as unknown as { dataIdNextNumber: number }
  return counter.dataIdNextNumber++
}

/** Registers an area under a new number for one call of a compiled kernel. */
export function withAreaId<T>(backend: BackendWasm, offset: number, size: number, use: (id: number) => T): T {
  const id = nextId(backend)
  const wasm = moduleOf(backend)
  wasm.tfjs.registerTensor(id, size, offset)
  try {
    return use(id)
  } finally {
    wasm.tfjs.disposeData(id)
  }
}

/** to[c·rows + r] = from[r·columns + c]. */
export function transpose(from: Float32Array, to: Float32Array, rows: number, columns: number): void {
  for (let top = 0; top < rows; top += BLOCK) {
    const bottom = Math.min(top + BLOCK, rows)
    for (let left = 0; left < columns; left += BLOCK) {
      const right = Math.min(left + BLOCK, columns)
      for (let c = left; c < right; c++) {
        for (let r = top; r < bottom; r++) to[c * rows + r] = from[r * columns + c] as number
      }
    }
  }
}
