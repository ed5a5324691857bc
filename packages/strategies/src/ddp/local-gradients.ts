/**
 * The gradients of this rank that no other rank has seen yet, as Σ g·n over the backward calls since the last
 * synchronisation. One contribution is kept as it is and scaled later, so that the common step makes no copy.
 */
import { tf } from '@rondo/engine'

type Gradients = Array<tf.Tensor>

/** Owns the tensors it is given. */
export class LocalGradients {
  private gradients: Gradients | null = null
  /** Factor that still has to be applied to `gradients`. */
  private scale = 1
  private weight = 0
  private used: Uint8Array | null = null

  /** Adds `gradients` (mean over the batch, in parameter order) with weight n; `unused` are those replaced by zeros. */
  add(gradients: Gradients, weight: number, unused: readonly number[]): void {
    this.note(weight, unused, gradients.length)
    if (!this.gradients) {
      this.gradients = gradients
      this.scale = weight
      return
    }
    const { scale } = this
    this.gradients = this.gradients.map((sum, i) => weightedSum(sum, scale, gradients[i] as tf.Tensor, weight))
    this.scale = 1
  }

  /** Counts weight and used parameters of a contribution whose gradients are not kept here: `count` parameters in all. */
  note(weight: number, unused: readonly number[], count: number): void {
    const used = new Uint8Array(count).fill(1)
    for (const i of unused) used[i] = 0
    this.used = this.used ? this.used.map((before, i) => before | (used[i] as number)) : used
    this.weight += weight
  }

  /** Hands over everything and starts again at nothing: Σ g·n is `scale · gradients`. */
  take(): { gradients: Gradients; scale: number; weight: number; used: Uint8Array } {
    const taken = {
      gradients: this.gradients ?? [],
      scale: this.scale,
      weight: this.weight,
      used: this.used ?? new Uint8Array(0),
    }
    this.gradients = null
    this.scale = 1
    this.weight = 0
    this.used = null
    return taken
  }

  /**
   * Σ g·n / Σn (or plain Σ g with `uniform`) as new tensors, null for parameters without any gradient; null
   * when nothing was added. What was added stays for the next call.
   */
  average(uniform: boolean): Array<tf.Tensor | null> | null {
    if (!this.gradients) return null
    const scale = uniform ? this.scale : this.scale / this.weight
    return this.gradients.map((sum, i) =>
      this.used?.[i] === 0 ? null : scale === 1 ? sum.clone() : tf.tidy(() => tf.mul(sum, scale)),
    )
  }

  clear(): void {
    tf.dispose(this.take().gradients)
  }
}

/** scale · sum + weight · more, as a new tensor; both are freed. */
export function weightedSum(sum: tf.Tensor, scale: number, more: tf.Tensor, weight: number): tf.Tensor {
  const total = tf.tidy(() => {
    const scaled = scale === 1 ? sum : tf.mul(sum, scale)
    return tf.add(scaled, tf.mul(more, weight))
  })
  tf.dispose([sum, more])
  return total
}
