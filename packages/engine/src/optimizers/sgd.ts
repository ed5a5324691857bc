/**
 * Stochastic gradient descent with momentum, Nesterov and weight decay, as torch.optim.SGD (dampening 0):
 *   g ← g + λ·w;  b ← μ·b + g;  g ← nesterov ? g + μ·b : b;  w ← w − η·g
 * Sutskever et al. 2013, in the variant that keeps η outside the buffer. tf.train.momentum is the same formula.
 */
import { tf } from '../tfjs.ts'
import { checkNumber, type DeviceUpdate, type HostUpdate, Optimizer } from './optimizer.ts'

export interface SgdOptions {
  learningRate: number
  momentum?: number
  nesterov?: boolean
  /** λ, added to the gradient (L2). */
  weightDecay?: number
}

export class Sgd extends Optimizer {
  readonly kind = 'sgd'
  protected readonly slotNames: readonly string[]
  private readonly momentum: number
  private readonly nesterov: boolean
  private readonly weightDecay: number

  constructor({ learningRate, momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions) {
    super(learningRate)
    this.momentum = checkNumber('momentum', momentum, 0, Number.POSITIVE_INFINITY)
    this.nesterov = nesterov
    this.weightDecay = checkNumber('weightDecay', weightDecay, 0, Number.POSITIVE_INFINITY)
    this.slotNames = momentum === 0 ? [] : ['momentum']
  }

  protected hyperparameters() {
    return { momentum: this.momentum, nesterov: this.nesterov, weightDecay: this.weightDecay }
  }

  protected updateHost({ value, gradient, next, slots }: HostUpdate): void {
    const { learningRate, momentum, nesterov, weightDecay } = this
    const buffer = slots[0]
    for (let i = 0; i < value.length; i++) {
      const w = value[i] as number
      let g = (gradient[i] as number) + weightDecay * w
      if (buffer !== undefined) {
        const b = momentum * (buffer[i] as number) + g
        buffer[i] = b
        g = nesterov ? g + momentum * b : b
      }
      next[i] = w - learningRate * g
    }
  }

  protected updateDevice({ value, gradient, slots }: DeviceUpdate) {
    const { learningRate, momentum, nesterov, weightDecay } = this
    let g = weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(value, weightDecay))
    const buffer = slots[0] === undefined ? null : tf.add(tf.mul(slots[0], momentum), g)
    if (buffer !== null) g = nesterov ? tf.add(g, tf.mul(buffer, momentum)) : buffer
    return { value: tf.sub(value, tf.mul(g, learningRate)), slots: buffer === null ? [] : [buffer] }
  }
}
