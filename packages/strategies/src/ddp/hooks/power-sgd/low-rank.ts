/**
 * The three products of PowerSGD and the orthonormalisation, on the host: M is n × m by rows; factors lie by columns,
 * so every loop runs along memory. Sums are float64 and depend on nothing but their operands: ranks on different
 * devices get the same bytes.
 */

/** Share of a column's length below which its rest counts as rounding: a few float32 roundings. */
const SPAN_TOLERANCE = 1e-6

/** P = M·Q. `q` holds r columns of m values, the result r columns of n. */
export function timesQ(matrix: Float32Array, n: number, m: number, q: Float32Array, r: number): Float32Array {
  const p = new Float32Array(r * n)
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < r; k++) {
      let sum = 0
      for (let j = 0; j < m; j++) sum += (matrix[i * m + j] as number) * (q[k * m + j] as number)
      p[k * n + i] = sum
    }
  }
  return p
}

/** Q = Mᵀ·P. `p` holds r columns of n values, the result r columns of m. */
export function transposedTimesP(matrix: Float32Array, n: number, m: number, p: Float32Array, r: number): Float32Array {
  const sums = new Float64Array(r * m)
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < r; k++) {
      const factor = p[k * n + i] as number
      for (let j = 0; j < m; j++) sums[k * m + j] = (sums[k * m + j] as number) + factor * (matrix[i * m + j] as number)
    }
  }
  return Float32Array.from(sums)
}

/** out = P·Qᵀ, n × m by rows. */
export function product(p: Float32Array, q: Float32Array, n: number, m: number, r: number, out: Float32Array): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      let sum = 0
      for (let k = 0; k < r; k++) sum += (p[k * n + i] as number) * (q[k * m + j] as number)
      out[i * m + j] = sum
    }
  }
}

/**
 * Makes r columns of `length` values orthonormal, in order and in place (modified Gram–Schmidt). A column that is
 * nothing but zeros, or lies in the span of those before it, becomes zeros.
 * @param epsilon added to each norm
 */
export function orthonormalise(columns: Float32Array, length: number, r: number, epsilon: number): void {
  for (let k = 0; k < r; k++) {
    const column = columns.subarray(k * length, (k + 1) * length)
    const before = normOf(column)
    for (let other = 0; other < k; other++) {
      const unit = columns.subarray(other * length, (other + 1) * length)
      const along = dot(unit, column)
      for (let i = 0; i < length; i++) column[i] = (column[i] as number) - along * (unit[i] as number)
    }
    const norm = normOf(column)
    // What float32 leaves of a column in the others' span is rounding noise and no direction. NaN stays to be seen.
    const scale = norm <= before * SPAN_TOLERANCE ? 0 : 1 / (norm + epsilon)
    for (let i = 0; i < length; i++) column[i] = (column[i] as number) * scale
  }
}

/** Euclidean length. */
export function normOf(x: Float32Array): number {
  return Math.sqrt(dot(x, x))
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}
