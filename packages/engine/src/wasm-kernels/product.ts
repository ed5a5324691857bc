/**
 * Products of matrices on the heap by our own tiles: the right operand is packed in panels of eight columns, blocks
 * stay in the second cache, either operand may lie turned (Goto & van de Geijn 2008). Not for: the inner loops
 * (simd/gemm-programs.ts), engines without SIMD (xnnpack.ts).
 */
import type { BackendWasm } from '../tfjs.ts'
import { FLOAT_BYTES, floatsAt, LANES, withScratch } from './heap.ts'
import { TILE_COLUMNS, TILE_ROWS, type TileCall, tileIndex } from './simd/gemm-programs.ts'
import type { SimdPrograms } from './simd/programs.ts'
import type { TileTask } from './simd/team.ts'
import { runTile, sharesOf, tileTask } from './simd/tile-calls.ts'

/** Values of k, columns and rows of a block: a panel of 8 KiB stays in the first cache, the rest in the second. */
const BLOCK_K = 256
const BLOCK_COLUMNS = 256
const BLOCK_ROWS = 64
/** Multiply-adds of a block from which waking other threads pays: half a millisecond of one. */
const TEAM_WORK = 8 * 1024 * 1024
/** Tasks for each thread, so that one that starts late takes fewer. */
const TASKS_A_THREAD = 4
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
    (a.turned ? deep * roundUp(m, TILE_ROWS) : 0) +
    roundUp(n, TILE_COLUMNS) +
    (n % LANES === 0 ? 0 : m * TILE_COLUMNS)
  )
}

/** c = a · b (+ bias in every row). Takes `productScratch` floats of room for the time of the call. */
export function product(backend: BackendWasm, programs: SimdPrograms, task: Product): void {
  withScratch(backend, productScratch(task), (room) => productIn(backend, programs, task, room))
}

/**
 * The same in room that the caller has; for many small products, of which only the `fresh` one, the first of its size
 * and bias, prepares that room.
 */
export function productIn(
  backend: BackendWasm,
  programs: SimdPrograms,
  task: Product,
  room: number,
  fresh = true,
): void {
  const { a, b, c, m, k, n, bias } = task
  const deep = Math.min(k, BLOCK_K)
  const packedB = room
  const packedA = packedB + deep * roundUp(Math.min(n, BLOCK_COLUMNS), TILE_COLUMNS) * FLOAT_BYTES
  const start = packedA + (a.turned ? deep * roundUp(m, TILE_ROWS) * FLOAT_BYTES : 0)
  const edge = start + roundUp(n, TILE_COLUMNS) * FLOAT_BYTES
  if (fresh) {
    const initial = floatsAt(backend, start, roundUp(n, TILE_COLUMNS))
    initial.fill(0)
    if (bias !== undefined) initial.set(floatsAt(backend, bias, n))
  }

  // The columns of a last, ragged panel are made beside the result and copied, so that nothing is written past it.
  const ragged = n % LANES === 0 ? 0 : n % TILE_COLUMNS
  for (let left = 0; left < n; left += BLOCK_COLUMNS) {
    const columns = Math.min(BLOCK_COLUMNS, n - left)
    for (let first = 0; first === 0 || first < k; first += BLOCK_K) {
      const depth = Math.min(BLOCK_K, k - first)
      // Lanes that belong to no column are multiplied too; what lies there by chance may be slow to multiply.
      if (fresh && ragged > 0) floatsAt(backend, packedB, depth * roundUp(columns, TILE_COLUMNS)).fill(0)
      packRight(programs, b, packedB, { first, depth, left, columns })
      const team = m * depth * columns >= TEAM_WORK ? programs.team : null
      const tasks: TileTask[] | null = team && []
      for (let top = 0; top < m; top += BLOCK_ROWS) {
        const rows = Math.min(BLOCK_ROWS, m - top)
        const pack = a.turned && columns > PACK_PANELS * TILE_COLUMNS
        // Several threads work on all strips at once, one thread on one that stays in its cache.
        const stripAt = packedA + (team === null ? 0 : top * depth * FLOAT_BYTES)
        if (pack) packLeft(programs, a, stripAt, { first, depth, top, rows })
        const strip: Strip = {
          vectors: 2,
          a: pack ? stripAt : a.at + (a.turned ? first * a.row + top : top * a.row + first) * FLOAT_BYTES,
          along: a.turned ? 'rows' : 'k',
          aRow: pack ? TILE_ROWS : a.row,
          aTile: pack ? depth * TILE_ROWS : a.turned ? TILE_ROWS : TILE_ROWS * a.row,
          b: packedB,
          c: c.at + (top * c.row + left) * FLOAT_BYTES,
          cRow: c.row,
          start: start + left * FLOAT_BYTES,
          startRow: 0,
          panels: Math.floor(columns / TILE_COLUMNS),
          rows,
          depth,
        }
        if (first > 0) {
          strip.start = strip.c
          strip.startRow = strip.cRow
        }
        if (strip.panels > 0) runStrip(programs, strip, tasks)
        const width = columns % TILE_COLUMNS
        if (width === 0) continue
        const inner = (columns - width) * FLOAT_BYTES
        strip.vectors = width > LANES ? 2 : 1
        strip.panels = 1
        strip.b += inner * depth
        strip.start += inner
        strip.c += inner
        if (width === ragged) {
          strip.c = edge + top * TILE_COLUMNS * FLOAT_BYTES
          strip.cRow = TILE_COLUMNS
          if (first > 0) {
            strip.start = strip.c
            strip.startRow = strip.cRow
          }
        }
        runStrip(programs, strip, tasks)
      }
      if (team !== null && tasks !== null) team.run(sharesOf(tasks, team.size * TASKS_A_THREAD))
    }
  }
  if (ragged > 0) {
    const to = c.at + (n - ragged) * FLOAT_BYTES
    copyFloats(programs, edge, to, m, ragged, TILE_COLUMNS, c.row)
  }
}

