/**
 * The door to tfjs's WebGPU backend for kernels of our own: its device, the command encoder that it is filling, the
 * buffers behind tensors. Field names are those of tfjs-backend-webgpu 4.22 (backend_webgpu.ts), some of them private.
 * Not for: what the kernels compute.
 */
import { invariant } from '@rondo/protocol'
import { tf } from '../tfjs.ts'

/** Bytes of a float32 or int32. */
export const VALUE_BYTES = 4
/** As tfjs makes its own tensor buffers, so that ours and theirs may take each other's place. */
export const TENSOR_USAGE = 0x80 | 0x04 | 0x08 // STORAGE | COPY_SRC | COPY_DST

interface TensorRecord {
  values: ArrayLike<number> | null
  dtype: string
  resource?: GPUBuffer | null
  refCount: number
}

/** What is used of tfjs's WebGPUBackend. */
export interface DeviceBackend {
  readonly device: GPUDevice
  readonly queue: GPUQueue
  readonly tensorMap: { get(id: object): TensorRecord; has(id: object): boolean }
  readonly bufferManager: {
    acquireBuffer(size: number, usage: number, mappedAtCreation?: boolean, reuse?: boolean): GPUBuffer
    releaseBuffer(buffer: GPUBuffer, reuse?: boolean): void
  }
  commandEncoder: GPUCommandEncoder | null
  computePassEncoder: GPUComputePassEncoder | null
  commandQueueOwnedIds: WeakSet<object>
  dispatchCountInPass: number
  ensureCommandEncoderReady(): void
  endComputePassEncoder(): void
  submitQueue(): void
  uploadToGPU(id: object): void
  makeTensorInfo(shape: number[], dtype: string, values?: ArrayLike<number>): tf.TensorInfo
  refCount(id: object): number
}

/** tfjs's WebGPU backend when it is the current one, else null. */
export function deviceBackend(): DeviceBackend | null {
  return tf.getBackend() === 'webgpu' ? (tf.backend() as unknown as DeviceBackend) : null
}

/** The encoder that tfjs records into, outside of any pass: for copies. */
export function copyEncoder(backend: DeviceBackend): GPUCommandEncoder {
  backend.ensureCommandEncoderReady()
  backend.endComputePassEncoder()
  return backend.commandEncoder as GPUCommandEncoder
}

/** The compute pass that tfjs records into, begun where there is none. */
export function computePass(backend: DeviceBackend): GPUComputePassEncoder {
  backend.ensureCommandEncoderReady()
  backend.computePassEncoder ??= (backend.commandEncoder as GPUCommandEncoder).beginComputePass()
  return backend.computePassEncoder
}

/** The buffer of a tensor, uploaded if its values were still on the host. The tensor must have values. */
export function bufferOf(backend: DeviceBackend, tensor: tf.TensorInfo): GPUBuffer {
  backend.uploadToGPU(tensor.dataId)
  const { resource } = backend.tensorMap.get(tensor.dataId)
  invariant(resource != null, 'a tensor on webgpu has a buffer')
  return resource
}

/**
 * Says that recorded commands use these tensors: their buffers go back to the pool only after the next submit.
 * `written` ones also lose the copy of their values that tfjs keeps on the host after a read.
 */
export function noteUse(backend: DeviceBackend, tensors: readonly tf.TensorInfo[], written: boolean): void {
  for (const { dataId } of tensors) {
    backend.commandQueueOwnedIds.add(dataId)
    if (written) backend.tensorMap.get(dataId).values = null
  }
}

/** A new float32 tensor with a buffer from tfjs's pool, its values undefined. */
export function emptyTensor(backend: DeviceBackend, shape: number[]): tf.Tensor {
  const info = backend.makeTensorInfo(shape, 'float32')
  backend.uploadToGPU(info.dataId)
  return tf.engine().makeTensorFromTensorInfo(info)
}

const pipelines = new WeakMap<GPUDevice, Map<string, GPUComputePipeline>>()

/** The pipeline of a shader with entry point `main`, compiled once a device. `key` names the source uniquely. */
export function pipelineOf(device: GPUDevice, key: string, source: () => string): GPUComputePipeline {
  let known = pipelines.get(device)
  if (known === undefined) {
    known = new Map()
    pipelines.set(device, known)
  }
  let pipeline = known.get(key)
  if (pipeline === undefined) {
    const module = device.createShaderModule({ code: source(), label: key })
    pipeline = device.createComputePipeline({ label: key, layout: 'auto', compute: { module, entryPoint: 'main' } })
    known.set(key, pipeline)
  }
  return pipeline
}
