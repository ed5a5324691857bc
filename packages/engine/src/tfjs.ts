/**
 * The one place where TensorFlow.js enters the project. Everything else takes `tf` from here, so the
 * version, the set of backends and their order are decided once. Not for: choosing a backend (accelerator/).
 */
import * as tf from '@tensorflow/tfjs'

export { BackendWasm, getThreadsCount, setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
export { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
export { tf }
