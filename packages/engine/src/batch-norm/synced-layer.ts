/**
 * One call of a batch normalisation layer in training, with moments from outside: those of all ranks' batches
 * together. Formulas: Ioffe & Szegedy 2015, with the mean gradients taken over all ranks. Not for: where the moments
 * come from (synced-batch-norm.ts).
 */
import { tf } from '../tfjs.ts'

/** What is needed of tfjs's BatchNormalization layer (tfjs-layers/src/layers/normalization.ts). */
export interface BatchNormLayer {
  axis: number
  momentum: number
  epsilon: number
  gamma?: { read(): tf.Tensor }
  beta?: { read(): tf.Tensor }
  movingMean: { read(): tf.Tensor; write(value: tf.Tensor): void }
  movingVariance: { read(): tf.Tensor; write(value: tf.Tensor): void }
  call(inputs: tf.Tensor | tf.Tensor[], kwargs: Record<string, unknown>): tf.Tensor | tf.Tensor[]
}

/** Moments by channel; `count` values of each channel stand behind them. */
export interface Moments {
  mean: tf.Tensor1D
  variance: tf.Tensor1D
  count: number
}

/** How an input is seen: its channels, and all other axes. */
export interface ChannelView {
  channels: number
  /** Values of each channel. */
  count: number
  /** Axes that are reduced. */
  axes: number[]
  /** Shape that a value a channel has beside the input. */
  broadcast: number[]
}

export function channelsOf(layer: BatchNormLayer, input: tf.Tensor): ChannelView {
  const axis = layer.axis >= 0 ? layer.axis : layer.axis + input.rank
  const channels = input.shape[axis] as number
  return {
    channels,
    count: input.size / channels,
    axes: input.shape.map((_, i) => i).filter((i) => i !== axis),
    broadcast: input.shape.map((extent, i) => (i === axis ? extent : 1)),
  }
}

/** What the gradient of a normalised input needs from the other ranks. */
export interface GradientMeans {
  /** Σ over ranks of w·Σg, and of w·Σ(g·x̂), by channel, over w of this rank times the count of all. */
  ofGradient: tf.Tensor1D
  ofProduct: tf.Tensor1D
}

/**
 * x̂ = (x − mean) ÷ √(variance + ε), whose gradient by x takes into account that the moments depend on x too:
 * (g − mean g − x̂ · mean(g·x̂)) ÷ √(variance + ε). The means are asked for when backward gets there.
 */
export function normalised(
  input: tf.Tensor,
  moments: Moments,
  { broadcast }: ChannelView,
  epsilon: number,
  means: () => GradientMeans,
): tf.Tensor {
  const operation = tf.customGrad((x, save) => {
    const scale = tf.rsqrt(tf.add(moments.variance, epsilon)).reshape(broadcast)
    const value = tf.mul(tf.sub(x as tf.Tensor, moments.mean.reshape(broadcast)), scale)
    ;(save as (tensors: tf.Tensor[]) => void)([value, scale])
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [normal, factor] = saved as [tf.Tensor, tf.Tensor]
        const { ofGradient, ofProduct } = means()
        const common = tf.add(ofGradient.reshape(broadcast), tf.mul(normal, ofProduct.reshape(broadcast)))
        return tf.mul(tf.sub(dy, common), factor)
      },
    }
  })
  return operation(input)
}

/** γ·x̂ + β, as far as the layer has them. */
export function affine(layer: BatchNormLayer, normal: tf.Tensor, { broadcast }: ChannelView): tf.Tensor {
  const scaled = layer.gamma ? tf.mul(normal, layer.gamma.read().reshape(broadcast)) : normal
  return layer.beta ? tf.add(scaled, layer.beta.read().reshape(broadcast)) : scaled
}

/** Moves the layer's running statistics by its momentum, as tfjs does. */
export function moveAverages(layer: BatchNormLayer, { mean, variance }: Moments): void {
  const move = (variable: BatchNormLayer['movingMean'], value: tf.Tensor): void =>
    tf.tidy(() => {
      const before = variable.read()
      variable.write(tf.sub(before, tf.mul(tf.sub(before, value), 1 - layer.momentum)))
    })
  move(layer.movingMean, mean)
  move(layer.movingVariance, variance)
}
