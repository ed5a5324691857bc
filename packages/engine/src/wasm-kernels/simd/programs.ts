/**
 * The vector programs that training spends its time in, for channels in multiples of four. All arguments are
 * integers: addresses and strides in bytes, and counts. Not for: choosing between these and plain loops.
 */
import {
  add,
  addFloats,
  advance,
  and,
  andNot,
  type Code,
  equalFloats,
  FunctionBuilder,
  get,
  int,
  type Local,
  load,
  loadOne,
  loadSplat,
  maxFloats,
  multiplyFloats,
  or,
  type Program,
  repeat,
  set,
  store,
  storeOne,
  zeros,
} from './assembler.ts'
import { EXPONENTIAL_PROGRAMS, type ExponentialProgramName } from './exponential-programs.ts'
import { type MultiplyAdd, tilePrograms } from './gemm-programs.ts'
import { HALF_PROGRAMS, type HalfProgramName } from './half-programs.ts'
import { PACK_PROGRAMS } from './pack-programs.ts'
import { parameters, VECTOR_BYTES } from './parameters.ts'
import { ROW_PROGRAMS, type RowProgramName } from './row-programs.ts'
import type { TileTeam } from './team.ts'

/** Keeps sums in registers: `vectors` accumulators that start at zero and are added to memory at the end. */
const clear = (sums: Local[]): Code => sums.flatMap((sum) => set(sum, zeros))
const addToMemory = (address: Local, sums: Local[]): Code =>
  sums.flatMap((sum, v) =>
    store(get(address), addFloats(load(get(address), v * VECTOR_BYTES), get(sum)), v * VECTOR_BYTES),
  )

/**
 * out[k] += Σ over images, rows, columns of x · dy[k], for 4·vectors values of k: one tap of a convolution's
 * filter gradient. Sums of one image are kept apart, so that rounding does not grow with the batch.
 */
function outerSum(vectors: number): Program {
  const names = [
    'x',
    'dy',
    'out',
    'images',
    'rows',
    'columns',
    'xImage',
    'xRow',
    'xColumn',
    'dyImage',
    'dyRow',
    'dyColumn',
  ] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const [image, row, column] = [f.int(), f.int(), f.int()]
  const [xRowAt, dyRowAt, xAt, dyAt] = [f.int(), f.int(), f.int(), f.int()]
  const value = f.vector()
  const sums = f.vectors(vectors)
  const innermost = repeat(
    column,
    get(p.columns),
    set(value, loadSplat(get(xAt))),
    ...sums.map((sum, v) =>
      set(sum, addFloats(get(sum), multiplyFloats(get(value), load(get(dyAt), v * VECTOR_BYTES)))),
    ),
    advance(xAt, get(p.xColumn)),
    advance(dyAt, get(p.dyColumn)),
  )
  const body = repeat(
    image,
    get(p.images),
    clear(sums),
    set(xRowAt, get(p.x)),
    set(dyRowAt, get(p.dy)),
    repeat(
      row,
      get(p.rows),
      set(xAt, get(xRowAt)),
      set(dyAt, get(dyRowAt)),
      innermost,
      advance(xRowAt, get(p.xRow)),
      advance(dyRowAt, get(p.dyRow)),
    ),
    addToMemory(p.out, sums),
    advance(p.x, get(p.xImage)),
    advance(p.dy, get(p.dyImage)),
  )
  return { name: `outerSum${vectors}`, signature: f.signature(), body: f.body(body) }
}

