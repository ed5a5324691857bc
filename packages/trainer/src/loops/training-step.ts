/**
 * One call of `trainingStep` under the gradient's tape, and what a rank without data adds instead. Not for: backward
 * and steps (train-batch.ts).
 */
import { tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { RondoModule } from '../module/module.ts'
import type { Run } from '../run.ts'
import { joinOutputs } from './step-end.ts'

/** Calls trainingStep and, where there is one, trainingStepEnd; runs inside of the gradient's function. */
export function lossOf(run: Run, batch: tf.Tensor[], index: number): tf.Scalar {
  const { module, runtime } = run
  runtime.training = true
  try {
    let output: unknown = run.asAction(module, 'trainingStep', () =>
      run.within('trainingStep', () => run.fabric.autocast(() => module.trainingStep?.(batch, index))),
    )
    let from = 'trainingStep'
    if (typeof module.trainingStepEnd === 'function' && !(output instanceof Promise)) {
      const joined = joinOutputs([output])
      output = run.within('trainingStepEnd', () => module.trainingStepEnd?.(joined))
      from = 'trainingStepEnd'
    }
    const loss = output instanceof tf.Tensor ? output : (output as { loss?: unknown } | null | undefined)?.loss
    if (!(loss instanceof tf.Tensor)) throw noLoss(from, output)
    run.trainResults.markLoss(loss)
    return loss as tf.Scalar
  } finally {
    runtime.training = false
  }
}

/** Depends on every parameter, and is 0. */
export function emptyLoss(module: RondoModule): tf.Scalar {
  const parts = Object.values(module.parameters()).flatMap((variable) =>
    variable.trainable ? [tf.mul(tf.sum(variable), 0)] : [],
  )
  return tf.addN(parts) as tf.Scalar
}

function noLoss(method: string, output: unknown): RondoError {
  const got =
    output instanceof Promise
      ? 'a promise; it must not be async (unless automaticOptimization is false), because TensorFlow.js records operations only while a function runs'
      : output === undefined || output === null
        ? 'nothing'
        : `a ${typeof output} without a loss tensor`
  return new RondoError(
    'BAD_ARGUMENT',
    `${method} returned ${got}. Allowed is the mean loss as a scalar tensor, or { loss }. Return it, for example with return tf.losses.softmaxCrossEntropy(y, this.forward(x)).`,
  )
}
