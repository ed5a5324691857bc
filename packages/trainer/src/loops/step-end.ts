/**
 * `trainingStepEnd`, `validationStepEnd` and `testStepEnd`: what they are given. The outputs of the parts of a batch
 * are joined on axis 0; a strategy that does not cut batches has one part, its own. Semantics: Lightning 1.x.
 */
import { tf } from '@rondo/engine'

/**
 * Joins the parts' outputs: tensors one after the other on axis 0 (scalars become a tensor of one entry a part), in
 * plain objects and arrays key by key; of anything else a list with one entry a part.
 */
export function joinOutputs(parts: readonly unknown[]): unknown {
  const [first] = parts
  if (first instanceof tf.Tensor) {
    const tensors = (parts as tf.Tensor[]).map((part) => (part.rank === 0 ? tf.reshape(part, [1]) : part))
    return tensors.length === 1 ? tensors[0] : tf.concat(tensors, 0)
  }
  if (Array.isArray(first)) return first.map((_, i) => joinOutputs(parts.map((part) => (part as unknown[])[i])))
  if (isPlain(first)) {
    return Object.fromEntries(
      Object.keys(first).map((key) => [key, joinOutputs(parts.map((part) => (part as Record<string, unknown>)[key]))]),
    )
  }
  return [...parts]
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
