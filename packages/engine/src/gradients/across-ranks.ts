/**
 * Operations whose value and gradient come from other ranks, so that both have to be waited for: they stand on tfjs's
 * tape like others, and their way back is kept beside it. Not for: moving anything (collectives).
 */
import { RondoError } from '@rondo/protocol'
import { tf } from '../tfjs.ts'

/** Gives d loss / d input, a tensor of its own, for d loss / d output. */
export type WayBack = (dy: tf.Tensor) => Promise<tf.Tensor>

/** By output tensor, as it stands on the tape. */
export const acrossRanks = new WeakMap<tf.Tensor, WayBack>()

/** Puts `value`, made of `input` with the help of other ranks, on the tape that is being recorded, if there is one. */
export function recordAcross(input: tf.Tensor, value: tf.Tensor, back: WayBack): tf.Tensor {
  const output = tf.customGrad((..._: Array<tf.Tensor | tf.GradSaveFunc>) => ({ value, gradFunc: refuse }))(input)
  acrossRanks.set(output, back)
  return output
}

function refuse(): never {
  throw new RondoError(
    'BAD_ARGUMENT',
    'backward(lossFn): the loss uses what was gathered with syncGrads, whose gradient comes from other ranks. That needs an asynchronous loss: fabric.backward(async () => …), with the gathering inside.',
  )
}
