/** Checks of what callers pass, shared by all groups, so that errors read the same with one rank and with many. */
import { RondoError } from '@rondo/protocol'
import { type Codec, type CodecName, resolveCodec } from './codecs/codec.ts'
import { ALL_REDUCE_ALGORITHMS } from './cost-model.ts'
import { type DType, dtypeOf, type NumericArray } from './dtype.ts'

export function bad(call: string, got: string, allowed: string, next: string): RondoError {
  return new RondoError('BAD_ARGUMENT', `${call} got ${got}. Allowed: ${allowed}. ${next}`)
}

export function checkRank(call: string, option: string, value: unknown, worldSize: number): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < worldSize) return value as number
  throw bad(
    call,
    `${option} ${String(value)}`,
    `a rank of this group, 0 to ${worldSize - 1}`,
    'Ranks are numbered from 0; check the world size.',
  )
}

export function checkOther(call: string, option: string, value: unknown, rank: number, worldSize: number): number {
  const other = checkRank(call, option, value, worldSize)
  if (other !== rank) return other
  throw bad(call, `${option} ${rank}, this rank itself`, 'another rank', 'Copy the array instead.')
}

/** `into` must be of the same type and of `length` elements. */
export function checkInto<T extends NumericArray>(call: string, into: T, dtype: DType, length: number): T {
  const own = dtypeOf(into, `${call}: into`)
  if (own.name === dtype.name && into.length === length) return into
  throw bad(
    call,
    `into of ${own.name} × ${into.length}`,
    `${dtype.name} × ${length}`,
    'Pass an array of that type and length, or leave it out.',
  )
}

export function checkMultiple(call: string, length: number, worldSize: number): number {
  if (length % worldSize === 0) return length / worldSize
  throw bad(
    call,
    `${length} elements`,
    `a multiple of the world size, ${worldSize}`,
    'Pad the array, or use send and recv for uneven parts.',
  )
}

export function checkCodec(call: string, codec: Codec | CodecName | undefined, dtype: DType): Codec | undefined {
  const resolved = resolveCodec(codec, call)
  if (resolved === undefined || dtype.name === 'float32') return resolved
  throw bad(call, `codec ${resolved.name} for ${dtype.name}`, 'codecs for float32 only', 'Leave the codec out.')
}

export function checkAlgorithm(call: string, algorithm: unknown): (typeof ALL_REDUCE_ALGORITHMS)[number] {
  const found = ALL_REDUCE_ALGORITHMS.find((name) => name === algorithm)
  if (found !== undefined) return found
  throw bad(call, `algorithm ${String(algorithm)}`, ALL_REDUCE_ALGORITHMS.join(', '), 'Leave it out for auto.')
}

export function checkTimeout(call: string, timeoutMs: number): number {
  if (timeoutMs > 0) return timeoutMs
  throw bad(call, `timeoutMs ${timeoutMs}`, 'milliseconds above 0, Infinity for none', 'Leave it out for the default.')
}
