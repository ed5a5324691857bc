/**
 * Products of matrices on the heap by our own tiles: the right operand is packed in panels of eight columns, blocks
 * stay in the second cache, either operand may lie turned (Goto & van de Geijn 2008). Not for: the inner loops
 * (simd/gemm-programs.ts), engines without SIMD (xnnpack.ts).
 */
import type { BackendWasm } from '../tfjs.ts'
import { FLOAT_BYTES, floatsAt, LANES, withScratch } from './heap.ts'
import { TILE_COLUMNS, TILE_ROWS, type TileCall, type TileShape, tileName } from './simd/gemm-programs.ts'
import type { SimdPrograms } from './simd/programs.ts'

/** Values of k, columns and rows of a block: a panel of 8 KiB stays in the first cache, the rest in the second. */
const BLOCK_K = 256
const BLOCK_COLUMNS = 256
const BLOCK_ROWS = 64
/** Panels from which it pays to copy a turned left operand into the order in which tiles read it. */
const PACK_PANELS = 3

/** A matrix of floats on the heap: where it starts in bytes and how many floats lie between its rows. */
export interface Matrix {
  at: number
  row: number
  /** It lies as its transpose: `row` floats between columns then, and the values of a column side by side. */
  turned: boolean
}

export interface Product {
  a: Matrix
  b: Matrix
  /** [m, n], floats between rows. */
  c: { at: number; row: number }
  m: number
  k: number
  n: number
  /** Address of one value a column that every row starts from; zeros without it. */
  bias?: number
}

/** Floats of scratch that a product of this size takes. */
export function productScratch({ m, k, n, a }: Pick<Product, 'm' | 'k' | 'n' | 'a'>): number {
  const deep = Math.min(k, BLOCK_K)
  const wide = roundUp(Math.min(n, BLOCK_COLUMNS), TILE_COLUMNS)
  return (
    deep * wide +
    (a.turned ? deep * roundUp(Math.min(m, BLOCK_ROWS), TILE_ROWS) : 0) +
    roundUp(n, TILE_COLUMNS) +
    (n % LANES === 0 ? 0 : m * TILE_COLUMNS)
  )
}

/** c = a · b (+ bias in every row). Takes `productScratch` floats of room for the time of the call. */
export function product(backend: BackendWasm, programs: SimdPrograms, task: Product): void {
  withScratch(backend, productScratch(task), (room) => productIn(backend, programs, task, room))
}

/** The same in room that the caller has; for many small products. */
export function productIn(backend: BackendWasm, programs: SimdPrograms, task: Product, room: number): void {
  const { a, b, c, m, k, n, bias } = task
  const deep = Math.min(k, BLOCK_K)
  const packedB = room
  const packedA = packedB + deep * roundUp(Math.min(n, BLOCK_COLUMNS), TILE_COLUMNS) * FLOAT_BYTES
  const start = packedA + (a.turned ? deep * roundUp(Math.min(m, BLOCK_ROWS), TILE_ROWS) * FLOAT_BYTES : 0)
  const edge = start + roundUp(n, TILE_COLUMNS) * FLOAT_BYTES
  const initial = floatsAt(backend, start, roundUp(n, TILE_COLUMNS))
  initial.fill(0)
  if (bias !== undefined) initial.set(floatsAt(backend, bias, n))

  // The columns of a last, ragged panel are made beside the result and copied, so that nothing is written past it.
  const ragged = n % LANES === 0 ? 0 : n % TILE_COLUMNS
  for (let left = 0; left < n; left += BLOCK_COLUMNS) {
    const columns = Math.min(BLOCK_COLUMNS, n - left)
    for (let first = 0; first === 0 || first < k; first += BLOCK_K) {
      const depth = Math.min(BLOCK_K, k - first)
      // Lanes that belong to no column are multiplied too; what lies there by chance may be slow to multiply.
      if (ragged > 0) floatsAt(backend, packedB, depth * roundUp(columns, TILE_COLUMNS)).fill(0)
      packRight(programs, b, packedB, { first, depth, left, columns })
      for (let top = 0; top < m; top += BLOCK_ROWS) {
        const rows = Math.min(BLOCK_ROWS, m - top)
        const pack = a.turned && columns > PACK_PANELS * TILE_COLUMNS
        if (pack) packLeft(programs, a, packedA, { first, depth, top, rows })
        for (let column = 0; column < columns; column += TILE_COLUMNS) {
          const width = Math.min(TILE_COLUMNS, columns - column)
          const inEdge = width === ragged && left + column + width === n
          const to = inEdge
            ? { at: edge + top * TILE_COLUMNS * FLOAT_BYTES, row: TILE_COLUMNS }
            : { at: c.at + (top * c.row + left + column) * FLOAT_BYTES, row: c.row }
          rowsOfTiles(programs, {
            vectors: width > LANES ? 2 : 1,
            left: pack
              ? { at: packedA, row: TILE_ROWS, turned: true, packed: true }
              : {
                  ...a,
                  at: a.at + (a.turned ? first * a.row + top : top * a.row + first) * FLOAT_BYTES,
                  packed: false,
                },
            right: packedB + column * depth * FLOAT_BYTES,
            to,
            start: first === 0 ? { at: start + (left + column) * FLOAT_BYTES, row: 0 } : to,
            rows,
            depth,
          })
        }
      }
    }
  }
  if (ragged > 0) {
    const to = c.at + (n - ragged) * FLOAT_BYTES
    copyFloats(programs, edge, to, m, ragged, TILE_COLUMNS, c.row)
  }
}

