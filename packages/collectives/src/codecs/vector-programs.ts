/**
 * The loops of the codecs as programs over vectors: same bytes, same values as the plain loops beside which they are
 * tested. Parameters are addresses of source and target, rounds, and for int8 the address of its numbers. Not for:
 * where operands lie (vector-codecs.ts).
 */
import {
  addFloats,
  advance,
  and,
  type Code,
  divideFloats,
  FunctionBuilder,
  get,
  int,
  type Local,
  load,
  loadSplat,
  maxFloats,
  multiplyFloats,
  or,
  type Program,
  repeat,
  set,
  store,
} from '@rondo/engine/simd-assembler'
import {
  absFloats,
  addInts,
  bits,
  floorFloats,
  fromInts,
  greaterUnsigned,
  lessUnsigned,
  maxBytes,
  maxUnsigned,
  narrowBytes,
  narrowSigned,
  narrowUnsigned,
  nearestFloats,
  select,
  shiftLeft,
  shiftRightUnsigned,
  subtractFloats,
  toInts,
  widenHigh,
  widenHighBytes,
  widenHighUnsigned,
  widenLow,
  widenLowBytes,
  widenLowUnsigned,
  xor,
} from './vector-ops.ts'

/** Values of one round: a vector of 16-bit words, and a vector of bytes. */
export const WORDS_PER_ROUND = 8
export const BYTES_PER_ROUND = 16

const [SOURCE, TARGET, ROUNDS, NUMBERS] = [0, 1, 2, 3] as const

const SIGN = 0x8000_0000
const INFINITY_TWICE = 0xff00_0000

/** A loop that turns 8 floats into 8 words, or back, and takes `step` bytes of source and `made` of target a round. */
function wordLoop(name: string, read: number, written: number, body: (f: FunctionBuilder) => Code[]): Program {
  const f = new FunctionBuilder(3)
  const round = body(f)
  const moves = [advance(SOURCE, int(read)), advance(TARGET, int(written))]
  const loop = repeat(ROUNDS, get(ROUNDS), ...round, ...moves)
  return { name, signature: f.signature(), body: f.body(loop) }
}

/**
 * A float as a half in 32 bits. Scaling up and down makes infinity of what overflows; adding a power of two of the
 * value's own exponent rounds its mantissa to 10 bits, or fewer for subnormals. Source of the trick: Marat Dukhan's FP16.
 */
function halfOf(at: number, word: Local, twice: Local, rounded: Local): [Code, Code] {
  const scaled = multiplyFloats(multiplyFloats(absFloats(get(word)), bits(0x7780_0000)), bits(0x0880_0000))
  const exponent = maxUnsigned(and(get(twice), bits(INFINITY_TWICE)), bits(0x7100_0000))
  const prepare = [
    ...set(word, load(get(SOURCE), at)),
    ...set(twice, shiftLeft(get(word), 1)),
    ...set(rounded, addFloats(addInts(shiftRightUnsigned(exponent, 1), bits(0x0780_0000)), scaled)),
  ]
  const size = addInts(and(shiftRightUnsigned(get(rounded), 13), bits(0x7c00)), and(get(rounded), bits(0x0fff)))
  const noNumber = greaterUnsigned(get(twice), bits(INFINITY_TWICE))
  const sign = shiftRightUnsigned(and(get(word), bits(SIGN)), 16)
  return [prepare, or(sign, select(bits(0x7e00), size, noNumber))]
}

/** A half, as the upper half of 32 bits, as a float. */
function floatOfHalf(word: Code, upper: Local, twice: Local): [Code, Code] {
  const prepare = [...set(upper, shiftLeft(word, 16)), ...set(twice, addInts(get(upper), get(upper)))]
  const normal = multiplyFloats(
    addInts(shiftRightUnsigned(get(twice), 4), bits(0x7000_0000)),
    bits(0x0780_0000), // 2^-112
  )
  const subnormal = subtractFloats(or(shiftRightUnsigned(get(twice), 17), bits(0x3f00_0000)), bits(0x3f00_0000))
  const size = select(subnormal, normal, lessUnsigned(get(twice), bits(0x0800_0000)))
  return [prepare, or(and(get(upper), bits(SIGN)), size)]
}

function encodeHalves(): Program {
  return wordLoop('encodeHalves', 32, 16, (f) => {
    const [word, twice, rounded, first] = f.vectors(4) as [Local, Local, Local, Local]
    const [prepareLow, low] = halfOf(0, word, twice, rounded)
    const [prepareHigh, high] = halfOf(16, word, twice, rounded)
    return [prepareLow, set(first, low), prepareHigh, store(get(TARGET), narrowUnsigned(get(first), high))]
  })
}

function decodeHalves(): Program {
  return wordLoop('decodeHalves', 16, 32, (f) => {
    const [words, upper, twice] = f.vectors(3) as [Local, Local, Local]
    const [prepareLow, low] = floatOfHalf(widenLowUnsigned(get(words)), upper, twice)
    const [prepareHigh, high] = floatOfHalf(widenHighUnsigned(get(words)), upper, twice)
    return [
      set(words, load(get(SOURCE))),
      ...[prepareLow, store(get(TARGET), low)],
      ...[prepareHigh, store(get(TARGET), high, 16)],
    ]
  })
}

