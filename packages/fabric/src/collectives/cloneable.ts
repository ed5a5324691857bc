/**
 * Tensors inside values that cross between ranks: as values and shape on the way, as tensors again on arrival. Not for:
 * what else may cross (collectives' object codec).
 */
import { tf } from '@rondo/engine'

/** Stands for a tensor on its way. The key is long enough that no script's own object has it. */
const MARK = 'rondo.tensor'

interface Packed {
  [MARK]: { shape: number[]; dtype: tf.DataType; values: Float32Array | Int32Array | Uint8Array }
}

/** `value` with its tensors packed; itself when it holds none. */
export async function packTensors(value: unknown): Promise<unknown> {
  if (value instanceof tf.Tensor) {
    const values = (await value.data()) as Packed[typeof MARK]['values']
    return { [MARK]: { shape: value.shape, dtype: value.dtype, values: values.slice() } } satisfies Packed
  }
  return mapped(value, packTensors)
}

/** The other way. */
export async function unpackTensors(value: unknown): Promise<unknown> {
  if (typeof value === 'object' && value !== null && MARK in value) {
    const { shape, dtype, values } = (value as Packed)[MARK]
    return tf.tensor(values, shape, dtype as 'float32')
  }
  return mapped(value, unpackTensors)
}

async function mapped(value: unknown, change: (item: unknown) => Promise<unknown>): Promise<unknown> {
  if (Array.isArray(value)) {
    const items = await Promise.all(value.map(change))
    return items.some((item, i) => item !== value[i]) ? items : value
  }
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  const entries = await Promise.all(
    Object.entries(value).map(async ([key, item]) => [key, item, await change(item)] as const),
  )
  if (entries.every(([, item, other]) => item === other)) return value
  return Object.fromEntries(entries.map(([key, , other]) => [key, other]))
}
