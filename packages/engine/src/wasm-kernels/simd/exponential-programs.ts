/**
 * The exponential on vectors, and the rows that need it: softmax with its gradient. e^x = 2^n · e^r with |r| ≤ ln 2 / 2,
 * e^r by a polynomial of degree 6 (coefficients of Cephes' expf); the error is below 2 units in the last place.
 */
import {
  addFloats,
  addInts,
  advance,
  and,
  andNot,
  atMostFloats,
  type Code,
  choose,
  divideFloats,
  FunctionBuilder,
  floats,
  get,
  greaterFloats,
  int,
  ints,
  type Local,
  lessFloats,
  loadSplat,
  maxFloats,
  minFloats,
  multiply,
  multiplyFloats,
  nearestFloats,
  type Program,
  repeat,
  set,
  shiftInts,
  shuffle,
  subtractFloats,
  truncateToInts,
  zeros,
} from './assembler.ts'
import { FLOAT_BYTES, parameters } from './parameters.ts'
import { alongRow, sumLanes } from './rows.ts'

const splat = (value: number): Code => floats(value, value, value, value)
const LOG2_E = Math.LOG2E
/** ln 2 in two parts, so that n · ln 2 is exact to more digits than a float has. */
const LN2_HIGH = 0.693359375
const LN2_LOW = -2.1219444e-4
/** Where e^x becomes infinite, and where it is taken for 0: 2^−125, while both factors below are normal. */
const LARGEST = 88.72283
const SMALLEST = -86.64339
const COEFFICIENTS = [1.9875691e-4, 1.3981999e-3, 8.333452e-3, 4.1665796e-2, 1.6666665e-1, 5.0000001e-1] as const
const EXPONENT_BIAS = 127
const EXPONENT_SHIFT = 23
const ONLY_FIRST = ints(-1, 0, 0, 0)

/** Sets `to` to e^x of the lanes of `x`; both and `n` are vectors, `x` is used up. NaN stays, overflow is infinity. */
function exponential(x: Local, n: Local, to: Local, kept: Local): Code {
  const half = (power: Code): Code => shiftInts(addInts(power, ints(...quadruple(EXPONENT_BIAS))), int(EXPONENT_SHIFT))
  return [
    ...set(kept, get(x)),
    ...set(x, minFloats(maxFloats(get(x), splat(SMALLEST)), splat(LARGEST))),
    ...set(n, nearestFloats(multiplyFloats(get(x), splat(LOG2_E)))),
    ...set(x, subtractFloats(get(x), multiplyFloats(get(n), splat(LN2_HIGH)))),
    ...set(x, subtractFloats(get(x), multiplyFloats(get(n), splat(LN2_LOW)))),
    ...set(to, splat(COEFFICIENTS[0])),
    ...COEFFICIENTS.slice(1).flatMap((value) => set(to, addFloats(multiplyFloats(get(to), get(x)), splat(value)))),
    ...set(to, addFloats(addFloats(multiplyFloats(multiplyFloats(get(to), get(x)), get(x)), get(x)), splat(1))),
    // 2^128 is no float: n is at most 128, so it is multiplied in as 2^(n−1) and 2.
    ...set(to, multiplyFloats(get(to), half(addInts(truncateToInts(get(n)), ints(...quadruple(-1)))))),
    ...set(to, addFloats(get(to), get(to))),
    ...set(to, choose(splat(Number.POSITIVE_INFINITY), get(to), greaterFloats(get(kept), splat(LARGEST)))),
    ...set(to, andNot(get(to), lessFloats(get(kept), splat(SMALLEST)))),
  ]
}

const quadruple = (value: number): [number, number, number, number] => [value, value, value, value]

