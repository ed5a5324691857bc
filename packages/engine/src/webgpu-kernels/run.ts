/**
 * Runs a shader of ours as a tfjs kernel: float32 tensors in, one out, a few whole numbers as uniforms, recorded into
 * tfjs's own pass. tfjs's way of making shaders puts text before ours, which leaves no place for `enable`. Not for:
 * kernels that write in place (optimizer-step.ts).
 */
import { tf } from '../tfjs.ts'
import { bufferOf, computePass, type DeviceBackend, emptyTensor, noteUse, pipelineOf, VALUE_BYTES } from './device.ts'

/** UNIFORM | COPY_DST, as tfjs makes its own. */
const UNIFORM_USAGE = 0x40 | 0x08
/** Uniform buffers come in multiples of a vec4. */
const UNIFORM_VALUES = 4

export interface KernelRun {
  /** Names the source uniquely. */
  key: string
  /** Bindings: 0 the uniforms, 1 and on the inputs, last the output. */
  source: () => string
  inputs: readonly tf.TensorInfo[]
  shape: number[]
  uniforms: readonly number[]
  workgroups: readonly [number, number, number]
}

/** What is used of the backend here and nowhere else. */
interface UniformPool {
  uniformPendingDisposal: GPUBuffer[]
}

/** The output, whose values are there when the device has come to it. Its size must not be 0. */
export function runKernel(backend: DeviceBackend, run: KernelRun): tf.Tensor {
  const { device } = backend
  const pipeline = pipelineOf(device, run.key, run.source)
  const output = emptyTensor(backend, run.shape)
  const buffers = [...run.inputs, output].map((tensor) => bufferOf(backend, tensor))
  const values = new Uint32Array(Math.ceil(run.uniforms.length / UNIFORM_VALUES) * UNIFORM_VALUES)
  values.set(run.uniforms)
  const uniforms = backend.bufferManager.acquireBuffer(values.length * VALUE_BYTES, UNIFORM_USAGE)
  backend.queue.writeBuffer(uniforms, 0, values)
  ;(backend as unknown as UniformPool).uniformPendingDisposal.push(uniforms)
  const pass = computePass(backend)
  pass.setPipeline(pipeline)
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [uniforms, ...buffers].map((buffer, binding) => ({ binding, resource: { buffer } })),
    }),
  )
  pass.dispatchWorkgroups(...run.workgroups)
  noteUse(backend, [...run.inputs, output], false)
  backend.dispatchCountInPass += 1
  if (backend.dispatchCountInPass >= tf.env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE')) {
    backend.endComputePassEncoder()
    backend.submitQueue()
  }
  return output
}
