/**
 * Switches of the kernels that Rondo puts beside tfjs's, as tfjs flags: `tf.env().set('RONDO_…', value)` before the
 * first step. Known as soon as the engine is loaded. Documented in docs/devices.md. Not for: tfjs's own flags.
 */
import { tf } from '../tfjs.ts'

/** Optimizers as one pass over all parameters; false: as tfjs operations, the reference. */
export const FUSED_OPTIMIZER = 'RONDO_FUSED_OPTIMIZER'
/** Matrix products on webgpu: tfjs, tiled, or tiled-f16. */
export const MATMUL = 'RONDO_WEBGPU_MATMUL'
/** Gradients by convolution filters on webgpu by our kernel. */
export const CONV_FILTER_GRADIENT = 'RONDO_WEBGPU_CONV_FILTER_GRADIENT'

tf.env().registerFlag(FUSED_OPTIMIZER, () => true)
tf.env().registerFlag(MATMUL, () => 'tfjs')
tf.env().registerFlag(CONV_FILTER_GRADIENT, () => false)
