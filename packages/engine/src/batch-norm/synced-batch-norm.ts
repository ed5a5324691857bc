/**
 * Batch normalisation over the batches of all ranks together, forward and backward. tfjs's operations are synchronous
 * and communication is not; so forward is run again for each layer: it stops at the first whose moments are not known,
 * they are summed over the ranks (n, Σx, Σx², in float64), and the next run goes one layer further. Backward goes over
 * the tape an operation at a time and sums what a layer needs before it comes to it. Not for: plain models, one rank.
 */

import type { KnownGradient } from '../gradients/linear-loss.ts'
import { SteppedBackward } from '../gradients/stepped-backward.ts'
import type { Parameter } from '../model/parameters.ts'
import { tf } from '../tfjs.ts'
import { recordRandom } from './record-random.ts'
import {
  affine,
  type BatchNormLayer,
  type ChannelView,
  channelsOf,
  type GradientMeans,
  type Moments,
  moveAverages,
  normalised,
} from './synced-layer.ts'

/** Sums over the ranks, element by element; the name is the same on all. */
export type SumOverRanks = (values: Float64Array, name: string) => Promise<Float64Array>

/** One call of a layer in the forward under way. */
interface Call {
  layer: BatchNormLayer
  view: ChannelView
  moments: Moments
  /** Tensor id of x̂, by which backward finds it. */
  output: tf.Tensor | null
  means: GradientMeans | null
}

/** Moments of this rank alone, which end a run of the forward. */
class Unknown extends Error {
  readonly layer: BatchNormLayer
  readonly view: ChannelView
  readonly mean: tf.Tensor1D
  readonly variance: tf.Tensor1D
  constructor(layer: BatchNormLayer, view: ChannelView, mean: tf.Tensor1D, variance: tf.Tensor1D) {
    super('the moments of a layer are not known yet')
    this.layer = layer
    this.view = view
    this.mean = mean
    this.variance = variance
  }
}

export class SyncedBatchNorm {
  private readonly sum: SumOverRanks
  private readonly restore: Array<() => void> = []
  private calls: Call[] = []
  private at = 0
  private active = false

  /** Takes over the training calls of these layers, until `dispose`. */
  constructor(layers: readonly BatchNormLayer[], sum: SumOverRanks) {
    this.sum = sum
    for (const layer of layers) {
      const own = Object.getOwnPropertyDescriptor(layer, 'call')
      const plain = layer.call.bind(layer)
      layer.call = (inputs, kwargs) =>
        this.active && kwargs['training'] === true
          ? tf.tidy(() => this.callLayer(layer, Array.isArray(inputs) ? (inputs[0] as tf.Tensor) : inputs))
          : plain(inputs, kwargs)
      this.restore.push(() => {
        if (own) Object.defineProperty(layer, 'call', own)
        else Reflect.deleteProperty(layer, 'call')
      })
    }
  }

  /** Gives the layers back. */
  dispose(): void {
    for (const restore of this.restore.splice(0)) restore()
  }

  /**
   * The loss of this rank and its gradients, such that Σ w·g ÷ Σw over the ranks is the gradient of Σ w·loss ÷ Σw.
   * Collective. Parameters that the loss does not use are left out.
   * @param weight w: the samples of this rank, or 1 where ranks count equally
   * @param again is called before each run of `lossFn` but the first: what the last one left has to go
   */
  async differentiate(
    lossFn: () => unknown,
    parameters: readonly Parameter[],
    weight: number,
    again: () => void,
  ): Promise<{ loss: number; gradients: KnownGradient[] }> {
    const trainable = parameters.filter((parameter) => parameter.trainable)
    const random = recordRandom()
    try {
      const backward = await this.forward(lossFn, trainable, random.replay, again)
      try {
        const gradients = await this.backward(backward, trainable, weight)
        const loss = await backward.loss
        for (const { layer, moments } of this.calls) moveAverages(layer, moments)
        return { loss, gradients }
      } finally {
        backward.dispose()
      }
    } finally {
      this.active = false
      for (const { moments, means } of this.calls) {
        tf.dispose([moments.mean, moments.variance])
        if (means) tf.dispose([means.ofGradient, means.ofProduct])
      }
      this.calls = []
    }
  }

