/** Rounding to 16-bit formats four floats at a time; `roundFloats` of precision/half.ts is the plain form. */
import {
  addFloats,
  addInts,
  and,
  atMostFloats,
  type Code,
  choose,
  equalFloats,
  FunctionBuilder,
  floats,
  get,
  int,
  ints,
  type Local,
  maxFloats,
  multiplyFloats,
  or,
  type Program,
  set,
  shiftIntsRight,
  subtractFloats,
} from './assembler.ts'
import { parameters } from './parameters.ts'
import { alongRow } from './rows.ts'

const floatsOf = (value: number): Code => floats(value, value, value, value)
const intsOf = (value: number): Code => ints(value, value, value, value)

const SIGN = 0x8000_0000 | 0
const EXPONENT = 0x7f80_0000
/** The smallest normal f16: smaller ones have its last place. */
const F16_SMALLEST = 2 ** -14
/** Adding a value's own power of two times this leaves 11 bits of it, rounded. */
const F16_PUSH = 2 ** 13
/** Half-way between the largest f16 and the power of two after it. */
const F16_OVERFLOW = 65520

/** out[i] = from[i] rounded by `round`, which gets the vector in a local and two more to use. */
function rounding(name: HalfProgramName, round: (x: Local, a: Local, b: Local) => [Code, Code]): Program {
  const names = ['from', 'out', 'count'] as const
  const p = parameters(names)
  const f = new FunctionBuilder(names.length)
  const counter = f.int()
  const [x, a, b] = f.vectors(3) as [Local, Local, Local]
  const [prepare, result] = round(x, a, b)
  const body = alongRow(counter, get(p.count), [p.from, p.out], (access) => [
    ...set(x, access.load(p.from)),
    ...prepare,
    ...access.store(p.out, result),
  ])
  return { name, signature: f.signature(), body: f.body(body) }
}

const roundF16 = rounding('roundF16', (x, size, push) => {
  const prepare = [
    ...set(size, and(get(x), intsOf(~SIGN))),
    ...set(push, maxFloats(and(get(x), intsOf(EXPONENT)), floatsOf(F16_SMALLEST))),
    ...set(push, multiplyFloats(get(push), floatsOf(F16_PUSH))),
  ]
  const near = subtractFloats(addFloats(get(size), get(push)), get(push))
  const bounded = choose(floatsOf(Number.POSITIVE_INFINITY), near, atMostFloats(floatsOf(F16_OVERFLOW), get(size)))
  return [prepare, or(bounded, and(get(x), intsOf(SIGN)))]
})

const roundBf16 = rounding('roundBf16', (x, near) => {
  const odd = and(shiftIntsRight(get(x), int(16)), intsOf(1))
  const prepare = set(near, and(addInts(addInts(get(x), intsOf(0x7fff)), odd), intsOf(0xffff_0000 | 0)))
  // Rounding could carry a NaN into zero.
  return [prepare, choose(get(near), get(x), equalFloats(get(x), get(x)))]
})

export const HALF_PROGRAMS: readonly Program[] = [roundF16, roundBf16]
export type HalfProgramName = 'roundF16' | 'roundBf16'
