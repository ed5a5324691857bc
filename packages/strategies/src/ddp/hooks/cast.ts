/**
 * Hooks that only change how values travel: every hop's payload is cast, sums are float32, and a chunk's owner decodes
 * what it sent like everyone else (PyTorch's fp16_compress_hook and bf16_compress_hook; there the ring sums halves).
 */
import type { CodecName } from '@rondo/collectives'
import type { CommHook } from './comm-hook.ts'

/** Wire formats that need no memory of the step before. */
export type CastName = 'fp16' | 'bf16'

/** What collectives call them. */
export const CAST_CODECS: Readonly<Record<CastName, CodecName>> = { fp16: 'f16', bf16: 'bf16' }

export function castHook(name: CastName): CommHook {
  const codec = CAST_CODECS[name]
  return {
    name,
    wire: codec,
    overlaps: true,
    isCast: true,
    reduce: ({ index, values }, { group, signal }) =>
      group.allReduce(values, { op: 'sum', codec, name: `gradients ${index}`, signal }),
  }
}
