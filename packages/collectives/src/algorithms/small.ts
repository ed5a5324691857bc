/**
 * All-reduce in one step: every rank sends all it has to every other, and all reduce the same values in rank
 * order, so the bits agree. For payloads so small that steps cost more than bytes.
 */
import type { Codec } from '../codecs/codec.ts'
import { bytesOf, type DType, type NumericArray } from '../dtype.ts'
import { divide, type Reduction } from '../reduce.ts'
import { Exchange } from './exchange.ts'

export interface DirectAllReduce {
  readonly exchange: Exchange
  /** Reduces into the result; to be called once the exchange is complete. */
  finish(): void
}

export function directAllReduce(
  { rank, worldSize }: { rank: number; worldSize: number },
  x: NumericArray,
  into: NumericArray,
  dtype: DType,
  codec: Codec | undefined,
  { combine, mean }: Reduction,
): DirectAllReduce {
  const early = mean && codec !== undefined
  let own = bytesOf(x)
  if (codec !== undefined) {
    const values = early ? (x as Float32Array).map((value) => value / worldSize) : (x as Float32Array)
    own = new Uint8Array(codec.bytesFor(x.length))
    codec.encode(values, own)
  }
  const outgoing = new Map<number, Uint8Array>()
  const incoming = new Map<number, Uint8Array<ArrayBuffer>>()
  for (let other = 0; other < worldSize; other++) {
    if (other === rank) continue
    outgoing.set(other, own)
    incoming.set(other, new Uint8Array(own.byteLength))
  }
  /** A rank's values as everyone sees them: with a codec its own, too, are decoded. */
  function contribution(of: number): NumericArray {
    const bytes = of === rank ? own : incoming.get(of)!
    if (codec !== undefined) {
      const values = new Float32Array(x.length)
      codec.decode(bytes, values)
      return values
    }
    return of === rank ? x : dtype.view(bytes.buffer, bytes.byteOffset, x.length)
  }
  return {
    exchange: new Exchange(outgoing, incoming),
    finish() {
      // Rank 0's values are a buffer of ours unless this is rank 0: then they are copied before the reduction.
      const sum = rank === 0 && codec === undefined ? x.slice() : contribution(0)
      for (let other = 1; other < worldSize; other++) combine(sum, contribution(other), 0)
      if (mean && !early) divide(sum, worldSize)
      into.set(sum as never)
    },
  }
}
