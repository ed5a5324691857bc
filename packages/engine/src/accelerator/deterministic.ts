/**
 * Kernels whose sums depend on which thread comes first: floating point addition is not associative, so two runs of
 * them may differ in the last bits. On webgpu these add with atomics (tfjs-backend-webgpu 4.22, `atomicAddSnippet`); the
 * kernels of wasm, cpu and webgl add in a fixed order. Not for: seeds.
 */
import { RondoError } from '@rondo/protocol'
import { tf } from '../tfjs.ts'

/** By backend; matrix products are told apart by a flag instead. */
const UNORDERED: Readonly<Record<string, readonly string[]>> = {
  webgpu: [
    'Bincount',
    'DenseBincount',
    'Dilation2DBackpropFilter',
    'Dilation2DBackpropInput',
    'ScatterNd',
    'SparseSegmentMean',
    'SparseSegmentSum',
    'UnsortedSegmentSum',
  ],
}

/** tfjs splits the depth of a product with a small output over workgroups, which then add with atomics. */
const MATMUL_FLAG = 'WEBGPU_MATMUL_PROGRAM_TYPE'
const AUTOMATIC = -1
/** tfjs's MatMulProgramType for tiles whose depth one workgroup walks through. */
const PACKED = 3

type KernelInputs = Parameters<tf.KernelFunc>[0]['inputs']

/**
 * From now on the current backend computes in a fixed order: matrix products do, and other kernels that cannot are
 * refused when they are called, or told of once with `'warn'`.
 * @param unordered kernels that add floats in no fixed order; those of the backend by default
 * @returns puts everything back
 */
export function keepDeterministic(
  mode: true | 'warn',
  unordered: readonly string[] = UNORDERED[tf.getBackend()] ?? [],
): () => void {
  const backendName = tf.getBackend()
  const product = backendName === 'webgpu' ? tf.env().getNumber(MATMUL_FLAG) : null
  if (product === AUTOMATIC) tf.env().set(MATMUL_FLAG, PACKED)
  const kernels = unordered.flatMap((name) => tf.getKernel(name, backendName) ?? [])
  for (const kernel of kernels) {
    let told = false
    replace({
      ...kernel,
      kernelFunc(call) {
        if (addsFloats(call.inputs)) {
          const error = refusal(kernel.kernelName, backendName)
          if (mode === true) throw error
          if (!told) console.warn(error.message)
          told = true
        }
        return kernel.kernelFunc(call)
      },
    })
  }
  return () => {
    for (const kernel of kernels) replace(kernel)
    if (product === AUTOMATIC) tf.env().set(MATMUL_FLAG, AUTOMATIC)
  }
}

function replace(kernel: tf.KernelConfig): void {
  tf.unregisterKernel(kernel.kernelName, kernel.backendName)
  tf.registerKernel(kernel)
}

/** Whole numbers add up alike in any order. */
function addsFloats(inputs: KernelInputs): boolean {
  return Object.values(inputs).some((input) => {
    const { dtype, shape } = (input ?? {}) as Partial<tf.TensorInfo>
    return dtype === 'float32' && !shape?.includes(0)
  })
}

function refusal(kernel: string, backend: string): RondoError {
  return new RondoError(
    'UNSUPPORTED',
    `deterministic: the ${backend} kernel ${kernel} adds floats in the order in which threads arrive, so its last bits differ from run to run. Allowed with deterministic: true are kernels of a fixed order. Use accelerator: "wasm", or deterministic: "warn" to go on.`,
  )
}
