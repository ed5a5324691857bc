/** Programs over rows of floats of any width: sums, broadcasting arithmetic, copies. Addresses and strides in bytes. */
import {
  add,
  addFloats,
  advance,
  divideFloats,
  FunctionBuilder,
  get,
  int,
  type Local,
  loadInt,
  loadOne,
  loadSplat,
  multiply,
  multiplyFloats,
  type Program,
  repeat,
  set,
  storeOne,
  subtractFloats,
  zeros,
} from './assembler.ts'
import { FLOAT_BYTES, parameters } from './parameters.ts'
import { alongRow, sumLanes } from './rows.ts'

export const ARITHMETIC = {
  add: addFloats,
  subtract: subtractFloats,
  multiply: multiplyFloats,
  divide: divideFloats,
} as const
export type Arithmetic = keyof typeof ARITHMETIC
/** Which operand is one value for a whole row. */
export const SPREADS = ['None', 'A', 'B'] as const
export type Spread = (typeof SPREADS)[number]

/** out[row, c] = a[row, c] ∘ b[row, c], one of them perhaps the same for all c; out is dense. */
function arithmetic(name: Arithmetic, spread: Spread): Program {
  const names = ['a', 'b', 'out', 'rows', 'columns', 'aRow', 'bRow'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const [column, a, b] = [f.int(), f.int(), f.int()]
  const [aValue, bValue] = f.vectors(2) as [Local, Local]
  const moving = [p.out, ...(spread === 'A' ? [] : [a]), ...(spread === 'B' ? [] : [b])]
  const body = repeat(
    p.rows,
    get(p.rows),
    spread === 'A' ? set(aValue, loadSplat(get(p.a))) : set(a, get(p.a)),
    spread === 'B' ? set(bValue, loadSplat(get(p.b))) : set(b, get(p.b)),
    alongRow(column, get(p.columns), moving, (access) => {
      const left = spread === 'A' ? get(aValue) : access.load(a)
      const right = spread === 'B' ? get(bValue) : access.load(b)
      return access.store(p.out, ARITHMETIC[name](left, right))
    }),
    advance(p.a, get(p.aRow)),
    advance(p.b, get(p.bRow)),
  )
  return { name: `${name}${spread}`, signature: f.signature(), body: f.body(body) }
}

/** out[row] += Σ over columns of from[row, c]; the caller bounds the columns, so that rounding stays small. */
function rowSum(): Program {
  const names = ['from', 'out', 'rows', 'columns', 'fromRow'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const [column, at] = [f.int(), f.int()]
  const sum = f.vector()
  const body = repeat(
    p.rows,
    get(p.rows),
    set(at, get(p.from)),
    set(sum, zeros),
    alongRow(column, get(p.columns), [at], (access) => set(sum, addFloats(get(sum), access.load(at)))),
    sumLanes(sum),
    storeOne(get(p.out), addFloats(get(sum), loadOne(get(p.out)))),
    advance(p.out, int(FLOAT_BYTES)),
    advance(p.from, get(p.fromRow)),
  )
  return { name: 'rowSum', signature: f.signature(), body: f.body(body) }
}

/** to[row, :] = from[row, :] for `columns` floats. */
function copyRows(): Program {
  const names = ['from', 'to', 'rows', 'columns', 'fromRow', 'toRow'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const [column, from, to] = [f.int(), f.int(), f.int()]
  const body = repeat(
    p.rows,
    get(p.rows),
    set(from, get(p.from)),
    set(to, get(p.to)),
    alongRow(column, get(p.columns), [from, to], (access) => access.store(to, access.load(from))),
    advance(p.from, get(p.fromRow)),
    advance(p.to, get(p.toRow)),
  )
  return { name: 'copyRows', signature: f.signature(), body: f.body(body) }
}

/** to[i, :] = from[ids[i], :] (gather) or to[ids[i], :] += from[i, :] (scatter), for rows of `columns` floats. */
function byIds(name: 'gatherRows' | 'scatterRows'): Program {
  const names = ['from', 'to', 'ids', 'count', 'columns'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const [column, from, to] = [f.int(), f.int(), f.int()]
  const rowBytes = multiply(get(p.columns), int(FLOAT_BYTES))
  const chosen = multiply(loadInt(get(p.ids)), rowBytes)
  const gathers = name === 'gatherRows'
  const body = repeat(
    p.count,
    get(p.count),
    set(from, gathers ? add(get(p.from), chosen) : get(p.from)),
    set(to, gathers ? get(p.to) : add(get(p.to), chosen)),
    alongRow(column, get(p.columns), [from, to], (access) =>
      access.store(to, gathers ? access.load(from) : addFloats(access.load(to), access.load(from))),
    ),
    advance(p.ids, int(FLOAT_BYTES)),
    advance(gathers ? p.to : p.from, rowBytes),
  )
  return { name, signature: f.signature(), body: f.body(body) }
}

export const ROW_PROGRAMS: readonly Program[] = [
  ...(Object.keys(ARITHMETIC) as Arithmetic[]).flatMap((name) => SPREADS.map((spread) => arithmetic(name, spread))),
  rowSum(),
  copyRows(),
  byIds('gatherRows'),
  byIds('scatterRows'),
]

export type RowProgramName = `${Arithmetic}${Spread}` | 'rowSum' | 'copyRows' | 'gatherRows' | 'scatterRows'
