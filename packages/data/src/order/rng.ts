/**
 * The seeded generator behind every shuffle: the same numbers on every machine, browser and version.
 * xoshiro128** 1.1 (Blackman and Vigna, 2018), its 128-bit state filled from the seed by SplitMix64 (Steele,
 * Lea and Flood, 2014). Not for secrets, and not the generator of the model's weights.
 */

const SPLITMIX_STEP = 0x9e3779b97f4a7c15n
const TWO_32 = 0x1_0000_0000

/** SplitMix64: an endless stream of unsigned 64-bit numbers from any integer seed. */
export function* splitMix64(seed: number | bigint): Generator<bigint, never> {
  let state = BigInt.asUintN(64, BigInt(seed))
  for (;;) {
    state = BigInt.asUintN(64, state + SPLITMIX_STEP)
    let z = state
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
    yield z ^ (z >> 31n)
  }
}

export class Random {
  #s0: number
  #s1: number
  #s2: number
  #s3: number

  constructor(s0: number, s1: number, s2: number, s3: number) {
    this.#s0 = s0
    this.#s1 = s1
    this.#s2 = s2
    this.#s3 = s3
  }

  /** A generator whose state words are the low and high halves of SplitMix64's first two outputs. */
  static fromSeed(seed: number | bigint): Random {
    const stream = splitMix64(seed)
    const words = [stream.next().value, stream.next().value].flatMap((v) => [Number(v & 0xffffffffn), Number(v >> 32n)])
    return new Random(...(words as [number, number, number, number]))
  }

  /** The next 32 bits, 0..2^32-1. */
  nextUint32(): number {
    const scrambled = Math.imul(this.#s1, 5)
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0
    const t = this.#s1 << 9
    this.#s2 ^= this.#s0
    this.#s3 ^= this.#s1
    this.#s1 ^= this.#s2
    this.#s0 ^= this.#s3
    this.#s2 ^= t
    this.#s3 = (this.#s3 << 11) | (this.#s3 >>> 21)
    return result
  }

  /** A whole number 0..bound-1, each equally likely: numbers above the last full multiple are drawn again. */
  below(bound: number): number {
    const limit = TWO_32 - (TWO_32 % bound)
    let value = this.nextUint32()
    while (value >= limit) value = this.nextUint32()
    return value % bound
  }
}

/** 0, 1 … length-1. */
export function range(length: number): Int32Array {
  const indices = new Int32Array(length)
  for (let i = 0; i < length; i++) indices[i] = i
  return indices
}

/**
 * A random order of 0..length-1: Fisher–Yates from the last place down, place i swapped with `below(i + 1)`.
 * The same `length` and `seed` always give the same order.
 */
export function permutation(length: number, seed: number): Int32Array {
  const order = range(length)
  const random = Random.fromSeed(seed)
  for (let i = length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const held = order[i] as number
    order[i] = order[j] as number
    order[j] = held
  }
  return order
}
