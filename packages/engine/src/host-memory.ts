/**
 * Direct views of tensors whose values lie in this realm's memory: the wasm heap, or the cpu backend's arrays.
 * Lets one JavaScript pass do what would be a dozen kernels. Not for: webgpu and webgl, where views are null.
 */
import { type BackendWasm, tf } from './tfjs.ts'

/** tfjs's wasm backend when it is the current one, else null. */
export function wasmBackend(): BackendWasm | null {
  return tf.getBackend() === 'wasm' ? (tf.backend() as unknown as BackendWasm) : null
}

/** Whether kernels run in this thread, to their end: while one does, nothing else happens here. */
export function computesOnHost(): boolean {
  return tf.getBackend() === 'wasm' || tf.getBackend() === 'cpu'
}

/**
 * The float32 values of a tensor, in place. Valid until the next allocation on the device (the wasm heap may
 * move when it grows), and writing through it is only for tensors that nobody shares.
 */
export function hostView(tensor: tf.TensorInfo): Float32Array<ArrayBuffer> | null {
  if (tensor.dtype !== 'float32') return null
  const wasm = wasmBackend()
  if (wasm !== null) {
    return wasm.dataIdMap.has(tensor.dataId) ? (wasm.typedArrayFromHeap(tensor) as Float32Array<ArrayBuffer>) : null
  }
  if (tf.getBackend() !== 'cpu') return null
  const cpu = tf.backend() as unknown as { data: { has(id: object): boolean; get(id: object): { values: unknown } } }
  const values = cpu.data.has(tensor.dataId) ? cpu.data.get(tensor.dataId).values : null
  return values instanceof Float32Array ? (values as Float32Array<ArrayBuffer>) : null
}

/** A new float32 tensor in host memory, its values undefined, or null where the backend has none. */
export function allocateHost(shape: number[]): tf.Tensor | null {
  const wasm = wasmBackend()
  if (wasm !== null) return tf.engine().makeTensorFromTensorInfo(wasm.makeOutput(shape, 'float32'))
  if (tf.getBackend() !== 'cpu') return null
  return tf.tensor(new Float32Array(tf.util.sizeFromShape(shape)), shape, 'float32')
}
