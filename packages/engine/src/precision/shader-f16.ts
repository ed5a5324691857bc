/** Whether the GPU computes in half precision itself, and whether a kernel that does so is in use. */
import { deviceBackend } from '../webgpu-kernels/device.ts'
import { usesHalfProducts } from '../webgpu-kernels/matmul.ts'

export interface HalfArithmetic {
  /** The device in use has the WebGPU feature `shader-f16`. */
  inAdapter: boolean
  /** Large matrix products sum in half precision (flag RONDO_WEBGPU_MATMUL). */
  inProducts: boolean
}

export function halfArithmetic(): HalfArithmetic {
  const backend = deviceBackend()
  const inAdapter = backend?.device.features.has('shader-f16') ?? false
  return { inAdapter, inProducts: inAdapter && usesHalfProducts() }
}
