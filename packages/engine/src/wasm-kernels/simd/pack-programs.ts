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
  type Program,
  repeat,
  set,
  shiftRight,
  shuffle,
  store,
  storeOne,
} from './assembler.ts'
import { FLOAT_BYTES, parameters, VECTOR_BYTES } from './parameters.ts'

/** to[row, :] = from[row, :] for `vectors` whole vectors in a row. */
function copyRows(vectors: number): Program {
  const names = ['from', 'to', 'rows', 'fromRow', 'toRow'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const body = repeat(
    p.rows,
    get(p.rows),
    ...Array.from({ length: vectors }, (_, v) =>
      store(get(p.to), load(get(p.from), v * VECTOR_BYTES), v * VECTOR_BYTES),
    ),
    advance(p.from, get(p.fromRow)),
    advance(p.to, get(p.toRow)),
  )
  return { name: `copyRows${vectors}`, signature: f.signature(), body: f.body(body) }
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

/** Four rows turned: to[i, 0..3] = from[0..3, i], i running to `columns`; blocks of 4×4 go through registers. */
function turnRows(): Program {
  const names = ['from', 'to', 'columns', 'fromRow', 'toRow'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const turn = f.int()
  const rows = [f.int(), f.int(), f.int(), f.int()]
  const [a, b, c, d] = f.vectors(4) as [Local, Local, Local, Local]
  const [ab, cd, abHigh, cdHigh] = f.vectors(4) as [Local, Local, Local, Local]
  const low = [0, 4, 1, 5] as const
  const high = [2, 6, 3, 7] as const
  const firstHalves = [0, 1, 4, 5] as const
  const secondHalves = [2, 3, 6, 7] as const
  const emit = (value: Code): Code => [...store(get(p.to), value), ...advance(p.to, get(p.toRow))]
  const block = [
    ...[a, b, c, d].flatMap((vector, row) => set(vector, load(get(rows[row] as Local)))),
    ...set(ab, shuffle(get(a), get(b), low)),
    ...set(cd, shuffle(get(c), get(d), low)),
    ...set(abHigh, shuffle(get(a), get(b), high)),
    ...set(cdHigh, shuffle(get(c), get(d), high)),
    ...emit(shuffle(get(ab), get(cd), firstHalves)),
    ...emit(shuffle(get(ab), get(cd), secondHalves)),
    ...emit(shuffle(get(abHigh), get(cdHigh), firstHalves)),
    ...emit(shuffle(get(abHigh), get(cdHigh), secondHalves)),
    ...rows.flatMap((row) => advance(row, int(VECTOR_BYTES))),
  ]
  const single = [
    ...rows.flatMap((row, lane) => [
      ...storeOne(get(p.to), loadOne(get(row)), lane * FLOAT_BYTES),
      ...advance(row, int(FLOAT_BYTES)),
    ]),
    ...advance(p.to, get(p.toRow)),
  ]
  const body = [
    ...rows.flatMap((row, i) => set(row, i === 0 ? get(p.from) : add(get(rows[i - 1] as Local), get(p.fromRow)))),
    ...repeat(turn, shiftRight(get(p.columns), int(2)), block),
    ...repeat(turn, and32(get(p.columns), int(3)), single),
  ]
  return { name: 'turnRows', signature: f.signature(), body: f.body(body) }
}

export const PACK_PROGRAMS: readonly Program[] = [copyRows(1), copyRows(2), copyFloats(), turnRows()]
