/**
 * RMSProp (Hinton, lecture 6e 2012) in two variants that place ε and η differently:
 *   s ← α·s + (1−α)g²;  centered: a ← α·a + (1−α)g, s' = s − a², else s' = s
 *   torch (default):  b ← μ·b + g/(√s' + ε);  w ← w − η·b
 *   tfjs (adopted):   b ← μ·b + η·g/√(s' + ε);  w ← w − b
 * tfjs 4.22 subtracts ε in its centered case, which takes roots of negative numbers; here it is added, as in
 * TensorFlow itself.
 */
import { tf } from '../tfjs.ts'
import type { Formula, HostUpdate } from './fused/formula.ts'
import { checkNumber, type DeviceUpdate, Optimizer } from './optimizer.ts'

export interface RmsPropOptions {
  learningRate?: number
  /** α, the memory of the squared gradient. */
  decay?: number
  momentum?: number
  epsilon?: number
  centered?: boolean
  weightDecay?: number
  variant?: 'torch' | 'tfjs'
}

/** torch.optim's defaults. */
const DEFAULTS = { learningRate: 1e-2, decay: 0.99, epsilon: 1e-8 }

const f32 = Math.fround

export class RmsProp extends Optimizer {
  readonly kind = 'rmsprop'
  readonly formula: Formula
  protected readonly slotNames: readonly string[]
  private readonly decay: number
  private mu: number
  private readonly epsilon: number
  private readonly centered: boolean
  readonly weightDecay: number
  private readonly variant: 'torch' | 'tfjs'

  constructor(options: RmsPropOptions = {}) {
    super(options.learningRate ?? DEFAULTS.learningRate)
    this.decay = checkNumber('decay', options.decay ?? DEFAULTS.decay, 0, 1)
    this.mu = checkNumber('momentum', options.momentum ?? 0, 0, Number.POSITIVE_INFINITY)
    this.epsilon = checkNumber('epsilon', options.epsilon ?? DEFAULTS.epsilon, 0, Number.POSITIVE_INFINITY)
    this.weightDecay = checkNumber('weightDecay', options.weightDecay ?? 0, 0, Number.POSITIVE_INFINITY)
    this.centered = options.centered ?? false
    this.variant = options.variant ?? 'torch'
    this.formula = formulaOf(this.centered)
    this.slotNames = ['square', 'momentum', ...(this.centered ? ['mean'] : [])]
  }

  get momentum(): number {
    return this.mu
  }

  set momentum(value: number) {
    this.mu = checkNumber('momentum', value, 0, Number.POSITIVE_INFINITY)
  }

  protected hyperparameters() {
    const { decay, mu, epsilon, centered, weightDecay, variant } = this
    return { decay, momentum: mu, epsilon, centered, weightDecay, variant }
  }

  /** Where ε and η stand: inside the root and the buffer (tfjs), or outside of both (torch). */
  private placement() {
    const tfjs = this.variant === 'tfjs'
    const { epsilon, learningRate } = this
    return {
      inRoot: tfjs ? epsilon : 0,
      afterRoot: tfjs ? 0 : epsilon,
      inBuffer: tfjs ? learningRate : 1,
      afterBuffer: tfjs ? 1 : learningRate,
    }
  }

  scalars(): number[] {
    const { decay, mu, weightDecay } = this
    const { inRoot, afterRoot, inBuffer, afterBuffer } = this.placement()
    return [weightDecay, decay, 1 - decay, mu, inRoot, afterRoot, inBuffer, afterBuffer]
  }

  updateHost({ value, gradient, next, slots, scalars, from }: HostUpdate): void {
    const [square, buffer, mean] = slots as [Float32Array, Float32Array, Float32Array | undefined]
    const [scale, weightDecay, decay, rest, momentum, inRoot, afterRoot, inBuffer, afterBuffer] = scalars
    for (let i = from; i < value.length; i++) {
      const w = value[i] as number
      const g = f32(f32((gradient[i] as number) * scale) + f32(weightDecay * w))
      let s = f32(f32(decay * (square[i] as number)) + f32(f32(rest * g) * g))
      square[i] = s
      if (mean !== undefined) {
        const a = f32(f32(decay * (mean[i] as number)) + f32(rest * g))
        mean[i] = a
        s = f32(s - f32(a * a))
      }
      const root = f32(f32(Math.sqrt(f32(s + inRoot))) + afterRoot)
      const b = f32(f32(momentum * (buffer[i] as number)) + f32(f32(inBuffer * g) / root))
      buffer[i] = b
      next[i] = w - f32(afterBuffer * b)
    }
  }

  protected updateDevice({ value, gradient, slots }: DeviceUpdate) {
    const [square, buffer, mean] = slots as [tf.Tensor, tf.Tensor, tf.Tensor | undefined]
    const { inRoot, afterRoot, inBuffer, afterBuffer } = this.placement()
    const g = this.weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(value, this.weightDecay))
    const s = tf.add(tf.mul(square, this.decay), tf.mul(tf.square(g), 1 - this.decay))
    const a = mean === undefined ? null : tf.add(tf.mul(mean, this.decay), tf.mul(g, 1 - this.decay))
    const variance = a === null ? s : tf.sub(s, tf.square(a))
    const root = tf.add(tf.sqrt(inRoot === 0 ? variance : tf.add(variance, inRoot)), afterRoot)
    const b = tf.add(tf.mul(buffer, this.mu), tf.div(tf.mul(g, inBuffer), root))
    return { value: tf.sub(value, tf.mul(b, afterBuffer)), slots: a === null ? [s, b] : [s, b, a] }
  }
}

/** Scalars: 1 λ, 2 α, 3 1−α, 4 μ, 5 and 6 ε inside and after the root, 7 and 8 η inside and after the buffer. */
function formulaOf(centered: boolean): Formula {
  const mean = centered ? 's2 = a[2] * s2 + a[3] * d; variance = variance - s2 * s2;' : ''
  return {
    loop: centered ? 'rmspropCentered' : 'rmsprop',
    slots: centered ? 3 : 2,
    wgsl: `let d = g + a[1] * w;
    s0 = a[2] * s0 + a[3] * d * d;
    var variance = s0;
    ${mean}
    s1 = a[4] * s1 + (a[7] * d) / (sqrt(variance + a[5]) + a[6]);
    w = w - a[8] * s1;`,
  }
}
