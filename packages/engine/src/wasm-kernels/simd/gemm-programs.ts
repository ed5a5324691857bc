/**
 * The inner loops of a matrix product: a tile of the result stays in registers while it runs along k (Goto & van de
 * Geijn 2008). Where the engine knows relaxed SIMD, a fused multiply-add takes the place of two instructions.
 * Not for: cutting matrices into blocks (../gemm.ts).
 */
import {
  add,
  addFloats,
  advance,
  and32,
  type Code,
  FunctionBuilder,
  get,
  int,
  type Local,
  load,
  loadSplat,
  multiply,
  multiplyFloats,
  type Program,
  relaxedMultiplyAdd,
  repeat,
  repeatUnrolled,
  set,
  store,
} from './assembler.ts'
import { FLOAT_BYTES, parameters, VECTOR_BYTES } from './parameters.ts'

/** Rows of a full tile. Eight sums hide the latency of the additions and leave registers for the operands. */
export const TILE_ROWS = 4
const TILE_VECTORS = 2
/** Columns of a full tile, and of a packed panel of the right operand. */
export const TILE_COLUMNS = TILE_VECTORS * 4
/** Programs for tiles of every height and width, along k and along rows. */
export const TILE_COUNT = 2 * TILE_ROWS * TILE_VECTORS
/** Steps along k in one turn of the loop. */
const UNROLL = 4

export type MultiplyAdd = (a: Code, b: Code, c: Code) => Code
export const plainMultiplyAdd: MultiplyAdd = (a, b, c) => addFloats(c, multiplyFloats(a, b))
export const fusedMultiplyAdd: MultiplyAdd = relaxedMultiplyAdd

const NAMES = [
  ...(['a', 'b', 'c', 'start', 'panels', 'tiles', 'k', 'segments'] as const),
  ...(['aStride', 'aSegment', 'aTile', 'bStep', 'bPanel', 'cRow', 'startRow'] as const),
] as const

/** What a tile program is told. Addresses and strides are in bytes. */
export interface TileCall {
  a: number
  /** Packed for `along: 'k'`, so that one row of it follows another; with rows bStep apart otherwise. */
  b: number
  c: number
  /** What the sums start from: `startRow` apart, or the same for every row (a bias, zeros) when that is 0. */
  start: number
  /** Panels of columns beside each other, and tiles below each other in each. */
  panels: number
  tiles: number
  /** Values of k in one segment of the left operand, and how many segments there are. */
  k: number
  segments: number
  /** From row to row (`along: 'k'`) or from k to k (`along: 'rows'`). */
  aStride: number
  /** From the start of a segment to the start of the next. */
  aSegment: number
  /** From tile to tile. */
  aTile: number
  bStep: number
  /** From panel to panel. */
  bPanel: number
  cRow: number
  startRow: number
}

export interface TileShape {
  rows: number
  vectors: number
  /** How the left operand lies: along k (aStride from row to row) or along its rows (aStride from k to k). */
  along: 'k' | 'rows'
}

/** Position of a tile program in the list of all. */
export const tileIndex = ({ rows, vectors, along }: TileShape): number =>
  ((along === 'k' ? 0 : TILE_ROWS) + rows - 1) * TILE_VECTORS + vectors - 1

/**
 * c[row, :] = start[row, :] + Σ over segments and k of a[row, k] · b[k, :], for `panels` panels of `vectors`
 * vectors of columns with `tiles` tiles of `rows` rows below each other. Parameters in the order of `TileCall`.
 */
export function tileProgram(shape: TileShape, multiplyAdd: MultiplyAdd): Program {
  const { rows, vectors, along } = shape
  const p = parameters(NAMES)
  const f = new FunctionBuilder(NAMES.length)
  const [turn, tile, segment, b, segmentAt] = [f.int(), f.int(), f.int(), f.int(), f.int()]
  const [a, c, start] = [f.int(), f.int(), f.int()]
  const pointers = Array.from({ length: along === 'k' ? rows : 1 }, () => f.int())
  const sums = Array.from({ length: rows }, () => f.vectors(vectors))
  const right = f.vectors(vectors)
  const value = f.vector()
  const packedStep = vectors * VECTOR_BYTES

  /** One value of k, `at` steps beyond the pointers. */
  const step = (at: number): Code => [
    ...right.flatMap((vector, v) => set(vector, load(get(b), at * packedStep + v * VECTOR_BYTES))),
    ...sums.flatMap((sum, row) => {
      const left =
        along === 'k'
          ? loadSplat(get(pointers[row] as Local), at * FLOAT_BYTES)
          : loadSplat(get(pointers[0] as Local), row * FLOAT_BYTES)
      return [
        ...set(value, left),
        ...sum.flatMap((one, v) => set(one, multiplyAdd(get(value), get(right[v] as Local), get(one)))),
      ]
    }),
  ]
  const unrolled = Array.from({ length: UNROLL }, (_, at) => step(at))
  // Where the unrolled loop is left in the middle, b is behind by what the last turn did; the next segment needs it.
  const alongK: Code =
    along === 'k'
      ? [
          ...repeatUnrolled(turn, get(p.k), unrolled, [
            ...pointers.flatMap((pointer) => advance(pointer, int(UNROLL * FLOAT_BYTES))),
            ...advance(b, int(UNROLL * packedStep)),
          ]),
          ...advance(b, multiply(and32(get(p.k), int(UNROLL - 1)), int(packedStep))),
        ]
      : repeat(turn, get(p.k), step(0), advance(pointers[0] as Local, get(p.aStride)), advance(b, get(p.bStep)))
  const eachTile = repeat(
    tile,
    get(p.tiles),
    set(b, get(p.b)),
    set(segmentAt, get(a)),
    advance(a, get(p.aTile)),
    sums.flatMap((sum) => [
      ...sum.flatMap((one, v) => set(one, load(get(start), v * VECTOR_BYTES))),
      ...advance(start, get(p.startRow)),
    ]),
    repeat(
      segment,
      get(p.segments),
      pointers.flatMap((pointer, row) =>
        set(pointer, row === 0 ? get(segmentAt) : add(get(pointers[row - 1] as Local), get(p.aStride))),
      ),
      alongK,
      advance(segmentAt, get(p.aSegment)),
    ),
    sums.flatMap((sum) => [
      ...sum.flatMap((one, v) => store(get(c), get(one), v * VECTOR_BYTES)),
      ...advance(c, get(p.cRow)),
    ]),
  )
  const body = repeat(
    p.panels,
    get(p.panels),
    set(a, get(p.a)),
    set(c, get(p.c)),
    set(start, get(p.start)),
    eachTile,
    advance(p.b, get(p.bPanel)),
    ...[p.c, p.start].map((pointer) => advance(pointer, int(packedStep))),
  )
  return { name: `tile${tileIndex(shape)}`, signature: f.signature(), body: f.body(body) }
}

/** All tiles that a ragged edge needs, in the order of `tileIndex`. */
export const tilePrograms = (multiplyAdd: MultiplyAdd): Program[] =>
  (['k', 'rows'] as const).flatMap((along) =>
    Array.from({ length: TILE_ROWS }, (_, row) => row + 1).flatMap((rows) =>
      Array.from({ length: TILE_VECTORS }, (_, v) => v + 1).map((vectors) =>
        tileProgram({ rows, vectors, along }, multiplyAdd),
      ),
    ),
  )
