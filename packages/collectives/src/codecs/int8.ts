/**
 * 8-bit integers with one float32 scale = max|x|/127 per block. Layout: all scales, then all bytes. `int8` rounds to
 * nearest, ties to even; `int8-stochastic` up or down so that the mean is right (Gupta et al., 2015), by random numbers
 * that follow from the block's own bits: the same values give the same bytes. A block that holds NaN or infinity decodes
 * to NaN as a whole, so that a bad gradient is still seen. Not for: the error feedback of training (strategies).
 */
import type { Codec } from './codec.ts'
import { TILE, type VectorCodecs, vectorCodecs } from './vector-codecs.ts'
import { bitsOf } from './words.ts'

/** Values per scale: 0.4 % more bytes, and one outlier spoils no more than its block. A part of a tile. */
const BLOCK = 1024
const LEVELS = 127
/** Adding and subtracting 1.5·2^52 rounds a small double to the nearest integer, ties to even. */
const ROUND = 6_755_399_441_055_744
/** Random numbers come from as many generators as a vector has lanes. */
const LANES = 4
/** Of the golden ratio: sets the lanes' generators apart. */
const GOLDEN = 0x9e37_79b9
/** 24 random bits are a share of one level. */
const SHARE = 2 ** -24

/** NaN for a block with NaN or infinity, 0 for one whose values are all too small. */
function scaleFor(largest: number): number {
  return largest < Number.POSITIVE_INFINITY ? Math.fround(largest / LEVELS) : Number.NaN
}

/** States of the generators, from a block's bits: Appleby's finalizer of MurmurHash3; none is 0. */
function statesOf(mixed: Int32Array): Int32Array {
  let seed = 0
  for (const lane of mixed) seed = ((seed << 7) | (seed >>> 25)) ^ lane
  return Int32Array.from({ length: LANES }, (_, lane) => {
    let hash = (seed + Math.imul(GOLDEN, lane + 1)) | 0
    hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
    return hash ^ (hash >>> 16) || GOLDEN | 0
  })
}

function plainEncode(x: Float32Array, scales: DataView, levels: Int8Array, stochastic: boolean): void {
  const words = bitsOf(x)
  for (let from = 0, block = 0; from < x.length; from += BLOCK, block++) {
    const to = Math.min(x.length, from + BLOCK)
    const mixed = new Int32Array(LANES)
    let largest = 0
    for (let i = from; i < to; i++) {
      largest = Math.max(largest, Math.abs(x[i]!))
      mixed[(i - from) % LANES]! ^= words[i]!
    }
    const scale = scaleFor(largest)
    scales.setFloat32(4 * block, scale, true)
    const states = stochastic ? statesOf(mixed) : null
    for (let i = from; i < to; i++) {
      const level = scale > 0 ? Math.fround(x[i]! / scale) : 0
      const whole =
        states === null ? level + ROUND - ROUND : Math.floor(Math.fround(level + nextShare(states, (i - from) % LANES)))
      // A subnormal scale is itself rounded: the largest value may then land beyond the last level.
      levels[i] = Math.max(-LEVELS, Math.min(LEVELS, whole))
    }
  }
}

/** Marsaglia's xorshift. */
function nextShare(states: Int32Array, lane: number): number {
  let state = states[lane]!
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  states[lane] = state
  return (state >>> 8) * SHARE
}

function vectorEncode(
  vectors: VectorCodecs,
  x: Float32Array,
  scales: DataView,
  levels: Int8Array,
  stochastic: boolean,
): void {
  const out = new Uint8Array(levels.buffer, levels.byteOffset, levels.byteLength)
  for (let at = 0; at < x.length; at += TILE) {
    const tile = x.subarray(at, at + TILE)
    vectors.loadFloats(tile)
    for (let from = 0; from < tile.length; from += BLOCK) {
      const count = Math.min(BLOCK, tile.length - from)
      const { largest, mixed } = vectors.measureBlock(from, count)
      const scale = scaleFor(largest)
      scales.setFloat32((4 * (at + from)) / BLOCK, scale, true)
      const target = out.subarray(at + from, at + from + count)
      if (scale > 0) vectors.encodeLevels(from, count, scale, stochastic ? statesOf(mixed) : null, target)
      else target.fill(0)
    }
  }
}

function plainDecode(scales: DataView, levels: Int8Array, out: Float32Array): void {
  for (let from = 0; from < out.length; from += BLOCK) {
    const scale = scales.getFloat32((4 * from) / BLOCK, true)
    const to = Math.min(out.length, from + BLOCK)
    for (let i = from; i < to; i++) out[i] = levels[i]! * scale
  }
}

/** `vectors` null takes the plain loops, which are what the vector programs are tested against. */
export function int8Codec(name: string, stochastic: boolean, vectors: () => VectorCodecs | null): Codec {
  return {
    name,
    bytesFor: (count) => count + 4 * Math.ceil(count / BLOCK),
    encode(x, out) {
      const blocks = Math.ceil(x.length / BLOCK)
      const scales = new DataView(out.buffer, out.byteOffset, out.byteLength)
      const levels = new Int8Array(out.buffer, out.byteOffset + 4 * blocks, x.length)
      const linked = vectors()
      if (linked === null) plainEncode(x, scales, levels, stochastic)
      else vectorEncode(linked, x, scales, levels, stochastic)
      return 4 * blocks + x.length
    },
    decode(bytes, out) {
      const blocks = Math.ceil(out.length / BLOCK)
      const scales = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const linked = vectors()
      if (linked === null) {
        plainDecode(scales, new Int8Array(bytes.buffer, bytes.byteOffset + 4 * blocks, out.length), out)
        return
      }
      for (let from = 0; from < out.length; from += BLOCK) {
        const to = Math.min(out.length, from + BLOCK)
        const levels = bytes.subarray(4 * blocks + from, 4 * blocks + to)
        linked.decodeLevels(levels, scales.getFloat32((4 * from) / BLOCK, true), out.subarray(from, to))
      }
    },
  }
}

export const int8 = int8Codec('int8', false, vectorCodecs)
export const int8Stochastic = int8Codec('int8-stochastic', true, vectorCodecs)
