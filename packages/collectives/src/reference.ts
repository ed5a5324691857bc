/**
 * What the collectives mean, written down as plainly as possible: all ranks' inputs in, all ranks' results
 * out. The fast ones are tested against it. Not for: running anything.
 */
import { chunkBounds } from './chunks.ts'
import type { NumericArray } from './dtype.ts'
import type { ReduceOp } from './reduce.ts'

type Scalar = number | bigint

function join(op: Exclude<ReduceOp, 'mean' | 'avg'>, a: Scalar, b: Scalar): Scalar {
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    const [x, y] = [BigInt(a), BigInt(b)]
    return op === 'sum' ? x + y : op === 'product' ? x * y : (op === 'min') === x < y ? x : y
  }
  if (op === 'sum') return a + b
  if (op === 'product') return Number.isInteger(a) && Number.isInteger(b) ? exactProduct(a, b) : a * b
  return op === 'min' ? Math.min(a, b) : Math.max(a, b)
}

/** Integers of 32 bits multiply beyond what a double holds; wrapping them later needs all low bits. */
function exactProduct(a: number, b: number): number {
  const product = a * b
  return Number.isSafeInteger(product) ? product : Number(BigInt.asIntN(32, BigInt(a) * BigInt(b)))
}

export function referenceAllReduce<T extends NumericArray>(inputs: readonly T[], op: ReduceOp): T {
  const mean = op === 'mean' || op === 'avg'
  const result = inputs[0]!.slice() as T
  for (const input of inputs.slice(1)) {
    for (let i = 0; i < result.length; i++) result[i] = join(mean ? 'sum' : op, result[i]!, input[i]!) as never
  }
  if (mean) for (let i = 0; i < result.length; i++) result[i] = ((result[i] as number) / inputs.length) as never
  return result
}

export function referenceReduceScatter<T extends NumericArray>(inputs: readonly T[], op: ReduceOp): T[] {
  const whole = referenceAllReduce(inputs, op)
  const bounds = chunkBounds(whole.length, inputs.length)
  return inputs.map((_, rank) => whole.slice(bounds[rank], bounds[rank + 1]) as T)
}

export function referenceAllGather<T extends NumericArray>(inputs: readonly T[]): T {
  const length = inputs[0]!.length
  const whole = new (inputs[0]!.constructor as new (length: number) => T)(length * inputs.length)
  inputs.forEach((input, rank) => {
    whole.set(input as never, rank * length)
  })
  return whole
}

export function referenceAllToAll<T extends NumericArray>(inputs: readonly T[]): T[] {
  const part = inputs[0]!.length / inputs.length
  return inputs.map((own, to) => {
    const result = own.slice() as T
    inputs.forEach((input, from) => {
      result.set(input.slice(to * part, (to + 1) * part) as never, from * part)
    })
    return result
  })
}
