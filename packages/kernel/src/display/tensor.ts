/** Tensors of any library, known by their shape and type: statistics, first values, a picture. */

import { MIME, type MimeBundle, type TensorData } from '../output.ts'
import { shortNumber } from './preview.ts'
import { pictureOf } from './tensor-picture.ts'

/** What tfjs's tensors have, as far as showing them goes. */
export interface TensorLike {
  readonly shape: readonly number[]
  readonly dtype: string
  dataSync(): ArrayLike<unknown>
}

/** First values that travel. */
const MAX_PREVIEW = 200
/** Larger tensors are not read for being shown: shape and type are told. */
const MAX_VALUES = 1 << 25
/** Values of a row, and rows, in text. */
const TEXT_EDGE = 8

export function isTensorLike(value: object): value is TensorLike {
  const { shape, dtype, dataSync } = value as Partial<TensorLike>
  return (
    Array.isArray(shape) && shape.every(Number.isInteger) && typeof dtype === 'string' && typeof dataSync === 'function'
  )
}

/** `Tensor float32 [2, 3]`. */
export const tensorLine = ({ shape, dtype }: TensorLike): string => `Tensor ${dtype} [${shape.join(', ')}]`

/** Reads a tensor from its device and describes it; one that was disposed is named as such. */
export function describeTensor(tensor: TensorLike): MimeBundle {
  const line = tensorLine(tensor)
  const size = tensor.shape.reduce((product, length) => product * length, 1)
  if (size > MAX_VALUES) return { 'text/plain': `${line} (too large to be read for showing)` }
  try {
    return describeValues(tensor.dataSync(), tensor.shape, tensor.dtype)
  } catch (error) {
    return { 'text/plain': `${line} (${error instanceof Error ? error.message : String(error)})` }
  }
}

/** The bundle for a tensor's values, row by row. */
export function describeValues(values: ArrayLike<unknown>, shape: readonly number[], dtype: string): MimeBundle {
  const line = tensorLine({ shape, dtype, dataSync: () => values })
  if (dtype === 'string') return { 'text/plain': `${line}\n${nested(values, shape, (text) => JSON.stringify(text))}` }
  const numbers = values as ArrayLike<number>
  // Complex values lie as pairs: statistics of them would be of nothing in particular.
  const isReal = dtype !== 'complex64'
  const statistics = isReal ? statisticsOf(numbers) : { min: null, max: null, mean: null, std: null, nonFinite: 0 }
  const preview = Array.from({ length: Math.min(numbers.length, MAX_PREVIEW) }, (_, index) => Number(numbers[index]))
  const data: TensorData = {
    shape: [...shape],
    dtype,
    ...statistics,
    // JSON has no NaN; such places read as 0 in other programs and are counted in nonFinite.
    preview: preview.map((value) => (Number.isFinite(value) ? value : (null as unknown as number))),
    picture: isReal ? pictureOf(numbers, shape, dtype) : null,
  }
  return {
    'text/plain': `${line}\n${nested(numbers, shape, (value) => shortNumber(Number(value)))}`,
    [MIME.tensor]: data,
  }
}

/** Of the finite values: mean and deviation (of the population) in one pass by Welford's method. */
function statisticsOf(values: ArrayLike<number>): Pick<TensorData, 'min' | 'max' | 'mean' | 'std' | 'nonFinite'> {
  let count = 0
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  let [mean, squares] = [0, 0]
  for (let index = 0; index < values.length; index++) {
    const value = Number(values[index])
    if (!Number.isFinite(value)) continue
    count++
    if (value < min) min = value
    if (value > max) max = value
    const off = value - mean
    mean += off / count
    squares += off * (value - mean)
  }
  const nonFinite = values.length - count
  if (count === 0) return { min: null, max: null, mean: null, std: null, nonFinite }
  return { min, max, mean, std: Math.sqrt(squares / count), nonFinite }
}

/** `[[1, 2], [3, …]]`, cut off at both ends of what is long. */
function nested(values: ArrayLike<unknown>, shape: readonly number[], write: (value: unknown) => string): string {
  const level = (depth: number, offset: number): string => {
    const length = shape[depth]
    if (length === undefined) return write(values[offset])
    const stride = shape.slice(depth + 1).reduce((product, size) => product * size, 1)
    const isLast = depth === shape.length - 1
    const shown = Math.min(length, isLast ? TEXT_EDGE : Math.max(1, TEXT_EDGE - 2 * depth))
    const items = Array.from({ length: shown }, (_, index) => level(depth + 1, offset + index * stride))
    if (shown < length) items.push('…')
    return `[${items.join(isLast ? ', ' : `,\n${' '.repeat(depth + 1)}`)}]`
  }
  return level(0, 0)
}
