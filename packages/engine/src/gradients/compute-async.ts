/**
 * Forward and backward of a loss that waits for other ranks on its way. Not for: losses that do not (compute.ts,
 * stepped-backward.ts), which are cheaper.
 */
import type { Parameter } from '../model/parameters.ts'
import { tf } from '../tfjs.ts'
import { recordAsync } from './async-recording.ts'
import { trainableOf } from './compute.ts'
import { SteppedBackward } from './stepped-backward.ts'

export interface AsyncGradients {
  loss: number
  /** One for each trainable parameter, null where the loss does not use it. The caller disposes of them. */
  gradients: Array<tf.Tensor | null>
}

/** Errors are those of `computeGradients`, except that parameters may be unused. */
export async function computeGradientsAsync(
  lossFn: () => Promise<unknown>,
  parameters: readonly Parameter[],
): Promise<AsyncGradients> {
  const recorded = await recordAsync(lossFn as () => Promise<tf.Tensor>)
  const backward = new SteppedBackward(recorded, parameters, { findUnused: true })
  const gradients: Array<tf.Tensor | null> = trainableOf(parameters).map(() => null)
  try {
    while (!backward.done) {
      for (const [index, gradient] of await backward.nextAcross()) gradients[index] = gradient
    }
    for (const index of backward.unused) {
      gradients[index]?.dispose()
      gradients[index] = null
    }
    return { loss: await backward.loss, gradients }
  } catch (error) {
    backward.dispose()
    tf.dispose(gradients.filter((gradient) => gradient !== null))
    throw error
  }
}