/** A float's upper half, rounded to nearest, ties to even; any NaN as the quiet one. */
function upperOf(at: number, word: Local): [Code, Code] {
  const odd = and(shiftRightUnsigned(get(word), 16), bits(1))
  const rounded = shiftRightUnsigned(addInts(addInts(get(word), bits(0x7fff)), odd), 16)
  const noNumber = greaterUnsigned(and(get(word), bits(0x7fff_ffff)), bits(0x7f80_0000))
  const quiet = or(and(shiftRightUnsigned(get(word), 16), bits(0x8000)), bits(0x7fc0))
  return [set(word, load(get(SOURCE), at)), select(quiet, rounded, noNumber)]
}

function encodeUppers(): Program {
  return wordLoop('encodeUppers', 32, 16, (f) => {
    const [word, first] = f.vectors(2) as [Local, Local]
    const [prepareLow, low] = upperOf(0, word)
    const [prepareHigh, high] = upperOf(16, word)
    return [prepareLow, set(first, low), prepareHigh, store(get(TARGET), narrowUnsigned(get(first), high))]
  })
}

function decodeUppers(): Program {
  return wordLoop('decodeUppers', 16, 32, (f) => {
    const words = f.vector()
    return [
      set(words, load(get(SOURCE))),
      store(get(TARGET), shiftLeft(widenLowUnsigned(get(words)), 16)),
      store(get(TARGET), shiftLeft(widenHighUnsigned(get(words)), 16), 16),
    ]
  })
}

/** To `target` goes the largest size of each of four lanes, behind it the lanes' bits, all exclusive-ored. */
function measureBlock(): Program {
  const f = new FunctionBuilder(3)
  const [largest, mixed, values] = f.vectors(3) as [Local, Local, Local]
  const body = [0, 16, 32, 48].flatMap((at) => [
    set(values, load(get(SOURCE), at)),
    // NaN wins, so one is enough to be seen.
    set(largest, maxFloats(get(largest), absFloats(get(values)))),
    set(mixed, xor(get(mixed), get(values))),
  ])
  const loop = repeat(ROUNDS, get(ROUNDS), ...body, advance(SOURCE, int(64)))
  const results = [store(get(TARGET), get(largest)), store(get(TARGET), get(mixed), 16)]
  return { name: 'measureBlock', signature: f.signature(), body: f.body(loop, ...results) }
}

/** Levels of 16 floats a round: at NUMBERS lies the scale, 16 bytes behind it the random state of the four lanes. */
function encodeLevels(name: string, stochastic: boolean): Program {
  const f = new FunctionBuilder(4)
  const [scale, state, ...levels] = f.vectors(6) as [Local, Local, Local, Local, Local, Local]
  const next = (shifted: Code): Code => set(state, xor(get(state), shifted))
  const body = [0, 16, 32, 48].flatMap((at, i) => {
    const level = divideFloats(load(get(SOURCE), at), get(scale))
    if (!stochastic) return [set(levels[i]!, toInts(nearestFloats(level)))]
    const share = multiplyFloats(fromInts(shiftRightUnsigned(get(state), 8)), bits(0x3380_0000)) // 2^-24
    return [
      next(shiftLeft(get(state), 13)),
      next(shiftRightUnsigned(get(state), 17)),
      next(shiftLeft(get(state), 5)),
      set(levels[i]!, toInts(floorFloats(addFloats(level, share)))),
    ]
  })
  const [a, b, c, d] = levels.map((level) => get(level)) as [Code, Code, Code, Code]
  const bytes = maxBytes(narrowBytes(narrowSigned(a, b), narrowSigned(c, d)), bits(0x8181_8181)) // −127
  const moves = [advance(SOURCE, int(64)), advance(TARGET, int(16))]
  const loop = repeat(ROUNDS, get(ROUNDS), ...body, store(get(TARGET), bytes), ...moves)
  const before = [set(scale, loadSplat(get(NUMBERS))), set(state, load(get(NUMBERS), 16))]
  return { name, signature: f.signature(), body: f.body(...before, loop) }
}

function decodeLevels(): Program {
  const f = new FunctionBuilder(4)
  const [scale, bytes, words] = f.vectors(3) as [Local, Local, Local]
  const four = (ints: Code, at: number): Code => store(get(TARGET), multiplyFloats(fromInts(ints), get(scale)), at)
  const body = [
    set(bytes, load(get(SOURCE))),
    ...[set(words, widenLowBytes(get(bytes))), four(widenLow(get(words)), 0), four(widenHigh(get(words)), 16)],
    ...[set(words, widenHighBytes(get(bytes))), four(widenLow(get(words)), 32), four(widenHigh(get(words)), 48)],
  ]
  const loop = repeat(ROUNDS, get(ROUNDS), ...body, advance(SOURCE, int(16)), advance(TARGET, int(64)))
  const signature = f.signature()
  return { name: 'decodeLevels', signature, body: f.body(set(scale, loadSplat(get(NUMBERS))), loop) }
}

export const codecPrograms = (): Program[] => [
  ...[encodeHalves(), decodeHalves(), encodeUppers(), decodeUppers()],
  ...[measureBlock(), encodeLevels('encodeLevels', false), encodeLevels('roundLevels', true), decodeLevels()],
]
