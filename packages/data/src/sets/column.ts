/**
 * Columns: typed arrays with a shape, the form in which samples and batches travel through this room.
 * A sample is a tuple of columns; a batch is the same tuple with one more axis in front. Not tensors:
 * nothing here knows a device, the engine uploads them.
 */
import { RondoError } from '@rondo/protocol'

/** The array that holds the values of each dtype. */
export interface DataOf {
  uint8: Uint8Array
  int32: Int32Array
  float32: Float32Array
}

export type DType = keyof DataOf

interface TypedColumn<D extends DType> {
  readonly dtype: D
  /** Axis lengths, row-major; `[]` is a scalar. In a batch the first axis counts samples. */
  readonly shape: number[]
  readonly data: DataOf[D]
}

/** One array of values with its shape, e.g. `{ dtype: 'uint8', shape: [64, 28, 28, 1], data }`. */
export type Column<D extends DType = DType> = { [K in D]: TypedColumn<K> }[D]

/** A sample or a batch: one column per thing the data set gives, e.g. images and labels. */
export type Columns = readonly Column[]

/** A value now or later, for data sets that read from a file or the network. */
export type Awaitable<T> = T | Promise<T>

/** The number of values a shape holds; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1)
}

/** Zeros of the given dtype and shape. */
export function zeros<D extends DType>(dtype: D, shape: readonly number[]): Column<D> {
  const size = sizeOf(shape)
  const make: { [K in DType]: () => DataOf[K] } = {
    uint8: () => new Uint8Array(size),
    int32: () => new Int32Array(size),
    float32: () => new Float32Array(size),
  }
  return { dtype, shape: [...shape], data: make[dtype]() } as unknown as Column<D>
}

/** The dtype of a typed array; any other array is refused. */
function dtypeOf(data: unknown): DType {
  if (data instanceof Uint8Array) return 'uint8'
  if (data instanceof Int32Array) return 'int32'
  if (data instanceof Float32Array) return 'float32'
  throw new RondoError(
    'BAD_ARGUMENT',
    `column(data): data is ${Object.prototype.toString.call(data)}; allowed are Uint8Array, Int32Array and Float32Array. Convert it first, e.g. Float32Array.from(values).`,
  )
}

/**
 * Wraps a typed array as a column, without a copy. `shape` defaults to one axis, `[data.length]`.
 * Errors: BAD_ARGUMENT when an axis is no whole number ≥ 0 or the shape does not hold `data.length` values.
 */
export function column<T extends DataOf[DType]>(
  data: T,
  shape: readonly number[] = [data.length],
): Column<{ [K in DType]: T extends DataOf[K] ? K : never }[DType]> {
  const dtype = dtypeOf(data)
  const wrong = shape.find((axis) => !Number.isSafeInteger(axis) || axis < 0)
  if (wrong !== undefined || sizeOf(shape) !== data.length) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `column(data, shape): shape [${shape.join(', ')}] does not fit ${data.length} values; axes are whole numbers ≥ 0 whose product is the number of values. Correct the shape or the array.`,
    )
  }
  return { dtype, shape: [...shape], data } as unknown as ReturnType<typeof column<T>>
}

/** Copies values between arrays of one dtype. Sizes must agree; dtypes are checked by the caller. */
export function copyInto(target: Column, at: number, source: Column, from: number, count: number): void {
  if (count === 1) target.data[at] = source.data[from] as number
  else target.data.set(source.data.subarray(from, from + count), at)
}
