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
}

/** Sees one leaf and gives what stands in its place. */
export type LeafVisitor = (leaf: Leaf, path: string) => Promise<unknown>

/** Replaces every leaf of `data`, depth first, keys in insertion order: the same order on every rank. */
export async function mapLeaves(data: unknown, visit: LeafVisitor, path = 'data'): Promise<unknown> {
  if (typeof data === 'number') return visit({ values: Float64Array.of(data), shape: [], kind: 'number' }, path)
  if (data instanceof tf.Tensor) {
    const values = await data.data()
    if (!(values instanceof Float32Array || values instanceof Int32Array)) throw badLeaf(data.dtype, path)
    return visit({ values, shape: data.shape, kind: 'tensor' }, path)
  }
  if (data instanceof Float32Array || data instanceof Int32Array || data instanceof Float64Array) {
    return visit({ values: data, shape: [data.length], kind: 'array' }, path)
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

/** Puts values back into the form the leaf had: tensor, typed array or number. */
export function rebuild(leaf: Leaf, values: Leaf['values'], shape: number[] = leaf.shape): unknown {
  if (leaf.kind === 'number')
    return shape.length === 0 ? (values[0] as number) : tf.tensor(Float32Array.from(values), shape)
  if (leaf.kind === 'array') return values
  return tf.tensor(values, shape, values instanceof Int32Array ? 'int32' : 'float32')
}

function badLeaf(what: string, path: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `${path} is ${what}; collectives take numbers, float32 and int32 tensors, Float32Array, Float64Array and Int32Array, and arrays and plain objects of these. Convert it, or use broadcast for other values.`,
  )
}
