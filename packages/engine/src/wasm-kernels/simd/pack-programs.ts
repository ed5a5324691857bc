/** Copies that bring operands into the order in which tiles read them. Addresses and strides in bytes. */
import {
  add,
  advance,
  and32,
  type Code,
  FunctionBuilder,
  get,
  int,
  type Local,
  load,
  loadOne,
  multiply,
  type Program,
  repeat,
  set,
  shiftRight,
  shuffle,
  store,
  storeOne,
} from './assembler.ts'
import { FLOAT_BYTES, parameters, VECTOR_BYTES } from './parameters.ts'

/**
 * Panels of `vectors` vectors of columns, one after the other, each row after row: what the right operand of a tile
 * is. toRow is a panel's width in bytes.
 */
function packPanels(vectors: number): Program {
  const names = ['from', 'to', 'panels', 'rows', 'fromRow'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const [row, source] = [f.int(), f.int()]
  const bytes = vectors * VECTOR_BYTES
  const body = repeat(
    p.panels,
    get(p.panels),
    set(source, get(p.from)),
    repeat(
      row,
      get(p.rows),
      ...Array.from({ length: vectors }, (_, v) =>
        store(get(p.to), load(get(source), v * VECTOR_BYTES), v * VECTOR_BYTES),
      ),
      advance(source, get(p.fromRow)),
      advance(p.to, int(bytes)),
    ),
    advance(p.from, int(bytes)),
  )
  return { name: `packPanels${vectors}`, signature: f.signature(), body: f.body(body) }
}

/** to[row, column] = from[row, column], float by float: for widths that are not whole vectors. */
function copyFloats(): Program {
  const names = ['from', 'to', 'rows', 'columns', 'fromRow', 'toRow', 'fromColumn', 'toColumn'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const [column, source, target] = [f.int(), f.int(), f.int()]
  const body = repeat(
    p.rows,
    get(p.rows),
    set(source, get(p.from)),
    set(target, get(p.to)),
    repeat(
      column,
      get(p.columns),
      storeOne(get(target), loadOne(get(source))),
      advance(source, get(p.fromColumn)),
      advance(target, get(p.toColumn)),
    ),
    advance(p.from, get(p.fromRow)),
    advance(p.to, get(p.toRow)),
  )
  return { name: 'copyFloats', signature: f.signature(), body: f.body(body) }
}

/**
 * The same panels of a turned operand: 4·vectors rows of it are a panel's columns. Blocks of 4×4 go through registers.
 */
function turnPanels(vectors: number): Program {
  const names = ['from', 'to', 'panels', 'columns', 'fromRow'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const [turn, target] = [f.int(), f.int()]
  const rows = [f.int(), f.int(), f.int(), f.int()]
  const [a, b, c, d] = f.vectors(4) as [Local, Local, Local, Local]
  const [ab, cd, abHigh, cdHigh] = f.vectors(4) as [Local, Local, Local, Local]
  const toRow = vectors * VECTOR_BYTES
  const low = [0, 4, 1, 5] as const
  const high = [2, 6, 3, 7] as const
  const firstHalves = [0, 1, 4, 5] as const
  const secondHalves = [2, 3, 6, 7] as const
  const block = [
    ...[a, b, c, d].flatMap((vector, row) => set(vector, load(get(rows[row] as Local)))),
    ...set(ab, shuffle(get(a), get(b), low)),
    ...set(cd, shuffle(get(c), get(d), low)),
    ...set(abHigh, shuffle(get(a), get(b), high)),
    ...set(cdHigh, shuffle(get(c), get(d), high)),
    ...store(get(target), shuffle(get(ab), get(cd), firstHalves)),
    ...store(get(target), shuffle(get(ab), get(cd), secondHalves), toRow),
    ...store(get(target), shuffle(get(abHigh), get(cdHigh), firstHalves), 2 * toRow),
    ...store(get(target), shuffle(get(abHigh), get(cdHigh), secondHalves), 3 * toRow),
    ...rows.flatMap((row) => advance(row, int(VECTOR_BYTES))),
    ...advance(target, int(4 * toRow)),
  ]
  const single = [
    ...rows.flatMap((row, lane) => [
      ...storeOne(get(target), loadOne(get(row)), lane * FLOAT_BYTES),
      ...advance(row, int(FLOAT_BYTES)),
    ]),
    ...advance(target, int(toRow)),
  ]
  const group = (v: number): Code => [
    ...rows.flatMap((row, i) => set(row, i === 0 ? get(p.from) : add(get(rows[i - 1] as Local), get(p.fromRow)))),
    ...set(target, add(get(p.to), int(v * VECTOR_BYTES))),
    ...repeat(turn, shiftRight(get(p.columns), int(2)), block),
    ...repeat(turn, and32(get(p.columns), int(3)), single),
    ...set(p.from, add(get(p.from), multiply(get(p.fromRow), int(4)))),
  ]
  const body = repeat(
    p.panels,
    get(p.panels),
    ...Array.from({ length: vectors }, (_, v) => group(v)),
    advance(p.to, multiply(get(p.columns), int(toRow))),
  )
  return { name: `turnPanels${vectors}`, signature: f.signature(), body: f.body(body) }
}

export const PACK_PROGRAMS: readonly Program[] = [
  packPanels(1),
  packPanels(2),
  copyFloats(),
  turnPanels(1),
  turnPanels(2),
]
