/**
 * A loss that gathers from other ranks (`allGather` with `syncGrads`): its gradients are computed first, waiting for the
 * others, and then handed to the strategy as a loss like any other. Not for: the average over ranks.
 */
import { computeGradientsAsync, LinearLoss, type tf } from '@rondo/engine'
import type { FabricModel } from '../fabric-model.ts'

/** Whether a loss function waits, as its text says; others are run as they are. */
export function isAsync(lossFn: () => unknown): lossFn is () => Promise<unknown> {
  return Object.prototype.toString.call(lossFn) === '[object AsyncFunction]'
}

/** Runs `work` with a loss of the same value and the same gradients that does not wait. */
export async function withSettledLoss<T>(
  model: FabricModel,
  lossFn: () => Promise<unknown>,
  work: (lossFn: () => tf.Scalar) => Promise<T>,
): Promise<T> {
  const trainable = model.parameters().filter((parameter) => parameter.trainable)
  const { loss, gradients } = await computeGradientsAsync(lossFn, trainable)
  const used = trainable.flatMap(({ variable }, i) => {
    const gradient = gradients[i]
    return gradient ? [{ variable, gradient }] : []
  })
  const settled = new LinearLoss(loss, used)
  try {
    return await work(() => settled.value())
  } finally {
    settled.dispose()
  }
}
