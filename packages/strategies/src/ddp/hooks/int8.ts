/**
 * 8-bit gradients with error feedback: each rank's contribution is rounded once, sums are float32, the finished chunk is
 * rounded once more, and both rounding errors are kept for the next step where they arose (the two-phase scheme of
 * 1-bit Adam, Tang et al. 2021, §4.2, with the int8 codec). 2(N−1)/N bytes a value, as a ring; but a ring rounds
 * partial sums at every hop, and no rank could keep that error apart. Not for: the codec itself (collectives).
 */
import { CODECS, type Codec } from '@rondo/collectives'
import type { CommHook, CommHookContext, GradientBucket } from './comm-hook.ts'
import { addInto, ErrorMemory, finiteOrZero } from './error-memory.ts'
import { TwoPhaseOrder } from './two-phase-order.ts'

export interface Int8State {
  errorFeedback: boolean
  /** `stochastic` rounds up or down so that the mean is right; with feedback nearest is the more exact one. */
  rounding: 'nearest' | 'stochastic'
}

export function int8Hook({ errorFeedback, rounding }: Int8State): CommHook {
  const memory = errorFeedback ? new ErrorMemory() : null
  let order = new TwoPhaseOrder()
  const codec = CODECS[rounding === 'nearest' ? 'int8' : 'int8-stochastic']
  return {
    name: 'int8',
    wire: errorFeedback ? `${codec.name} with error feedback` : codec.name,
    overlaps: true,
    reduce(bucket, context) {
      if (bucket.index === 0) order = new TwoPhaseOrder()
      return sumRounded(bucket, context, order, codec, memory?.of(bucket.index, bucket.values.length) ?? null)
    },
  }
}

async function sumRounded(
  { index, isLast, values }: GradientBucket,
  { group, signal }: CommHookContext,
  order: TwoPhaseOrder,
  codec: Codec,
  error: Float32Array | null,
): Promise<Float32Array> {
  const { rank, worldSize } = group
  if (error !== null) addInto(values, error)
  const chunk = Math.ceil(values.length / worldSize)
  const part = (r: number): Float32Array =>
    values.subarray(Math.min(values.length, r * chunk), Math.min(values.length, (r + 1) * chunk))
  const errorPart = (r: number): Float32Array | null =>
    error?.subarray(Math.min(values.length, r * chunk), Math.min(values.length, (r + 1) * chunk)) ?? null
  const bytes = codec.bytesFor(chunk)
  const decoded = new Float32Array(chunk)

  const outgoing = new Uint8Array(worldSize * bytes)
  for (let r = 0; r < worldSize; r++) {
    if (r !== rank) encode(codec, part(r), outgoing.subarray(r * bytes, (r + 1) * bytes), decoded, errorPart(r))
  }
  const incoming = await order.first(index, () => group.allToAll(outgoing, { name: `gradients ${index}`, signal }))

  const own = part(rank)
  const sum = new Float32Array(own.length)
  for (let r = 0; r < worldSize; r++) {
    if (r !== rank) codec.decode(incoming.subarray(r * bytes, (r + 1) * bytes), decoded.subarray(0, own.length))
    addInto(sum, r === rank ? own : decoded)
  }
  const finished = new Uint8Array(bytes)
  encode(codec, sum, finished, decoded, errorPart(rank))
  const all = await order.second(index, isLast, () => group.allGather(finished, { name: `averages ${index}`, signal }))
  for (let r = 0; r < worldSize; r++) codec.decode(all.subarray(r * bytes, (r + 1) * bytes), part(r))
  return values
}

/** Rounds `x` into `out`, and leaves in `error` what the rounding took away. */
function encode(
  codec: Codec,
  x: Float32Array,
  out: Uint8Array,
  scratch: Float32Array,
  error: Float32Array | null,
): void {
  codec.encode(x, out)
  if (error === null) return
  const rounded = scratch.subarray(0, x.length)
  codec.decode(out, rounded)
  for (let i = 0; i < x.length; i++) error[i] = finiteOrZero((x[i] as number) - (rounded[i] as number))
}