  private async forward(
    lossFn: () => unknown,
    parameters: readonly Parameter[],
    replay: <T>(fn: () => T) => T,
    again: () => void,
  ): Promise<SteppedBackward> {
    for (let run = 0; ; run++) {
      if (run > 0) again()
      this.at = 0
      this.active = true
      try {
        return replay(() => new SteppedBackward(lossFn, parameters, { findUnused: true }))
      } catch (error) {
        if (!(error instanceof Unknown)) throw error
        this.active = false
        await this.learn(error)
      }
    }
  }

  /** Runs while operations are recorded. */
  private callLayer(layer: BatchNormLayer, input: tf.Tensor): tf.Tensor {
    const call = this.calls[this.at]
    this.at += 1
    const view = channelsOf(layer, input)
    if (call === undefined) {
      const { mean, variance } = tf.moments(input, view.axes)
      throw new Unknown(layer, view, tf.keep(mean.flatten()), tf.keep(variance.flatten()))
    }
    const normal = normalised(input, call.moments, view, layer.epsilon, () => call.means as GradientMeans)
    call.output = normal
    return affine(layer, normal, view)
  }

  private async learn({ layer, view, mean, variance }: Unknown): Promise<void> {
    const [means, variances] = await Promise.all([mean.data(), variance.data()])
    tf.dispose([mean, variance])
    const { channels, count } = view
    const values = new Float64Array(1 + 2 * channels)
    values[0] = count
    for (let c = 0; c < channels; c++) {
      const m = means[c] as number
      values[1 + c] = count * m
      values[1 + channels + c] = count * ((variances[c] as number) + m * m)
    }
    const [total, ...sums] = await this.sum(values, `batch norm ${this.calls.length} moments`)
    const all = total as number
    const mu = sums.slice(0, channels).map((s) => s / all)
    const sigma = sums.slice(channels).map((s, c) => Math.max(0, s / all - (mu[c] as number) ** 2))
    const moments = { mean: tf.keep(tf.tensor1d(mu)), variance: tf.keep(tf.tensor1d(sigma)), count: all }
    this.calls.push({ layer, view, moments, output: null, means: null })
  }

  private async backward(
    backward: SteppedBackward,
    parameters: readonly Parameter[],
    weight: number,
  ): Promise<KnownGradient[]> {
    const known: KnownGradient[] = []
    const unused = new Set(backward.unused)
    try {
      while (!backward.done) {
        const upcoming = backward.upcoming()
        const call = this.calls.findIndex(({ output }) => upcoming?.outputs.some(({ id }) => id === output?.id))
        if (upcoming && call >= 0) await this.meet(call, upcoming.gradients[0] ?? null, upcoming.saved, weight)
        for (const [index, gradient] of backward.next()) {
          if (unused.has(index)) gradient.dispose()
          else known.push({ variable: (parameters[index] as Parameter).variable, gradient })
        }
      }
      return known
    } catch (error) {
      tf.dispose(known.map(({ gradient }) => gradient))
      throw error
    }
  }

  /** Sums over the ranks what the gradient of a call needs. */
  private async meet(index: number, gradient: tf.Tensor | null, saved: tf.Tensor[], weight: number): Promise<void> {
    const call = this.calls[index] as Call
    const { axes, channels } = call.view
    const values = new Float64Array(2 * channels)
    const normal = saved[0]
    if (gradient && normal) {
      const [sums, products] = tf.tidy(() => [
        tf.sum(gradient, axes).flatten(),
        tf.sum(tf.mul(gradient, normal), axes).flatten(),
      ]) as [tf.Tensor, tf.Tensor]
      const [a, b] = await Promise.all([sums.data(), products.data()])
      tf.dispose([sums, products])
      for (let c = 0; c < channels; c++) {
        values[c] = weight * (a[c] as number)
        values[channels + c] = weight * (b[c] as number)
      }
    }
    const all = await this.sum(values, `batch norm ${index} gradient`)
    const means = Float32Array.from(all, (value) => value / (weight * call.moments.count))
    call.means = {
      ofGradient: tf.keep(tf.tensor1d(means.slice(0, channels))),
      ofProduct: tf.keep(tf.tensor1d(means.slice(channels))),
    }
  }
}
