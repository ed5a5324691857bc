/**
 * Gradients that are known already, as a loss that has them: loss + Σ g·(p − p₀), whose value is the loss and whose
 * derivative by p is g. So gradients that were computed apart take the way of all others. Not for: computing them.
 */
import { tf } from '../tfjs.ts'

export interface KnownGradient {
  variable: tf.Variable
  /** The loss owns it from now on. */
  gradient: tf.Tensor
}

export class LinearLoss {
  private readonly loss: number
  private readonly terms: ReadonlyArray<KnownGradient & { start: tf.Tensor }>

  /** To be made outside of a tape: where the variables stand now is p₀. */
  constructor(loss: number, gradients: readonly KnownGradient[]) {
    this.loss = loss
    this.terms = gradients.map((known) => ({ ...known, start: tf.keep(tf.clone(known.variable)) }))
  }

  /** Call it as the function to differentiate. */
  value(): tf.Scalar {
    const parts = this.terms.map(({ variable, gradient, start }) => tf.sum(tf.mul(gradient, tf.sub(variable, start))))
    return tf.addN([tf.scalar(this.loss), ...parts]) as tf.Scalar
  }

  dispose(): void {
    tf.dispose(this.terms.flatMap(({ gradient, start }) => [gradient, start]))
  }
}
