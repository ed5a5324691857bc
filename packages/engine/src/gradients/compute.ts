/**
 * Forward and backward of one batch: the loss and one gradient for each trainable parameter, on the device.
 * The plain form: tfjs hands over all gradients at once. Not for: gradients one by one (stepped-backward.ts),
 * averaging over ranks (strategies) or moving gradients off the device (buckets.ts).
 */
import { RondoError } from '@rondo/protocol'
import type { Parameter } from '../model/parameters.ts'
import { tf } from '../tfjs.ts'

/** Names that an error lists before it says "and N more". */
const MAX_NAMES = 8

export interface GradientOptions {
  /** Parameters that the loss does not use get zeros instead of an error (torch's find_unused_parameters). */
  findUnused?: boolean
}

export interface Gradients {
  /** The loss, read back without stalling the device. Rejects if the device is lost. */
  loss: Promise<number>
  /** d loss / d parameter, one for each parameter given, in order, same shapes. The caller disposes of them. */
  gradients: tf.Tensor[]
  /** Positions of those that are zeros because the loss does not use the parameter. */
  unused: number[]
}

/**
 * Differentiates `lossFn` by the parameters.
 * @param lossFn returns a scalar tensor, synchronously: tfjs records operations only while a function runs.
 * @param parameters those to differentiate by; the ones that are not trainable are passed over.
 * @throws RondoError BAD_ARGUMENT when the loss is no scalar tensor, UNUSED_PARAMETER naming the parameters
 * that the loss does not depend on.
 */
export function computeGradients(
  lossFn: () => unknown,
  parameters: readonly Parameter[],
  options: GradientOptions = {},
): Gradients {
  const trainable = trainableOf(parameters)
  const variables = trainable.map(({ variable }) => variable)
  // variableGrads would drop the unused ones by tfjs name and throw a nameless error if all are unused.
  const { value, grads } = tf.engine().gradients(() => scalarLoss(lossFn()), variables, undefined, true)
  const unused = grads.flatMap((gradient, i) => (gradient == null ? [i] : []))
  if (unused.length > 0 && !options.findUnused) {
    tf.dispose([value, ...grads.filter((gradient) => gradient != null)])
    throw unusedParameters(unused.map((i) => trainable[i]?.name ?? ''))
  }
  const gradients = grads.map((gradient, i) => gradient ?? tf.zerosLike(variables[i] as tf.Variable))
  return { loss: readScalar(value), gradients, unused }
}

/** The parameters that get a gradient. Throws BAD_ARGUMENT when there is none. */
export function trainableOf(parameters: readonly Parameter[]): Parameter[] {
  const trainable = parameters.filter((parameter) => parameter.trainable)
  if (trainable.length > 0) return trainable
  throw new RondoError(
    'BAD_ARGUMENT',
    'backward(lossFn): none of the parameters is trainable. At least one must be. Unfreeze a layer with layer.trainable = true.',
  )
}

/** Reads a scalar asynchronously and disposes of it. */
export function readScalar(tensor: tf.Tensor): Promise<number> {
  const reading = tensor.data().then((values) => {
    tensor.dispose()
    return values[0] as number
  })
  // Whoever awaits the loss sees a rejection; one who does not want the loss must not be ended by it.
  reading.catch(() => {})
  return reading
}

/** What a loss function returned, if it is a scalar tensor; throws BAD_ARGUMENT saying what it is otherwise. */
export function scalarLoss(loss: unknown): tf.Scalar {
  if (loss instanceof tf.Tensor && loss.size === 1) return loss.rank === 0 ? (loss as tf.Scalar) : loss.asScalar()
  const got =
    loss instanceof tf.Tensor
      ? `a tensor of shape [${loss.shape.join(', ')}]`
      : loss instanceof Promise
        ? 'a promise'
        : `${loss === undefined ? 'nothing' : `a ${typeof loss}`}`
  throw new RondoError(
    'BAD_ARGUMENT',
    `backward(lossFn): lossFn returned ${got}. It must return the mean loss as a scalar tensor, synchronously, ` +
      'because TensorFlow.js records operations only while the function runs. ' +
      (loss instanceof Promise ? 'Await data before the call, not inside it.' : 'End it with .mean() or tf.losses.*.'),
  )
}

export function unusedParameters(names: string[]): RondoError {
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : ''
  return new RondoError(
    'UNUSED_PARAMETER',
    `backward(lossFn): ${names.slice(0, MAX_NAMES).join(', ')}${more} got no gradient, because the loss does not depend on ` +
      `${names.length === 1 ? 'it' : 'them'}. Every trainable parameter must take part in the loss. ` +
      'Use it, freeze it with layer.trainable = false, or set findUnusedParameters: true to send zeros.',
    { details: { parameters: names } },
  )
}
