/**
 * Stochastic gradient descent with momentum, Nesterov and weight decay, as torch.optim.SGD (dampening 0):
 *   g ← g + λ·w;  b ← μ·b + g;  g ← nesterov ? g + μ·b : b;  w ← w − η·g
 * Sutskever et al. 2013, in the variant that keeps η outside the buffer. tf.train.momentum is the same formula.
 */
import { RondoError } from '@rondo/protocol'
import { tf } from '../tfjs.ts'
import type { Formula, HostUpdate } from './fused/formula.ts'
import { checkNumber, type DeviceUpdate, Optimizer } from './optimizer.ts'

export interface SgdOptions {
  learningRate: number
  momentum?: number
  nesterov?: boolean
  /** λ, added to the gradient (L2). */
  weightDecay?: number
}

const f32 = Math.fround

export class Sgd extends Optimizer {
  readonly kind = 'sgd'
  readonly formula: Formula
  protected readonly slotNames: readonly string[]
  private mu: number
  private readonly nesterov: boolean
  readonly weightDecay: number

  constructor({ learningRate, momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions) {
    super(learningRate)
    this.mu = checkNumber('momentum', momentum, 0, Number.POSITIVE_INFINITY)
    this.nesterov = nesterov
    this.weightDecay = checkNumber('weightDecay', weightDecay, 0, Number.POSITIVE_INFINITY)
    this.slotNames = momentum === 0 ? [] : ['momentum']
    this.formula = formulaOf(momentum === 0 ? 'sgd' : nesterov ? 'nesterov' : 'momentum')
  }

  get momentum(): number | undefined {
    return this.slotNames.length === 0 ? undefined : this.mu
  }

  /** Throws BAD_ARGUMENT when it was made without momentum: it has no buffer for it. */
  set momentum(value: number) {
    if (this.slotNames.length === 0) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `optimizer.momentum = ${value}: this sgd was made without momentum and keeps no buffer for it. Make it with momentum above 0.`,
      )
    }
    this.mu = checkNumber('momentum', value, 0, Number.POSITIVE_INFINITY)
  }

  protected hyperparameters() {
    return { momentum: this.mu, nesterov: this.nesterov, weightDecay: this.weightDecay }
  }

  scalars(): number[] {
    return [this.learningRate, this.mu, this.weightDecay]
  }

  updateHost({ value, gradient, next, slots, scalars, from }: HostUpdate): void {
    const [scale, rate, momentum, weightDecay] = scalars
    const { nesterov } = this
    const buffer = slots[0]
    for (let i = from; i < value.length; i++) {
      const w = value[i] as number
      let g = f32(f32((gradient[i] as number) * scale) + f32(weightDecay * w))
      if (buffer !== undefined) {
        const b = f32(f32(momentum * (buffer[i] as number)) + g)
        buffer[i] = b
        g = nesterov ? f32(g + f32(momentum * b)) : b
      }
      next[i] = w - f32(rate * g)
    }
  }

  protected updateDevice({ value, gradient, slots }: DeviceUpdate) {
    const { learningRate, mu, nesterov, weightDecay } = this
    let g = weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(value, weightDecay))
    const buffer = slots[0] === undefined ? null : tf.add(tf.mul(slots[0], mu), g)
    if (buffer !== null) g = nesterov ? tf.add(g, tf.mul(buffer, mu)) : buffer
    return { value: tf.sub(value, tf.mul(g, learningRate)), slots: buffer === null ? [] : [buffer] }
  }
}

/** Scalars: 1 learning rate, 2 momentum, 3 weight decay. */
function formulaOf(loop: 'sgd' | 'momentum' | 'nesterov'): Formula {
  const buffer = 's0 = a[2] * s0 + d;'
  const direction = { sgd: 'd', momentum: 's0', nesterov: 'd + a[2] * s0' }[loop]
  return {
    loop,
    slots: loop === 'sgd' ? 0 : 1,
    wgsl: `let d = g + a[3] * w; ${loop === 'sgd' ? '' : buffer} w = w - a[1] * (${direction});`,
  }
}
