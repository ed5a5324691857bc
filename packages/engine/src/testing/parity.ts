/**
 * Reference training runs (e2e/fixtures/parity/*.json, made by PyTorch) as models and batches of ours, for
 * tests with any number of ranks. Takes the parsed JSON. Not for: production code.
 */
import { RondoError } from '@rondo/protocol'
import type { ModuleLike } from '../model/parameters.ts'
import { optimizerOfKind } from '../optimizers/create.ts'
import type { Optimizer } from '../optimizers/optimizer.ts'
import { tf } from '../tfjs.ts'

/** A tensor in a reference file: little-endian float32 as base64, in tfjs layouts. */
export interface ReferenceTensor {
  shape: number[]
  float32: string
}

export interface ParityReference {
  net: string
  optimizer: { name: string; lr: number; [option: string]: string | number | boolean }
  steps: number
  globalBatch: number
  x: ReferenceTensor
  labels: number[]
  init: Record<string, ReferenceTensor>
  final: Record<string, ReferenceTensor>
  lossFloat32: number[]
  lossFloat64: number[]
}

type Weights = Record<string, tf.Variable>
type Forward = (weights: Weights, x: tf.Tensor) => tf.Tensor2D

/** One convolution or dense layer of a net, by the letter its weights have in the file. */
const dense = (w: Weights, name: string, x: tf.Tensor): tf.Tensor2D =>
  tf.add(tf.matMul(x as tf.Tensor2D, weight(w, name) as tf.Tensor2D), weight(w, name, 'bias'))
const conv = (w: Weights, name: string, x: tf.Tensor, stride: number, pad: number): tf.Tensor4D =>
  tf.add(
    tf.conv2d(x as tf.Tensor4D, weight(w, name) as tf.Tensor4D, stride, [
      [0, 0],
      [pad, pad],
      [pad, pad],
      [0, 0],
    ]),
    weight(w, name, 'bias'),
  )

function weight(weights: Weights, layer: string, part = 'weight'): tf.Tensor {
  const variable = weights[`${layer}.${part}`]
  if (variable === undefined) throw new RondoError('BAD_FILE', `Parity reference lacks the weight ${layer}.${part}.`)
  return variable
}

/** The nets of the reference files, forward only. */
const NETS: Readonly<Record<string, Forward>> = {
  mlp: (w, x) => dense(w, 'c', tf.relu(dense(w, 'b', tf.relu(dense(w, 'a', x))))),
  cnn: (w, x) => {
    const first = tf.maxPool(tf.relu(conv(w, 'a', x, 1, 0)) as tf.Tensor4D, 2, 2, 'valid')
    const second = tf.avgPool(tf.relu(conv(w, 'b', first, 2, 1)) as tf.Tensor4D, 2, 1, 'valid')
    return dense(w, 'c', tf.reshape(second, [x.shape[0] as number, -1]))
  },
}

export interface ParityRun {
  model: ModuleLike & { forward(x: tf.Tensor): tf.Tensor2D }
  optimizer: Optimizer
  /**
   * The share of one rank in a step: items rank, rank + worldSize, … of the global batch, so that uneven
   * shares occur. The caller disposes of x and y.
   */
  batch(step: number, rank?: number, worldSize?: number): { x: tf.Tensor; y: tf.Tensor1D; samples: number }
  /** Mean softmax cross-entropy of integer labels. */
  loss(x: tf.Tensor, y: tf.Tensor1D): tf.Scalar
}

/** Builds model, optimizer and batches of a reference run on the current backend. */
export function parityRun(reference: ParityReference): ParityRun {
  const forward = NETS[reference.net]
  if (forward === undefined) {
    throw new RondoError(
      'BAD_FILE',
      `Parity reference: net is "${reference.net}". Known are ${Object.keys(NETS).join(', ')}. Add it to the engine's parity module.`,
    )
  }
  const weights: Weights = Object.fromEntries(
    Object.entries(reference.init).map(([name, value]) => [
      name,
      tf.tidy(() => tf.variable(tf.tensor(decodeTensor(value), value.shape))),
    ]),
  )
  const { name: kind, lr: learningRate, ...options } = reference.optimizer
  const items = decodeTensor(reference.x)
  const [count = 0, ...itemShape] = reference.x.shape
  const itemSize = itemShape.reduce((product, extent) => product * extent, 1)
  return {
    model: { forward: (x) => forward(weights, x), parameters: () => weights },
    optimizer: optimizerOfKind({ kind, learningRate, ...options }),
    batch(step, rank = 0, worldSize = 1) {
      const picked: number[] = []
      for (let t = rank; t < reference.globalBatch; t += worldSize) {
        picked.push((step * reference.globalBatch + t) % count)
      }
      const values = new Float32Array(picked.length * itemSize)
      picked.forEach((item, row) => {
        values.set(items.subarray(item * itemSize, (item + 1) * itemSize), row * itemSize)
      })
      const labels = picked.map((item) => reference.labels[item] as number)
      const x = tf.tensor(values, [picked.length, ...itemShape])
      return { x, y: tf.tensor1d(labels, 'int32'), samples: picked.length }
    },
    loss: (x, y) => {
      const logits = forward(weights, x)
      const oneHot = tf.oneHot(y, logits.shape[1])
      return tf.losses.softmaxCrossEntropy(oneHot, logits) as tf.Scalar
    },
  }
}

/** Values of a reference tensor. */
export function decodeTensor({ float32 }: ReferenceTensor): Float32Array<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(float32), (char) => char.charCodeAt(0))
  return new Float32Array(bytes.buffer)
}
