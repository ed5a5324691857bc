/**
 * The codecs' vector programs with the memory they work in: operands lie anywhere, so they go through tiles of it, which
 * stay in the processor's cache. Not for: the programs (vector-programs.ts), the formats (f16.ts, bf16.ts, int8.ts).
 */
import { assemble } from '@rondo/engine/simd-assembler'
import { BYTES_PER_ROUND, codecPrograms, WORDS_PER_ROUND } from './vector-programs.ts'

/** Values of a tile: 16 KiB of floats, and as much room for what becomes of them. */
export const TILE = 4_096
const FLOATS_AT = 0
const ENCODED_AT = 4 * TILE
const NUMBERS_AT = 8 * TILE

type WordLoop = (source: number, target: number, rounds: number) => void
type LevelLoop = (source: number, target: number, rounds: number, numbers: number) => void
interface Exports {
  encodeHalves: WordLoop
  decodeHalves: WordLoop
  encodeUppers: WordLoop
  decodeUppers: WordLoop
  measureBlock: WordLoop
  encodeLevels: LevelLoop
  roundLevels: LevelLoop
  decodeLevels: LevelLoop
}

/** What is known of a block of values before it is encoded. */
export interface BlockMeasure {
  /** The largest size; NaN if any value is. */
  readonly largest: number
  /** All values' bits, four lanes, exclusive-ored. */
  readonly mixed: Int32Array
}

export interface VectorCodecs {
  /** 16-bit words at the start of `out`. */
  encodeWords(format: 'half' | 'upper', x: Float32Array, out: Uint8Array): void
  decodeWords(format: 'half' | 'upper', bytes: Uint8Array, out: Float32Array): void
  /** Takes up to TILE values in, for the two that follow. */
  loadFloats(x: Float32Array): void
  measureBlock(from: number, count: number): BlockMeasure
  /** Levels of values loaded before, nearest or with these random states. `scale` is finite and above 0. */
  encodeLevels(from: number, count: number, scale: number, states: Int32Array | null, out: Uint8Array): void
  decodeLevels(bytes: Uint8Array, scale: number, out: Float32Array): void
}

let linked: VectorCodecs | null | undefined

/** Assembled on first use. Null where the engine knows no vectors, or must not compile WebAssembly. */
export function vectorCodecs(): VectorCodecs | null {
  if (linked === undefined) linked = link()
  return linked
}

function link(): VectorCodecs | null {
  const memory = new WebAssembly.Memory({ initial: 1 })
  let run: Exports
  try {
    const module = new WebAssembly.Module(assemble(codecPrograms(), false))
    run = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports
  } catch {
    return null
  }
  const floats = new Float32Array(memory.buffer, FLOATS_AT, TILE)
  const encoded = new Uint8Array(memory.buffer, ENCODED_AT, 4 * TILE)
  const numbers = new Float32Array(memory.buffer, NUMBERS_AT, 8)
  const numberBits = new Int32Array(memory.buffer, NUMBERS_AT, 8)
  const levelRounds = (count: number): number => Math.ceil(count / BYTES_PER_ROUND)
  return {
    encodeWords(format, x, out) {
      const loop = format === 'half' ? run.encodeHalves : run.encodeUppers
      for (let at = 0; at < x.length; at += TILE) {
        const count = Math.min(TILE, x.length - at)
        floats.set(x.subarray(at, at + count))
        loop(FLOATS_AT, ENCODED_AT, Math.ceil(count / WORDS_PER_ROUND))
        out.set(encoded.subarray(0, 2 * count), 2 * at)
      }
    },
    decodeWords(format, bytes, out) {
      const loop = format === 'half' ? run.decodeHalves : run.decodeUppers
      for (let at = 0; at < out.length; at += TILE) {
        const count = Math.min(TILE, out.length - at)
        encoded.set(bytes.subarray(2 * at, 2 * (at + count)))
        loop(ENCODED_AT, FLOATS_AT, Math.ceil(count / WORDS_PER_ROUND))
        out.set(count === TILE ? floats : floats.subarray(0, count), at)
      }
    },
    loadFloats(x) {
      floats.set(x)
      // Whole rounds are measured: what lies behind the last value must not count.
      floats.fill(0, x.length, Math.min(TILE, x.length + BYTES_PER_ROUND))
    },
    measureBlock(from, count) {
      run.measureBlock(FLOATS_AT + 4 * from, NUMBERS_AT, levelRounds(count))
      const largest = Math.max(numbers[0]!, numbers[1]!, numbers[2]!, numbers[3]!)
      return { largest, mixed: numberBits.slice(4) }
    },
    encodeLevels(from, count, scale, states, out) {
      numbers[0] = scale
      if (states !== null) numberBits.set(states, 4)
      const loop = states === null ? run.encodeLevels : run.roundLevels
      loop(FLOATS_AT + 4 * from, ENCODED_AT, levelRounds(count), NUMBERS_AT)
      out.set(encoded.subarray(0, count))
    },
    decodeLevels(bytes, scale, out) {
      numbers[0] = scale
      encoded.set(bytes)
      run.decodeLevels(ENCODED_AT, FLOATS_AT, levelRounds(out.length), NUMBERS_AT)
      out.set(floats.subarray(0, out.length))
    },
  }
}
