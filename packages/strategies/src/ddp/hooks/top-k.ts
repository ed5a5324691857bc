/**
 * Only the largest values of each bucket travel, as positions and values; the rest waits in the error memory until it
 * has grown (Aji & Heafield 2017; Stich et al. 2018, "Sparsified SGD with Memory"). Every rank sends its own to all:
 * (N−1) · (4 + value bytes) · k bytes a rank. Not for: choosing the positions (select-largest.ts).
 */
import { CODECS, type Codec } from '@rondo/collectives'
import { RondoError } from '@rondo/protocol'
import type { CommHook, CommHookContext, GradientBucket } from './comm-hook.ts'
import { addInto, ErrorMemory } from './error-memory.ts'
import { selectLargest } from './select-largest.ts'

export interface TopKState {
  /** Share of a bucket's values that travel: above 0, at most 1. */
  ratio: number
  errorFeedback: boolean
}

const POSITION_BYTES = 4

/** @param cast how the values travel: f32, or the wrapper's format */
export function topKHook({ ratio, errorFeedback }: TopKState, cast: 'f32' | 'f16' | 'bf16'): CommHook {
  const memory = errorFeedback ? new ErrorMemory() : null
  const codec = CODECS[cast]
  return {
    name: 'topK',
    wire: `the largest ${100 * ratio} % as ${cast}${errorFeedback ? ' with error feedback' : ''}`,
    overlaps: true,
    reduce(bucket, context) {
      const error = memory?.of(bucket.index, bucket.values.length) ?? null
      return sumLargest(bucket, context, Math.max(1, Math.ceil(ratio * bucket.values.length)), codec, error)
    },
  }
}

async function sumLargest(
  { index, values }: GradientBucket,
  { group, signal }: CommHookContext,
  count: number,
  codec: Codec,
  error: Float32Array | null,
): Promise<Float32Array> {
  if (error !== null) addInto(values, error)
  const bytes = POSITION_BYTES * count + codec.bytesFor(count)
  const message = encode(values, selectLargest(values, count), codec, bytes)
  const all = await group.allGather(message, { name: `gradients ${index}`, signal })
  error?.set(values)
  values.fill(0)
  const sent = new Float32Array(count)
  for (let rank = 0; rank < group.worldSize; rank++) {
    const { positions, part } = split(all, rank * bytes, count)
    codec.decode(part, sent)
    for (let i = 0; i < count; i++) {
      const at = positions[i] as number
      if (at >= values.length) throw outside(rank, at, values.length)
      const value = sent[i] as number
      values[at] = (values[at] as number) + value
      if (error !== null && rank === group.rank) error[at] = value - value === 0 ? (error[at] as number) - value : 0
    }
  }
  return values
}

function encode(values: Float32Array, positions: Uint32Array, codec: Codec, bytes: number): Uint8Array {
  const message = new Uint8Array(bytes)
  message.set(new Uint8Array(positions.buffer))
  const chosen = Float32Array.from(positions, (at) => values[at] as number)
  codec.encode(chosen, message.subarray(POSITION_BYTES * positions.length))
  return message
}

function split(all: Uint8Array, at: number, count: number): { positions: Uint32Array; part: Uint8Array } {
  const end = at + POSITION_BYTES * count
  // A copy: half-precision messages of an odd count leave the next rank's positions at an odd address.
  return { positions: new Uint32Array(all.slice(at, end).buffer), part: all.subarray(end) }
}

function outside(rank: number, at: number, length: number): RondoError {
  return new RondoError(
    'BAD_MESSAGE',
    `topK got position ${at} of a bucket of ${length} values from rank ${rank}. Positions are below the length; the message is damaged, or that rank runs another version of Rondo.`,
    { rank },
  )
}
