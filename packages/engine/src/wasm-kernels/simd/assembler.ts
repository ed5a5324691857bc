/**
 * Just enough of a WebAssembly assembler to write loops over float vectors: expressions are byte lists that nest
 * as the program does. Opcodes are those of the core specification, §5.4 and its vector section. Not for:
 * the programs themselves (programs.ts).
 */

/** Instructions, encoded. An expression leaves one value on the stack, a statement none. */
export type Code = readonly number[]
/** Index of a parameter or local. */
export type Local = number

const I32 = 0x7f
const V128 = 0x7b
const SIMD = 0xfd
const EMPTY_BLOCK = 0x40
/** Pages of 64 KiB; the largest a memory can be, because ours is tfjs's, which may grow. */
const MAX_PAGES = 65_536
/** log₂ of the alignment that loads promise: tensors start at multiples of 4 bytes at least. */
const ALIGN = 2

function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value >>> 0
  do {
    const low = rest & 0x7f
    rest >>>= 7
    bytes.push(rest === 0 ? low : low | 0x80)
  } while (rest !== 0)
  return bytes
}

function signed(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (;;) {
    const low = rest & 0x7f
    rest >>= 7
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)
    bytes.push(done ? low : low | 0x80)
    if (done) return bytes
  }
}

const vector = (opcode: number): number[] => [SIMD, ...unsigned(opcode)]
const memory = (opcode: number, offset: number): number[] => [...vector(opcode), ALIGN, ...unsigned(offset)]
const binary =
  (opcode: Code) =>
  (a: Code, b: Code): Code => [...a, ...b, ...opcode]

export const get = (local: Local): Code => [0x20, ...unsigned(local)]
export const set = (local: Local, value: Code): Code => [...value, 0x21, ...unsigned(local)]
export const int = (value: number): Code => [0x41, ...signed(value)]
export const add = binary([0x6a])
export const multiply = binary([0x6c])
export const shiftRight = binary([0x76])
export const and32 = binary([0x71])
/** local += value, for pointers. */
export const advance = (local: Local, value: Code): Code => set(local, add(get(local), value))

/** The 32-bit integer at an address. */
export const loadInt = (address: Code): Code => [...address, 0x28, ALIGN, 0]
/** Four floats at an address plus a fixed number of bytes. */
export const load = (address: Code, offset = 0): Code => [...address, ...memory(0x00, offset)]
/** One float, four times. */
export const loadSplat = (address: Code, offset = 0): Code => [...address, ...memory(0x09, offset)]
export const store = (address: Code, value: Code, offset = 0): Code => [...address, ...value, ...memory(0x0b, offset)]
/** One float, the other lanes 0; and the first lane alone. They read and write nothing beyond it. */
export const loadOne = (address: Code, offset = 0): Code => [...address, ...memory(0x5c, offset)]
export const storeOne = (address: Code, value: Code, offset = 0): Code => [
  ...address,
  ...value,
  ...memory(0x5a, offset),
  0,
]
/** Lanes of a (0 to 3) and b (4 to 7) in a new order. */
export const shuffle = (a: Code, b: Code, lanes: readonly [number, number, number, number]): Code => [
  ...a,
  ...b,
  ...vector(0x0d),
  ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte)),
]
export const zeros: Code = [...vector(0x0c), ...new Array<number>(16).fill(0)]
export const addFloats = binary(vector(0xe4))
export const subtractFloats = binary(vector(0xe5))
export const multiplyFloats = binary(vector(0xe6))
/** a · b + c, in one rounding or two as the machine prefers (relaxed SIMD). */
export const relaxedMultiplyAdd = (a: Code, b: Code, c: Code): Code => [...a, ...b, ...c, ...vector(0x105)]
export const divideFloats = binary(vector(0xe7))
/** NaN wins and −0 is less than 0, as for Math.min and Math.max. */
export const minFloats = binary(vector(0xe8))
export const maxFloats = binary(vector(0xe9))
export const nearestFloats = (a: Code): Code => [...a, ...vector(0x6a)]
/** To int32, towards zero; NaN becomes 0. */
export const truncateToInts = (a: Code): Code => [...a, ...vector(0xf8)]
export const addInts = binary(vector(0xae))
/** Each int32 lane moved by a number of bits, the same for all. */
export const shiftInts = binary(vector(0xab))
/** The same to the right, filled with zeros. */
export const shiftIntsRight = binary(vector(0xad))
export const lessFloats = binary(vector(0x43))
export const atMostFloats = binary(vector(0x45))
export const greaterFloats = binary(vector(0x44))
/** Lanes of a where the mask is set, of b elsewhere. */
export const choose = (a: Code, b: Code, mask: Code): Code => [...a, ...b, ...mask, ...vector(0x52)]
const constant = (lanes: Float32Array | Int32Array): Code => [...vector(0x0c), ...new Uint8Array(lanes.buffer)]
/** Four floats given now. */
export const floats = (...lanes: [number, number, number, number]): Code => constant(Float32Array.from(lanes))
/** Four integers given now. */
export const ints = (...lanes: [number, number, number, number]): Code => constant(Int32Array.from(lanes))
/** All bits of a lane where equal, none elsewhere. */
export const equalFloats = binary(vector(0x41))
export const and = binary(vector(0x4e))
/** a ∧ ¬b. */
export const andNot = binary(vector(0x4f))
export const or = binary(vector(0x50))