interface Strip {
  vectors: number
  left: Matrix & { packed: boolean }
  right: number
  to: { at: number; row: number }
  start: { at: number; row: number }
  rows: number
  depth: number
}

/** Full tiles below each other, then a smaller one for what is left. */
function rowsOfTiles(programs: SimdPrograms, strip: Strip): void {
  const { vectors, left, right, to, start, depth } = strip
  const tiles = Math.floor(strip.rows / TILE_ROWS)
  const rest = strip.rows % TILE_ROWS
  const tileStep = left.packed ? depth * TILE_ROWS : left.turned ? TILE_ROWS : TILE_ROWS * left.row
  const call = (rows: number, count: number, skip: number): void =>
    runTiles(
      programs,
      { rows, vectors, along: left.turned ? 'rows' : 'k' },
      {
        a: left.at + skip * tileStep * FLOAT_BYTES,
        b: right,
        c: to.at + skip * TILE_ROWS * to.row * FLOAT_BYTES,
        start: start.at + skip * TILE_ROWS * start.row * FLOAT_BYTES,
        tiles: count,
        k: depth,
        segments: 1,
        aStride: left.row * FLOAT_BYTES,
        aSegment: 0,
        aTile: tileStep * FLOAT_BYTES,
        bStep: vectors * LANES * FLOAT_BYTES,
        cRow: to.row * FLOAT_BYTES,
        startRow: start.row * FLOAT_BYTES,
      },
    )
  if (tiles > 0) call(TILE_ROWS, tiles, 0)
  if (rest > 0) call(rest, 1, tiles)
}

export function runTiles(programs: SimdPrograms, shape: TileShape, t: TileCall): void {
  const program = programs[tileName(shape)] as (...args: number[]) => void
  program(t.a, t.b, t.c, t.start, t.tiles, t.k, t.segments, t.aStride, t.aSegment, t.aTile, t.bStep, t.cRow, t.startRow)
}

interface RightBlock {
  first: number
  depth: number
  left: number
  columns: number
}

/** Panels of up to eight columns, each row after row, in whole vectors. */
function packRight(programs: SimdPrograms, b: Matrix, to: number, { first, depth, left, columns }: RightBlock): void {
  for (let column = 0; column < columns; column += TILE_COLUMNS) {
    const width = Math.min(TILE_COLUMNS, columns - column)
    const panel = to + column * depth * FLOAT_BYTES
    const panelRow = width > LANES ? 2 * LANES : LANES
    for (let group = 0; group < width; group += LANES) {
      const count = Math.min(LANES, width - group)
      const at = panel + group * FLOAT_BYTES
      const source = left + column + group
      if (b.turned) turnInto(programs, b.at + (source * b.row + first) * FLOAT_BYTES, at, count, depth, b.row, panelRow)
      else copyInto(programs, b.at + (first * b.row + source) * FLOAT_BYTES, at, count, depth, b.row, panelRow)
    }
  }
}

interface LeftBlock {
  first: number
  depth: number
  top: number
  rows: number
}

/** Strips of four rows of a turned left operand, each k after k. */
function packLeft(programs: SimdPrograms, a: Matrix, to: number, { first, depth, top, rows }: LeftBlock): void {
  for (let row = 0; row < rows; row += TILE_ROWS) {
    const count = Math.min(TILE_ROWS, rows - row)
    const from = a.at + (first * a.row + top + row) * FLOAT_BYTES
    copyInto(programs, from, to + row * depth * FLOAT_BYTES, count, depth, a.row, TILE_ROWS)
  }
}

/** Up to four values of each of `rows` rows, to rows that are whole vectors. */
function copyInto(
  programs: SimdPrograms,
  from: number,
  to: number,
  count: number,
  rows: number,
  fromRow: number,
  toRow: number,
): void {
  if (count === LANES) programs.copyRows1(from, to, rows, fromRow * FLOAT_BYTES, toRow * FLOAT_BYTES)
  else copyFloats(programs, from, to, rows, count, fromRow, toRow)
}

/** Up to four rows of `columns` values each, turned. */
function turnInto(
  programs: SimdPrograms,
  from: number,
  to: number,
  count: number,
  columns: number,
  fromRow: number,
  toRow: number,
): void {
  const bytes = [fromRow * FLOAT_BYTES, toRow * FLOAT_BYTES] as const
  if (count === LANES) programs.turnRows(from, to, columns, ...bytes)
  else programs.copyFloats(from, to, columns, count, FLOAT_BYTES, bytes[1], bytes[0], FLOAT_BYTES)
}

function copyFloats(
  programs: SimdPrograms,
  from: number,
  to: number,
  rows: number,
  columns: number,
  fromRow: number,
  toRow: number,
): void {
  const step = FLOAT_BYTES
  programs.copyFloats(from, to, rows, columns, fromRow * FLOAT_BYTES, toRow * FLOAT_BYTES, step, step)
}

const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple
