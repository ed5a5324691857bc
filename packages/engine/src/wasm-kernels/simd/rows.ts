/** Passing over a row of floats of any width: whole vectors first, then what is left, float by float. */
import {
  addFloats,
  advance,
  and32,
  type Code,
  get,
  int,
  type Local,
  load,
  loadOne,
  repeat,
  set,
  shiftRight,
  shuffle,
  store,
  storeOne,
} from './assembler.ts'
import { FLOAT_BYTES, VECTOR_BYTES } from './parameters.ts'

/** log₂ of the floats in a vector. */
const LANE_BITS = 2
const LAST_LANES = 3

/** How a pass reads and writes: four floats at a time, or one where fewer are left. */
export interface Access {
  /** Four at a time. */
  whole: boolean
  load(pointer: Local): Code
  store(pointer: Local, value: Code): Code
  bytes: number
}
const WHOLE: Access = {
  whole: true,
  load: (pointer) => load(get(pointer)),
  store: (pointer, value) => store(get(pointer), value),
  bytes: VECTOR_BYTES,
}
const SINGLE: Access = {
  whole: false,
  load: (pointer) => loadOne(get(pointer)),
  store: (pointer, value) => storeOne(get(pointer), value),
  bytes: FLOAT_BYTES,
}

/** `body` for each vector of `columns` floats and for each float after the last whole vector; pointers move along. */
export function alongRow(counter: Local, columns: Code, pointers: Local[], body: (access: Access) => Code): Code {
  const pass = (count: Code, access: Access): Code =>
    repeat(counter, count, body(access), ...pointers.map((pointer) => advance(pointer, int(access.bytes))))
  return [...pass(shiftRight(columns, int(LANE_BITS)), WHOLE), ...pass(and32(columns, int(LAST_LANES)), SINGLE)]
}

/** Puts the sum of a vector's lanes into each of them. */
export const sumLanes = (sum: Local): Code => [
  ...set(sum, addFloats(get(sum), shuffle(get(sum), get(sum), [2, 3, 0, 1]))),
  ...set(sum, addFloats(get(sum), shuffle(get(sum), get(sum), [1, 0, 3, 2]))),
]