/** Runs the statements `count` times, which may be 0; `counter` is used up. */
export const repeat = (counter: Local, count: Code, ...body: Code[]): Code => [
  ...[0x02, EMPTY_BLOCK],
  ...[...count, 0x22, ...unsigned(counter), 0x45, 0x0d, 0],
  ...[0x03, EMPTY_BLOCK],
  ...body.flat(),
  ...[...get(counter), ...int(-1), 0x6a, 0x22, ...unsigned(counter), 0x0d, 0],
  ...[0x0b, 0x0b],
]

/**
 * The statements in turn, `count` times in all (which may be 0): a loop unrolled with a way out after each. Engines
 * then finish one step's arithmetic before they start the next; without it they load all operands first and spill.
 */
export const repeatUnrolled = (counter: Local, count: Code, steps: readonly Code[], after: Code): Code => [
  ...[0x02, EMPTY_BLOCK],
  ...[...count, 0x22, ...unsigned(counter), 0x45, 0x0d, 0],
  ...[0x03, EMPTY_BLOCK],
  ...steps.flatMap((step, i) => [
    ...step,
    ...(i === steps.length - 1 ? after : []),
    ...[...get(counter), ...int(-1), 0x6a, 0x22, ...unsigned(counter)],
    // Out of the block after any but the last step; back to the loop's head after the last.
    ...(i === steps.length - 1 ? [0x0d, 0] : [0x45, 0x0d, 1]),
  ]),
  ...[0x0b, 0x0b],
]

/** A function of i32 parameters without a result, under construction: hands out its locals. */
export class FunctionBuilder {
  private readonly locals: number[] = []
  private readonly parameters: number

  constructor(parameters: number) {
    this.parameters = parameters
  }

  private local(type: number): Local {
    this.locals.push(type)
    return this.parameters + this.locals.length - 1
  }

  int(): Local {
    return this.local(I32)
  }

  vector(): Local {
    return this.local(V128)
  }

  vectors(count: number): Local[] {
    return Array.from({ length: count }, () => this.vector())
  }

  signature(): number[] {
    return [0x60, ...list(new Array<number[]>(this.parameters).fill([I32])), 0]
  }

  body(...statements: Code[]): number[] {
    const code = [...list(this.locals.map((type) => [1, type])), ...statements.flat(), 0x0b]
    return [...unsigned(code.length), ...code]
  }
}

export interface Program {
  name: string
  signature: number[]
  body: number[]
}

const list = (items: readonly number[][]): number[] => [...unsigned(items.length), ...items.flat()]
const text = (value: string): number[] => [...unsigned(value.length), ...new TextEncoder().encode(value)]
const section = (id: number, items: readonly number[][]): number[] => {
  const content = list(items)
  return [id, ...unsigned(content.length), ...content]
}

/** A module of these programs over the imported memory `env.memory`, which is shared where tfjs has threads. */
export function assemble(programs: readonly Program[], shared: boolean): Uint8Array<ArrayBuffer> {
  const limits = shared ? [3, 1, ...unsigned(MAX_PAGES)] : [0, 1]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      programs.map(({ signature }) => signature),
    ),
    ...section(2, [[...text('env'), ...text('memory'), 2, ...limits]]),
    ...section(
      3,
      programs.map((_, i) => unsigned(i)),
    ),
    ...section(
      7,
      programs.map(({ name }, i) => [...text(name), 0, ...unsigned(i)]),
    ),
    ...section(
      10,
      programs.map(({ body }) => body),
    ),
  ])
}