/** out[c] += Σ over rows of from[row, c], for 4·vectors columns or a single one; the caller bounds the rows. */
function columnSum(vectors: number): Program {
  const names = ['from', 'out', 'rows', 'rowBytes'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const row = f.int()
  const single = vectors === 0
  const sums = f.vectors(single ? 1 : vectors)
  const [first] = sums as [Local]
  const body = [
    clear(sums),
    repeat(
      row,
      get(p.rows),
      ...(single
        ? [set(first, addFloats(get(first), loadOne(get(p.from))))]
        : sums.map((sum, v) => set(sum, addFloats(get(sum), load(get(p.from), v * VECTOR_BYTES))))),
      advance(p.from, get(p.rowBytes)),
    ),
    single ? storeOne(get(p.out), addFloats(loadOne(get(p.out)), get(first))) : addToMemory(p.out, sums),
  ]
  return { name: single ? 'columnSumSingle' : `columnSum${vectors}`, signature: f.signature(), body: f.body(...body) }
}

/**
 * dx += dy at the first largest x of each window, for windows that lie inside the image. A row of outputs is one
 * call; x and dx are at the row's first window, and `vectors` counts the channels.
 */
function maxPoolGradRow(): Program {
  const names = [
    'x',
    'dx',
    'dy',
    'windows',
    'vectors',
    'height',
    'width',
    'rowBytes',
    'pixelBytes',
    'strideBytes',
  ] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const [window, channel, y, column, offset, rowOffset, shift] = Array.from({ length: 7 }, () => f.int()) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ]
  const [largest, gradient, taken, here] = f.vectors(4) as [Local, Local, Local, Local]
  const eachTap = (...visit: Code[]): Code => [
    ...set(rowOffset, get(shift)),
    ...repeat(
      y,
      get(p.height),
      set(offset, get(rowOffset)),
      repeat(column, get(p.width), ...visit, advance(offset, get(p.pixelBytes))),
      advance(rowOffset, get(p.rowBytes)),
    ),
  ]
  const xAt = add(get(p.x), get(offset))
  const dxAt = add(get(p.dx), get(offset))
  const body = repeat(
    window,
    get(p.windows),
    set(shift, int(0)),
    repeat(
      channel,
      get(p.vectors),
      set(largest, load(add(get(p.x), get(shift)))),
      eachTap(set(largest, maxFloats(get(largest), load(xAt)))),
      set(gradient, load(get(p.dy))),
      set(taken, zeros),
      eachTap(
        set(here, andNot(equalFloats(load(xAt), get(largest)), get(taken))),
        store(dxAt, addFloats(load(dxAt), and(get(gradient), get(here)))),
        set(taken, or(get(taken), get(here))),
      ),
      advance(p.dy, int(VECTOR_BYTES)),
      advance(shift, int(VECTOR_BYTES)),
    ),
    advance(p.x, get(p.strideBytes)),
    advance(p.dx, get(p.strideBytes)),
  )
  return { name: 'maxPoolGradRow', signature: f.signature(), body: f.body(body) }
}

export type ProgramCall = (...args: number[]) => void

const NAMED = [
  'outerSum1',
  'outerSum2',
  'outerSum4',
  'columnSumSingle',
  'columnSum1',
  'columnSum4',
  'maxPoolGradRow',
] as const
const PACKING = ['packPanels1', 'packPanels2', 'copyFloats', 'turnPanels1', 'turnPanels2'] as const

/** The exports of the assembled module; see the programs for the arguments. */
export type SimdPrograms = Record<
  (typeof NAMED)[number] | (typeof PACKING)[number] | RowProgramName | ExponentialProgramName | HalfProgramName,
  ProgramCall
> & {
  /** By `tileIndex`. */
  tiles: readonly ProgramCall[]
  /** Several threads for the tiles of large products, where there are any. */
  team: TileTeam | null
}

/** All programs, with a multiply-add that the engine knows. */
export const programsWith = (multiplyAdd: MultiplyAdd): readonly Program[] => [
  outerSum(1),
  outerSum(2),
  outerSum(4),
  columnSum(0),
  columnSum(1),
  columnSum(4),
  maxPoolGradRow(),
  ...PACK_PROGRAMS,
  ...ROW_PROGRAMS,
  ...EXPONENTIAL_PROGRAMS,
  ...HALF_PROGRAMS,
  ...tilePrograms(multiplyAdd),
]
