/**
 * Values onto the device through the queue, in one call and without a buffer of their own. tfjs 4.22 makes a mappable
 * buffer for every upload into a reused tensor buffer, fills it, records a copy and destroys it after the submit; a
 * training step uploads its batch and dozens of scalars that way. Delete when tfjs uses `queue.writeBuffer`.
 */
import { type DeviceBackend, TENSOR_USAGE, VALUE_BYTES } from './device.ts'

/** Puts our upload in the place of the backend's own; what it does not handle still goes there. */
export function uploadThroughQueue(backend: DeviceBackend): void {
  const original = backend.uploadToGPU
  backend.uploadToGPU = function (this: DeviceBackend, dataId: object): void {
    const record = backend.tensorMap.get(dataId)
    const { values, dtype } = record
    const words = record.resource == null && values !== null && values !== undefined ? wordsOf(values, dtype) : null
    if (words === null) {
      original.call(this, dataId)
      return
    }
    // A pooled buffer is used by no command that is only recorded, so the queue's order is the right one.
    const buffer = backend.bufferManager.acquireBuffer(words.length * VALUE_BYTES, TENSOR_USAGE)
    if (words.length > 0) backend.queue.writeBuffer(buffer, 0, words)
    record.values = null
    record.resource = buffer
  }
}

/** The values as the device keeps them, without a copy where they are so already; null for types that are not ours. */
function wordsOf(values: ArrayLike<number>, dtype: string): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | null {
  if (dtype === 'float32')
    return values instanceof Float32Array ? (values as Float32Array<ArrayBuffer>) : Float32Array.from(values)
  if (dtype !== 'int32' && dtype !== 'bool') return null
  return values instanceof Int32Array ? (values as Int32Array<ArrayBuffer>) : Int32Array.from(values)
}
