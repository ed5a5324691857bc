/**
 * Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019) as torch.optim writes them, ε outside the root:
 *   m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − η/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)
 * Adam's weight decay is L2 (g ← g + λw); AdamW's is decoupled (w ← w − ηλw first). tf.train.adam is the same
 * formula with ε = 1e-7.
 */
import { tf } from '../tfjs.ts'
import type { Formula, HostUpdate } from './fused/formula.ts'
import { checkNumber, type DeviceUpdate, Optimizer } from './optimizer.ts'

export interface AdamOptions {
  learningRate?: number
  beta1?: number
  beta2?: number
  epsilon?: number
  /** λ: default 0 for adam, 0.01 for adamw. */
  weightDecay?: number
}

/** torch.optim's defaults. */
const DEFAULTS = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
const ADAMW_WEIGHT_DECAY = 0.01

/** Scalars: 1 λ (L2), 2 factor on w, 3 β₁, 4 1−β₁, 5 β₂, 6 1−β₂, 7 step size, 8 factor on the root, 9 ε. */
const FORMULA: Formula = {
  loop: 'adam',
  slots: 2,
  wgsl: `let d = g + a[1] * w;
    s0 = a[3] * s0 + a[4] * d;
    s1 = a[5] * s1 + a[6] * d * d;
    w = w * a[2] - (a[7] * s0) / (sqrt(s1) * a[8] + a[9]);`,
}

const f32 = Math.fround

export class Adam extends Optimizer {
  readonly kind: 'adam' | 'adamw'
  readonly formula = FORMULA
  protected readonly slotNames = ['m', 'v']
  private beta1: number
  private readonly beta2: number
  private readonly epsilon: number
  readonly weightDecay: number

  constructor(options: AdamOptions = {}, kind: 'adam' | 'adamw' = 'adam') {
    super(options.learningRate ?? DEFAULTS.learningRate)
    this.kind = kind
    this.beta1 = checkNumber('beta1', options.beta1 ?? DEFAULTS.beta1, 0, 1)
    this.beta2 = checkNumber('beta2', options.beta2 ?? DEFAULTS.beta2, 0, 1)
    this.epsilon = checkNumber('epsilon', options.epsilon ?? DEFAULTS.epsilon, 0, Number.POSITIVE_INFINITY)
    const decay = options.weightDecay ?? (kind === 'adamw' ? ADAMW_WEIGHT_DECAY : 0)
    this.weightDecay = checkNumber('weightDecay', decay, 0, Number.POSITIVE_INFINITY)
  }

  get momentum(): number {
    return this.beta1
  }

  set momentum(value: number) {
    this.beta1 = checkNumber('momentum (β₁)', value, 0, 1)
  }

  protected hyperparameters() {
    return { beta1: this.beta1, beta2: this.beta2, epsilon: this.epsilon, weightDecay: this.weightDecay }
  }

  /** The numbers of one step that are the same for every element. */
  private factors(step: number) {
    const decoupled = this.kind === 'adamw'
    return {
      l2: decoupled ? 0 : this.weightDecay,
      keep: decoupled ? 1 - this.learningRate * this.weightDecay : 1,
      stepSize: this.learningRate / (1 - this.beta1 ** step),
      rootScale: 1 / Math.sqrt(1 - this.beta2 ** step),
    }
  }

  scalars(step: number): number[] {
    const { beta1, beta2, epsilon } = this
    const { l2, keep, stepSize, rootScale } = this.factors(step)
    return [l2, keep, beta1, 1 - beta1, beta2, 1 - beta2, stepSize, rootScale, epsilon]
  }

  updateHost({ value, gradient, next, slots, scalars, from }: HostUpdate): void {
    const [m, v] = slots as [Float32Array, Float32Array]
    const [scale, l2, keep, beta1, rest1, beta2, rest2, stepSize, rootScale, epsilon] = scalars
    for (let i = from; i < value.length; i++) {
      const w = value[i] as number
      const g = f32(f32((gradient[i] as number) * scale) + f32(l2 * w))
      const first = f32(f32(beta1 * (m[i] as number)) + f32(rest1 * g))
      const second = f32(f32(beta2 * (v[i] as number)) + f32(f32(rest2 * g) * g))
      m[i] = first
      v[i] = second
      next[i] = f32(w * keep) - f32(f32(stepSize * first) / f32(f32(f32(Math.sqrt(second)) * rootScale) + epsilon))
    }
  }

  protected updateDevice({ value, gradient, slots, step }: DeviceUpdate) {
    const [m, v] = slots as [tf.Tensor, tf.Tensor]
    const { l2, keep, stepSize, rootScale } = this.factors(step)
    const g = l2 === 0 ? gradient : tf.add(gradient, tf.mul(value, l2))
    const first = tf.add(tf.mul(m, this.beta1), tf.mul(g, 1 - this.beta1))
    const second = tf.add(tf.mul(v, this.beta2), tf.mul(tf.square(g), 1 - this.beta2))
    const denominator = tf.add(tf.mul(tf.sqrt(second), rootScale), this.epsilon)
    const kept = keep === 1 ? value : tf.mul(value, keep)
    return { value: tf.sub(kept, tf.div(tf.mul(first, stepSize), denominator)), slots: [first, second] }
  }
}
