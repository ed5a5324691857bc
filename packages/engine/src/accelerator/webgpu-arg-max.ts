/**
 * Workaround: tfjs-backend-webgpu 4.22 gives argMax and argMin of a vector the shape [1] instead of []. Measured
 * in Chromium 156 on the software adapter; cpu and wasm give []. Delete when `tf.argMax(tf.tensor1d([1, 5, 2]))`
 * has rank 0 on webgpu.
 */
import { tf } from '../tfjs.ts'

const KERNELS = ['ArgMax', 'ArgMin'] as const

let fixed = false

/** Wraps the two kernels, once per realm. */
export function fixArgMaxShape(): void {
  if (fixed) return
  fixed = true
  for (const name of KERNELS) {
    const config = tf.getKernel(name, 'webgpu')
    tf.unregisterKernel(name, 'webgpu')
    tf.registerKernel({
      ...config,
      kernelFunc: (call) => {
        const out = config.kernelFunc(call) as tf.TensorInfo
        return call.inputs['x']?.shape.length === 1 ? { ...out, shape: [] } : out
      },
    })
  }
}