/** Some rows of the result by some panels of the right operand. Addresses in bytes, strides in floats. */
interface Strip {
  vectors: number
  a: number
  along: 'k' | 'rows'
  aRow: number
  aTile: number
  b: number
  c: number
  cRow: number
  start: number
  startRow: number
  panels: number
  rows: number
  depth: number
}

/** Full tiles below each other, then a smaller one for what is left. */
function runStrip(programs: SimdPrograms, strip: Strip, tasks: TileTask[] | null): void {
  const tiles = Math.floor(strip.rows / TILE_ROWS)
  const rest = strip.rows % TILE_ROWS
  if (tiles > 0) runTilesOf(programs, strip, tasks, TILE_ROWS, tiles, 0)
  if (rest > 0) runTilesOf(programs, strip, tasks, rest, 1, tiles)
}

/** `count` tiles of `rows` rows, after `skip` full ones; noted for later where there is a list. */
function runTilesOf(
  programs: SimdPrograms,
  strip: Strip,
  tasks: TileTask[] | null,
  rows: number,
  count: number,
  skip: number,
): void {
  const { vectors, along, aRow, aTile, cRow, startRow, depth } = strip
  const index = tileIndex({ rows, vectors, along })
  const call: TileCall = {
    a: strip.a + skip * aTile * FLOAT_BYTES,
    b: strip.b,
    c: strip.c + skip * TILE_ROWS * cRow * FLOAT_BYTES,
    start: strip.start + skip * TILE_ROWS * startRow * FLOAT_BYTES,
    panels: strip.panels,
    tiles: count,
    k: depth,
    segments: 1,
    aStride: aRow * FLOAT_BYTES,
    aSegment: 0,
    aTile: aTile * FLOAT_BYTES,
    bStep: vectors * LANES * FLOAT_BYTES,
    bPanel: vectors * LANES * FLOAT_BYTES * depth,
    cRow: cRow * FLOAT_BYTES,
    startRow: startRow * FLOAT_BYTES,
  }
  if (tasks !== null) tasks.push(tileTask(index, call))
  else runTile(programs, index, call)
}

interface RightBlock {
  first: number
  depth: number
  left: number
  columns: number
}

/** Panels of up to eight columns, each row after row, in whole vectors. */
function packRight(programs: SimdPrograms, b: Matrix, to: number, { first, depth, left, columns }: RightBlock): void {
  const from = b.at + (b.turned ? left * b.row + first : first * b.row + left) * FLOAT_BYTES
  const row = b.row * FLOAT_BYTES
  const step = b.turned ? row : FLOAT_BYTES
  const panels = Math.floor(columns / TILE_COLUMNS)
  if (b.turned) programs.turnPanels2(from, to, panels, depth, row)
  else programs.packPanels2(from, to, panels, depth, row)
  const width = columns % TILE_COLUMNS
  const panel = to + (columns - width) * depth * FLOAT_BYTES
  const rest = from + (columns - width) * step
  if (width === LANES) {
    if (b.turned) programs.turnPanels1(rest, panel, 1, depth, row)
    else programs.packPanels1(rest, panel, 1, depth, row)
  } else if (width > 0) {
    const panelRow = roundUp(width, LANES) * FLOAT_BYTES
    const along = b.turned ? FLOAT_BYTES : row
    programs.copyFloats(rest, panel, depth, width, along, panelRow, step, FLOAT_BYTES)
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
  const from = a.at + (first * a.row + top) * FLOAT_BYTES
  const strips = Math.floor(rows / TILE_ROWS)
  programs.packPanels1(from, to, strips, depth, a.row * FLOAT_BYTES)
  const rest = rows % TILE_ROWS
  const done = (rows - rest) * FLOAT_BYTES
  if (rest > 0) copyFloats(programs, from + done, to + done * depth, depth, rest, a.row, TILE_ROWS)
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
