/**
 * How float32 values look on the wire. A codec is stateless: the same values give the same bytes on every
 * rank. Not for: error feedback or hooks, which belong to strategies.
 */
import { RondoError } from '@rondo/protocol'
import { bf16 } from './bf16.ts'
import { f16 } from './f16.ts'
import { f32 } from './f32.ts'
import { int8, int8Stochastic } from './int8.ts'

export interface Codec {
  readonly name: string
  /** Bytes that `count` values take. Grows with `count`. */
  bytesFor(count: number): number
  /** Writes all of `x` to the start of `out` and returns the bytes written, `bytesFor(x.length)`. */
  encode(x: Float32Array, out: Uint8Array): number
  /** Fills `out` from the start of `bytes`. */
  decode(bytes: Uint8Array, out: Float32Array): void
}

export const CODECS = { f32, f16, bf16, int8, 'int8-stochastic': int8Stochastic } as const
export type CodecName = keyof typeof CODECS

/** A codec by name or as given; `undefined` for none. Throws BAD_ARGUMENT for an unknown name. */
export function resolveCodec(codec: Codec | CodecName | undefined, call: string): Codec | undefined {
  if (typeof codec !== 'string') return codec === f32 ? undefined : codec
  if (!Object.hasOwn(CODECS, codec)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `${call} got codec "${codec}". Known are ${Object.keys(CODECS).join(', ')}. Choose one of these.`,
    )
  }
  // f32 is what the wire carries anyway: the path without a codec copies less.
  return codec === 'f32' ? undefined : CODECS[codec]
}

/** The most values whose encoding fits into `bytes`; at least 1. */
export function valuesIn(codec: Codec, bytes: number): number {
  let low = 1
  let high = bytes
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (codec.bytesFor(middle) <= bytes) low = middle
    else high = middle - 1
  }
  return low
}
