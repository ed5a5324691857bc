/**
 * Calls a step that records no gradients and frees the tensors that it made, all but those it returns. An async step
 * cannot be watched over (TensorFlow.js would free what it still needs), so it frees its own.
 */
import { tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'

/** @returns what the step returned; its tensors are the caller's */
export async function callStep(name: string, step: () => unknown, isAsync: boolean): Promise<unknown> {
  if (isAsync) return step()
  const engine = tf.engine()
  let output: unknown
  engine.startScope(name)
  try {
    output = step()
    if (output instanceof Promise) {
      output.catch(() => {})
      throw new RondoError(
        'BAD_ARGUMENT',
        `${name} returned a promise without being declared async, so its tensors would be freed too early. Allowed are a synchronous method, or an async one that disposes of its own tensors. Write async ${name}(…).`,
      )
    }
  } finally {
    engine.endScope(tensorsIn(output))
  }
  return output
}

/** Whether a method was declared with `async`. */
export function isAsyncMethod(method: unknown): boolean {
  return Object.prototype.toString.call(method) === '[object AsyncFunction]'
}

/** All tensors in nested arrays and plain objects. */
export function tensorsIn(value: unknown): tf.Tensor[] {
  if (value instanceof tf.Tensor) return [value]
  if (typeof value !== 'object' || value === null) return []
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return []
  return Object.values(value).flatMap(tensorsIn)
}
