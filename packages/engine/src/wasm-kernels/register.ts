/**
 * The list of training kernels that are put into tfjs-backend-wasm 4.22: those it lacks, and those whose
 * compiled form is many times slower. Delete an entry when tfjs has a kernel of its own that is as fast.
 */
import { type BackendWasm, tf } from '../tfjs.ts'
import { broadcastingArithmetic } from './arithmetic.ts'
import { batchMatMul, fusedMatMul } from './batch-mat-mul.ts'
import { convFilterGrad } from './conv-filter-grad.ts'
import { convInputGrad } from './conv-input-grad.ts'
import { concat, slice, splitV } from './copies.ts'
import { depthwiseFilterGrad, depthwiseInputGrad } from './depthwise-grads.ts'
import { einsum } from './einsum.ts'
import { exp, GRADIENT_KERNELS, registerFusedGradients, softmax } from './exponential.ts'
import { gather, unsortedSegmentSum } from './gather.ts'
import type { Kernel } from './heap.ts'
import { maxPoolGrad } from './max-pool-grad.ts'
import { cast, identity } from './sharing.ts'
import { simdPrograms } from './simd/instance.ts'
import { sumOrMean } from './sums.ts'

let registered = false

/** Puts the kernels in place; once per realm, after the wasm backend has started. */
export function registerTrainingKernels(): void {
  if (registered) return
  registered = true
  const kernels: Record<string, Kernel> = {
    Add: broadcastingArithmetic('Add', 'add'),
    BatchMatMul: batchMatMul(),
    Cast: cast(),
    Concat: concat(),
    Conv2DBackpropFilter: convFilterGrad,
    Conv2DBackpropInput: convInputGrad,
    DepthwiseConv2dNativeBackpropFilter: depthwiseFilterGrad,
    DepthwiseConv2dNativeBackpropInput: depthwiseInputGrad,
    Einsum: einsum,
    Exp: exp(),
    GatherV2: gather(),
    Identity: identity(),
    MaxPoolGrad: maxPoolGrad,
    Mean: sumOrMean('Mean'),
    Multiply: broadcastingArithmetic('Multiply', 'multiply'),
    RealDiv: broadcastingArithmetic('RealDiv', 'divide'),
    Slice: slice(),
    Softmax: softmax(),
    SplitV: splitV(),
    Sub: broadcastingArithmetic('Sub', 'subtract'),
    Sum: sumOrMean('Sum'),
    UnsortedSegmentSum: unsortedSegmentSum,
    _FusedMatMul: fusedMatMul(),
  }
  // Gradient kernels of ours exist only where the programs do: gradients look whether they are registered.
  if (simdPrograms(tf.backend() as unknown as BackendWasm) !== null) {
    Object.assign(kernels, GRADIENT_KERNELS)
    registerFusedGradients()
  }
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    const existing = tf.getKernel(kernelName, 'wasm') as tf.KernelConfig | undefined
    if (existing !== undefined) tf.unregisterKernel(kernelName, 'wasm')
    tf.registerKernel({ ...existing, kernelName, backendName: 'wasm', kernelFunc: kernel as unknown as tf.KernelFunc })
  }
}
