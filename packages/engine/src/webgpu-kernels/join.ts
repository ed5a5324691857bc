/**
 * Many flat tensors as one, by copies on the device: no shader runs, and the number of tensors does not matter. tfjs's
 * concat takes as many as the device binds buffers and joins the results again, which copies them twice. Not for:
 * joining along an axis (tf.concat).
 */
import type { tf } from '../tfjs.ts'
import { bufferOf, copyEncoder, type DeviceBackend, emptyTensor, noteUse, VALUE_BYTES } from './device.ts'

/** A new tensor of the values of all parts, in order. */
export function joinOnDevice(backend: DeviceBackend, parts: readonly tf.Tensor1D[]): tf.Tensor1D {
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  const joined = emptyTensor(backend, [size]) as tf.Tensor1D
  if (size === 0) return joined
  const filled = parts.filter((part) => part.size > 0)
  const buffers = filled.map((part) => bufferOf(backend, part))
  const target = bufferOf(backend, joined)
  const encoder = copyEncoder(backend)
  let offset = 0
  for (const [i, part] of filled.entries()) {
    const bytes = part.size * VALUE_BYTES
    encoder.copyBufferToBuffer(buffers[i] as GPUBuffer, 0, target, offset, bytes)
    offset += bytes
  }
  noteUse(backend, [...filled, joined], false)
  return joined
}
