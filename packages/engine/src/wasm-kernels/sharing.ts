/**
 * Identity and Cast without a copy. tfjs's wasm kernels copy the whole tensor for every clone (thirty in a step of
 * a small net); its other backends count references, which its wasm memory can do too.
 */
import type { BackendWasm, tf } from '../tfjs.ts'
import { type Kernel, originalKernel } from './heap.ts'

/** The same memory under one more reference. */
function share(backend: BackendWasm, x: tf.TensorInfo): tf.TensorInfo {
  backend.incRef(x.dataId)
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype }
}

/** Replaces Identity. Strings stay with tfjs, which keeps them elsewhere. */
export function identity(): Kernel {
  const original = originalKernel('Identity')
  return (call) => (call.inputs.x.dtype === 'string' ? original(call) : share(call.backend, call.inputs.x))
}

/** Replaces Cast: to the same type shares, to another converts. */
export function cast(): Kernel {
  const original = originalKernel('Cast')
  return (call) => (call.inputs.x.dtype === call.attrs.dtype ? share(call.backend, call.inputs.x) : original(call))
}
