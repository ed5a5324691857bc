/**
 * Ranges of device buffers as host arrays: all of them in one submit and one `mapAsync`, which costs 5–15 ms on real
 * GPUs whatever its size. tfjs's `data()` reads whole buffers one by one and keeps a copy of each. Not for: waiting
 * until something is worth reading.
 */
import type { tf } from '../tfjs.ts'
import { bufferOf, copyEncoder, type DeviceBackend, noteUse, VALUE_BYTES } from './device.ts'

/** MAP_READ | COPY_DST. */
const STAGING_USAGE = 0x01 | 0x08
const MAP_READ = 0x01

export interface BufferRange {
  buffer: GPUBuffer
  /** In values of four bytes. */
  offset: number
  size: number
}

/**
 * Reads the ranges, in order, into one new array. The staging buffer comes from tfjs's pool and goes back.
 * Rejects when the device is lost.
 */
export async function readRanges(
  backend: DeviceBackend,
  ranges: readonly BufferRange[],
): Promise<Float32Array<ArrayBuffer>> {
  const total = ranges.reduce((sum, { size }) => sum + size, 0)
  if (total === 0) return new Float32Array(0)
  const bytes = total * VALUE_BYTES
  const staging = backend.bufferManager.acquireBuffer(bytes, STAGING_USAGE)
  const encoder = copyEncoder(backend)
  let at = 0
  for (const { buffer, offset, size } of ranges) {
    if (size === 0) continue
    encoder.copyBufferToBuffer(buffer, offset * VALUE_BYTES, staging, at, size * VALUE_BYTES)
    at += size * VALUE_BYTES
  }
  backend.submitQueue()
  await staging.mapAsync(MAP_READ)
  const values = new Float32Array(staging.getMappedRange().slice(0))
  staging.unmap()
  backend.bufferManager.releaseBuffer(staging)
  return values
}

/** Reads a float32 tensor to an array that is the caller's alone. Rejects when the device is lost. */
export function readTensor(backend: DeviceBackend, tensor: tf.Tensor): Promise<Float32Array<ArrayBuffer>> {
  if (tensor.size === 0) return Promise.resolve(new Float32Array(0))
  const { values, resource } = backend.tensorMap.get(tensor.dataId)
  // What never was on the device need not go there to be read.
  if (resource == null && values !== null) return Promise.resolve(Float32Array.from(values))
  const buffer = bufferOf(backend, tensor)
  noteUse(backend, [tensor], false)
  return readRanges(backend, [{ buffer, offset: 0, size: tensor.size }])
}