/** out[i] = e^from[i]. */
function expFloats(): Program {
  const names = ['from', 'out', 'count'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const counter = f.int()
  const [x, n, y, kept] = f.vectors(4) as [Local, Local, Local, Local]
  const body = alongRow(counter, get(p.count), [p.from, p.out], (access) => [
    ...set(x, access.load(p.from)),
    ...exponential(x, n, y, kept),
    ...access.store(p.out, get(y)),
  ])
  return { name: 'expFloats', signature: f.signature(), body: f.body(body) }
}

/** out[row, c] = e^(from[row, c] − largest of the row) / the sum of these. */
function softmaxRows(): Program {
  const names = ['from', 'out', 'rows', 'columns'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const [column, at, to] = [f.int(), f.int(), f.int()]
  const [largest, sum, x, n, y, kept] = f.vectors(6) as [Local, Local, Local, Local, Local, Local]
  const across = (lanes: [number, number, number, number]): Code =>
    set(largest, maxFloats(get(largest), shuffle(get(largest), get(largest), lanes)))
  const body = repeat(
    p.rows,
    get(p.rows),
    set(at, get(p.from)),
    set(largest, loadSplat(get(at))),
    alongRow(column, get(p.columns), [at], (access) =>
      set(largest, maxFloats(get(largest), access.whole ? access.load(at) : loadSplat(get(at)))),
    ),
    across([2, 3, 0, 1]),
    across([1, 0, 3, 2]),
    set(sum, zeros),
    set(at, get(p.from)),
    set(to, get(p.out)),
    alongRow(column, get(p.columns), [at, to], (access) => [
      ...set(x, subtractFloats(access.load(at), get(largest))),
      ...exponential(x, n, y, kept),
      ...access.store(to, get(y)),
      ...set(sum, addFloats(get(sum), access.whole ? get(y) : and(get(y), ONLY_FIRST))),
    ]),
    sumLanes(sum),
    set(sum, divideFloats(splat(1), get(sum))),
    alongRow(column, get(p.columns), [p.out], (access) =>
      access.store(p.out, multiplyFloats(access.load(p.out), get(sum))),
    ),
    advance(p.from, multiply(get(p.columns), int(FLOAT_BYTES))),
  )
  return { name: 'softmaxRows', signature: f.signature(), body: f.body(body) }
}

/** out[row, c] = (dy[row, c] − Σ dy · y over the row) · y[row, c]. */
function softmaxGradRows(): Program {
  const names = ['dy', 'y', 'out', 'rows', 'columns'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const [column, dyAt, yAt] = [f.int(), f.int(), f.int()]
  const sum = f.vector()
  const body = repeat(
    p.rows,
    get(p.rows),
    set(dyAt, get(p.dy)),
    set(yAt, get(p.y)),
    set(sum, zeros),
    alongRow(column, get(p.columns), [dyAt, yAt], (access) =>
      set(sum, addFloats(get(sum), multiplyFloats(access.load(dyAt), access.load(yAt)))),
    ),
    sumLanes(sum),
    alongRow(column, get(p.columns), [p.dy, p.y, p.out], (access) =>
      access.store(p.out, multiplyFloats(subtractFloats(access.load(p.dy), get(sum)), access.load(p.y))),
    ),
  )
  return { name: 'softmaxGradRows', signature: f.signature(), body: f.body(body) }
}

/** out[i] = dy[i] where x[i] is above zero or NaN, else 0. */
function reluGrad(): Program {
  const names = ['dy', 'x', 'out', 'count'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const counter = f.int()
  const body = alongRow(counter, get(p.count), [p.dy, p.x, p.out], (access) =>
    access.store(p.out, andNot(access.load(p.dy), atMostFloats(access.load(p.x), zeros))),
  )
  return { name: 'reluGrad', signature: f.signature(), body: f.body(body) }
}

export const EXPONENTIAL_PROGRAMS: readonly Program[] = [expFloats(), softmaxRows(), softmaxGradRows(), reluGrad()]
export type ExponentialProgramName = 'expFloats' | 'softmaxRows' | 'softmaxGradRows' | 'reluGrad'
