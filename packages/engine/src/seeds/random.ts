/**
 * Rondo's seeded generator: xoshiro128** 1.1 (Blackman & Vigna, 2018, prng.di.unimi.it), its 128 bits of state
 * filled by SplitMix32 from a 32-bit seed. The same numbers on every machine; state can be saved. Not for:
 * secrets (use crypto.getRandomValues).
 */
import { RondoError } from '@rondo/protocol'

/** Largest seed: seeds are unsigned 32-bit numbers, as in PyTorch Lightning. */
const MAX_SEED = 0xffff_ffff

export type RandomState = readonly [number, number, number, number]

/** @throws RondoError BAD_ARGUMENT unless an integer in 0..4294967295. */
export function checkSeed(seed: number, option = 'seed'): number {
  if (Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED) return seed
  throw new RondoError(
    'BAD_ARGUMENT',
    `${option} is ${seed}. It must be a whole number from 0 to ${MAX_SEED}. Choose one in this range.`,
  )
}

export class Random {
  private readonly s: Uint32Array
  private spare: number | null = null

  constructor(seed: number) {
    let x = checkSeed(seed)
    this.s = Uint32Array.from({ length: 4 }, () => {
      x = (x + 0x9e37_79b9) >>> 0
      let z = x
      z = Math.imul(z ^ (z >>> 16), 0x85eb_ca6b)
      z = Math.imul(z ^ (z >>> 13), 0xc2b2_ae35)
      return z ^ (z >>> 16)
    })
  }

  /** Next unsigned 32-bit integer. */
  uint32(): number {
    const s = this.s
    const s1 = s[1] as number
    const scrambled = Math.imul(rotate(Math.imul(s1, 5), 7), 9) >>> 0
    s[2] = (s[2] as number) ^ (s[0] as number)
    s[3] = (s[3] as number) ^ s1
    s[1] = s1 ^ (s[2] as number)
    s[0] = (s[0] as number) ^ (s[3] as number)
    s[2] = (s[2] as number) ^ (s1 << 9)
    s[3] = rotate(s[3] as number, 11)
    return scrambled
  }

  /** Uniform in [0, 1) with 53 random bits, as Math.random. */
  next(): number {
    const high = this.uint32() >>> 5
    const low = this.uint32() >>> 6
    return (high * 0x400_0000 + low) / 0x20_0000_0000_0000
  }

  /** Uniform integer in [0, bound), without modulo bias. bound: 1..2³². */
  integer(bound: number): number {
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound)
    let value = this.uint32()
    while (value >= limit) value = this.uint32()
    return value % bound
  }

  /** Standard normal (Marsaglia's polar method); two draws at a time. */
  normal(): number {
    if (this.spare !== null) {
      const kept = this.spare
      this.spare = null
      return kept
    }
    let x: number
    let y: number
    let r: number
    do {
      x = 2 * this.next() - 1
      y = 2 * this.next() - 1
      r = x * x + y * y
    } while (r >= 1 || r === 0)
    const scale = Math.sqrt((-2 * Math.log(r)) / r)
    this.spare = y * scale
    return x * scale
  }

  /** Fisher–Yates, in place. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1)
      const kept = items[i]
      items[i] = items[j]
      items[j] = kept
    }
    return items
  }

  /** Plain data; `setState` goes on from there. A half-used pair of normals is dropped. */
  state(): RandomState {
    return [...this.s] as unknown as RandomState
  }

  setState(state: RandomState): void {
    this.s.set(state)
    this.spare = null
  }
}

function rotate(x: number, bits: number): number {
  return ((x << bits) | (x >>> (32 - bits))) >>> 0
}
