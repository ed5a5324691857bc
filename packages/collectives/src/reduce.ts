/**
 * Element-wise reductions over typed arrays. Integers wrap as in C and torch; float min and max let NaN
 * win, so that one bad rank shows everywhere. Not for: who reduces what and when (algorithms/).
 */
import { RondoError } from '@rondo/protocol'
import type { DType, NumericArray } from './dtype.ts'
import { simdReductions } from './reduce-simd.ts'

export const REDUCE_OPS = ['sum', 'mean', 'avg', 'min', 'max', 'product'] as const
/** `avg` is another name of `mean`, as in torch. */
export type ReduceOp = (typeof REDUCE_OPS)[number]

/** What two contributions are joined by; a mean is a sum that is divided at the end. */
export type JoinOp = 'sum' | 'min' | 'max' | 'product'

/** target[i] = target[i] ∘ source[from + i] for all i of target. */
export type Combine = (target: NumericArray, source: NumericArray, from: number) => void

/** Elements. Fewer are joined by the plain loop before they are copied to where vectors reach them. */
const MIN_VECTOR_ELEMENTS = 256

type Numbers = Exclude<NumericArray, BigInt64Array>

// The loop that training runs: kept monomorphic so that it stays near one nanosecond per element.
function sumFloat32(target: Float32Array, source: Float32Array, from: number): void {
  for (let i = 0; i < target.length; i++) target[i] = target[i]! + source[from + i]!
}
function sum(target: Numbers, source: Numbers, from: number): void {
  for (let i = 0; i < target.length; i++) target[i] = target[i]! + source[from + i]!
}
function min(target: Numbers, source: Numbers, from: number): void {
  for (let i = 0; i < target.length; i++) target[i] = Math.min(target[i]!, source[from + i]!)
}
function max(target: Numbers, source: Numbers, from: number): void {
  for (let i = 0; i < target.length; i++) target[i] = Math.max(target[i]!, source[from + i]!)
}
function product(target: Numbers, source: Numbers, from: number): void {
  for (let i = 0; i < target.length; i++) target[i] = target[i]! * source[from + i]!
}
// A double holds no 64-bit product; the low 32 bits are what wrapping means.
function productInt32(target: Numbers, source: Numbers, from: number): void {
  for (let i = 0; i < target.length; i++) target[i] = Math.imul(target[i]!, source[from + i]!)
}

const BIGINT: Record<JoinOp, (a: bigint, b: bigint) => bigint> = {
  sum: (a, b) => a + b,
  // Spelled out: Math.min and Math.max take no bigints.
  min(a, b) {
    if (a < b) return a
    return b
  },
  max(a, b) {
    if (a > b) return a
    return b
  },
  product: (a, b) => a * b,
}

/** What a reduction does at each meeting of two contributions, and what the sum is divided by at the end. */
export interface Reduction {
  readonly op: Exclude<ReduceOp, 'avg'>
  readonly combine: Combine
  /** True when the finished sum is divided by the number of ranks. */
  readonly mean: boolean
}

/** Throws BAD_ARGUMENT for an unknown op and for the mean of integers. */
export function reduction(op: unknown, dtype: DType, call: string): Reduction {
  if (!REDUCE_OPS.includes(op as ReduceOp)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `${call} got op ${JSON.stringify(op) ?? String(op)}. Known are ${REDUCE_OPS.join(', ')}. Choose one of these.`,
    )
  }
  const name = op === 'avg' ? 'mean' : (op as Exclude<ReduceOp, 'avg'>)
  if (name === 'mean' && dtype.integer) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `${call} got op "${op}" for ${dtype.name}: the mean of integers is no integer. ` +
        `Allowed for integers are sum, min, max, product. Cast to Float32Array first, or use "sum".`,
    )
  }
  return { op: name, combine: kernel(name === 'mean' ? 'sum' : name, dtype), mean: name === 'mean' }
}

function kernel(op: JoinOp, dtype: DType): Combine {
  const plain = plainKernel(op, dtype)
  const simd = dtype.name === 'float32' ? simdReductions() : null
  if (simd === null) return plain
  const vectors = simd[op] as Combine
  return (target, source, from) => {
    if (target.length < MIN_VECTOR_ELEMENTS) plain(target, source, from)
    else vectors(target, source, from)
  }
}

/** The plain loops: what the vector programs are tested against, and what other types and old engines use. */
export function plainKernel(op: JoinOp, dtype: DType): Combine {
  if (dtype.name === 'int64') {
    const join = BIGINT[op]
    return ((target: BigInt64Array, source: BigInt64Array, from: number) => {
      for (let i = 0; i < target.length; i++) target[i] = join(target[i]!, source[from + i]!)
    }) as Combine
  }
  switch (op) {
    case 'sum':
      return (dtype.name === 'float32' ? sumFloat32 : sum) as Combine
    case 'min':
      return min as Combine
    case 'max':
      return max as Combine
    case 'product':
      return (dtype.name === 'int32' || dtype.name === 'uint32' ? productInt32 : product) as Combine
    default:
      return op satisfies never
  }
}

/** x[i] = x[i] / divisor, for the mean of floats. */
export function divide(x: NumericArray, divisor: number): void {
  const simd = x instanceof Float32Array && x.length >= MIN_VECTOR_ELEMENTS ? simdReductions() : null
  if (simd === null || Math.fround(divisor) !== divisor) plainDivide(x, divisor)
  else simd.divide(x as Float32Array, divisor)
}

export function plainDivide(x: NumericArray, divisor: number): void {
  const values = x as Float32Array
  for (let i = 0; i < values.length; i++) values[i] = values[i]! / divisor
}
