/**
 * Collectives over nested data: tensors, typed arrays and numbers inside arrays and objects, leaf by leaf in
 * a fixed order. Not for: the collectives themselves.
 */
import { tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'

/** A leaf's values on the CPU, with its shape. */
export interface Leaf {
  values: Float32Array | Int32Array | Float64Array
  shape: number[]
  kind: 'tensor' | 'array' | 'number'
  /** The tensor itself. */
  tensor?: tf.Tensor
}

/** Sees one leaf and gives what stands in its place. `name` is its place and shape, which must be equal on all ranks. */
export type LeafVisitor = (leaf: Leaf, name: string) => Promise<unknown>

/** Replaces every leaf of `data`, depth first, keys in insertion order: the same order on every rank. */
export async function mapLeaves(data: unknown, visit: LeafVisitor, path = 'data'): Promise<unknown> {
  const seen = (leaf: Leaf): Promise<unknown> => visit(leaf, `${path} [${leaf.shape.join(', ')}]`)
  if (typeof data === 'number') return seen({ values: Float64Array.of(data), shape: [], kind: 'number' })
  if (data instanceof tf.Tensor) {
    const values = await data.data()
    if (!(values instanceof Float32Array || values instanceof Int32Array)) throw badLeaf(data.dtype, path)
    return seen({ values, shape: data.shape, kind: 'tensor', tensor: data })
  }
  if (data instanceof Float32Array || data instanceof Int32Array || data instanceof Float64Array) {
    return seen({ values: data, shape: [data.length], kind: 'array' })
  }
  if (Array.isArray(data)) {
    const mapped: unknown[] = []
    for (const [i, item] of data.entries()) mapped.push(await mapLeaves(item, visit, `${path}[${i}]`))
    return mapped
  }
  if (typeof data === 'object' && data !== null && Object.getPrototypeOf(data) === Object.prototype) {
    const mapped: Record<string, unknown> = {}
    for (const [key, item] of Object.entries(data)) mapped[key] = await mapLeaves(item, visit, `${path}.${key}`)
    return mapped
  }
  throw badLeaf(data === null ? 'null' : typeof data === 'object' ? data.constructor.name : typeof data, path)
}

/** Puts values back into the form the leaf had, with another shape if one is given: tensor, typed array or number. */
export function rebuild({ kind }: Leaf, values: Leaf['values'], shape: readonly number[]): unknown {
  if (kind === 'number' && shape.length === 0) return values[0] as number
  if (kind === 'array') return values
  return toTensor(values, shape)
}

/** float64 becomes float32, the widest that tensors have. */
export function toTensor(values: Leaf['values'], shape: readonly number[]): tf.Tensor {
  const data = values instanceof Float64Array ? Float32Array.from(values) : values
  return tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32')
}

function badLeaf(what: string, path: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `${path} is ${what}; collectives take numbers, float32 and int32 tensors, Float32Array, Float64Array and Int32Array, and arrays and plain objects of these. Convert it, or use broadcast for other values.`,
  )
}
