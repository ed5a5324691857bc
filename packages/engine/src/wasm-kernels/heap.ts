/**
 * What all kernels here share: where a tensor lies on the wasm heap, scratch space, and the shape of a kernel.
 * Views are fetched after every allocation, because the heap moves when it grows. Not for: arithmetic.
 */
import { type BackendWasm, tf } from '../tfjs.ts'

/** Bytes of scratch that one kernel call may take; larger work is done in slices of the batch. */
export const SCRATCH_BYTES = 4 * 1024 * 1024
export const FLOAT_BYTES = 4
/** Floats in a vector. */
export const LANES = 4

// biome-ignore lint/suspicious/noExplicitAny: inputs and attributes differ by kernel, as in tfjs's own KernelFunc
type Named = any

export interface KernelCall {
  inputs: Named
  attrs: Named
  backend: BackendWasm
}
export type Kernel = (call: KernelCall) => tf.TensorInfo

/** The parts of the Emscripten module that kernels use; tfjs types it by declarations that are not installed. */
export interface WasmModule {
  HEAPU8: Uint8Array<ArrayBuffer>
  _malloc(bytes: number): number
  _free(offset: number): void
  _BatchMatMul(...numbers: number[]): void
  _Conv2D(...numbers: number[]): void
  tfjs: { registerTensor(id: number, size: number, offset: number): void; disposeData(id: number): void }
}

export function moduleOf(backend: BackendWasm): WasmModule {
  return backend.wasm as unknown as WasmModule
}

/** Byte offset of a tensor's first value. */
export function offsetOf(backend: BackendWasm, tensor: tf.TensorInfo): number {
  return backend.getMemoryOffset(tensor.dataId)
}

/** `size` floats at a byte offset, in place. */
export function floatsAt(backend: BackendWasm, offset: number, size: number): Float32Array {
  return new Float32Array(moduleOf(backend).HEAPU8.buffer, offset, size)
}

/** The float32 values of a tensor, in place. */
export function floatsOf(backend: BackendWasm, tensor: tf.TensorInfo): Float32Array {
  return backend.typedArrayFromHeap(tensor) as Float32Array
}

/** Lends `use` room for `size` floats, by byte offset, and takes it back. Values are undefined at first. */
export function withScratch<T>(backend: BackendWasm, size: number, use: (offset: number) => T): T {
  const wasm = moduleOf(backend)
  const offset = wasm._malloc(size * FLOAT_BYTES) >>> 0
  try {
    return use(offset)
  } finally {
    wasm._free(offset)
  }
}

/** The kernel that tfjs itself has under this name. Read before it is replaced. */
export function originalKernel(name: string): Kernel {
  const config = tf.getKernel(name, 'wasm')
  return config.kernelFunc as unknown as Kernel
}
