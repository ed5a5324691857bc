/**
 * A decoder-only transformer over characters: embedding, blocks of causal self-attention and a two-layer
 * perceptron with pre-normalisation (Vaswani et al. 2017; Radford et al. 2019), a linear head. Width, depth,
 * heads and context are free. Not for: text (text.ts) or the training loop (train.ts).
 */
import * as tf from '@tensorflow/tfjs'

export interface TransformerShape {
  /** Number of different characters. */
  vocabulary: number
  /** Most characters that the model looks back at, its own included. */
  context: number
  /** Values of each character's vector; a multiple of `heads`. */
  width: number
  /** Number of blocks. */
  depth: number
  heads: number
}

/** Of the perceptron inside a block, as in the paper. */
const HIDDEN_FACTOR = 4
/** Standard deviation of initial weights (Radford et al. 2019). */
const INITIAL_DEVIATION = 0.02
/** Keeps the root of a variance away from zero. */
const NORM_EPSILON = 1e-5
/** What is added to the score of a character that comes later: its softmax is then 0. */
const MASKED = -1e9

type Weights = Record<string, tf.Variable>

export class CharTransformer {
  readonly shape: TransformerShape
  private readonly weights: Weights
  private readonly mask: Float32Array

  constructor(shape: TransformerShape) {
    if (shape.width % shape.heads !== 0) {
      throw new Error(`width is ${shape.width} and heads ${shape.heads}; the width must be a multiple of the heads.`)
    }
    this.shape = shape
    this.weights = tf.tidy(() => initialWeights(shape))
    this.mask = causalMask(shape.context)
  }

  /** By name, first layer first: backward then makes the last ones first. */
  parameters(): Weights {
    return this.weights
  }

  /** Characters [batch, length ≤ context] (int32) → scores of the next one, [batch · length, vocabulary]. */
  forward(characters: tf.Tensor): tf.Tensor2D {
    const [batch, length] = characters.shape as [number, number]
    const { width, depth, context } = this.shape
    if (length > context) throw new Error(`forward: ${length} characters; this model takes at most ${context}.`)
    const mask = this.maskOf(length)
    const embedded = tf.gather(this.weight('embedding'), tf.reshape(characters, [batch * length]).toInt())
    const positions = tf.slice(this.weight('positions'), [0, 0], [length, width])
    const placed = tf.add(tf.reshape(embedded, [batch, length, width]), positions)
    let x = tf.reshape(placed, [batch * length, width]) as tf.Tensor2D
    for (let block = 0; block < depth; block++) {
      x = tf.add(x, this.attention(`blocks${block}.attention`, this.norm(`blocks${block}.norm1`, x), batch, mask))
      x = tf.add(x, this.perceptron(`blocks${block}.mlp`, this.norm(`blocks${block}.norm2`, x)))
    }
    return this.dense('head', this.norm('norm', x))
  }

  /** Mean cross-entropy in nats a character; `next` is [batch, length] (int32). */
  loss(characters: tf.Tensor, next: tf.Tensor): tf.Scalar {
    const labels = tf.oneHot(tf.reshape(next, [next.size]).toInt() as tf.Tensor1D, this.shape.vocabulary)
    return tf.losses.softmaxCrossEntropy(labels, this.forward(characters)) as tf.Scalar
  }

  dispose(): void {
    tf.dispose(Object.values(this.weights))
  }

  private attention(name: string, x: tf.Tensor2D, batch: number, mask: tf.Tensor2D): tf.Tensor2D {
    const { width, heads } = this.shape
    const [rows] = x.shape
    const length = rows / batch
    const perHead = (part: tf.Tensor): tf.Tensor4D =>
      tf.transpose(tf.reshape(part, [batch, length, heads, width / heads]), [0, 2, 1, 3])
    const [query, key, value] = tf.split(this.dense(`${name}.qkv`, x), 3, 1).map(perHead) as [
      tf.Tensor4D,
      tf.Tensor4D,
      tf.Tensor4D,
    ]
    const scores = tf.mul(tf.matMul(query, key, false, true), 1 / Math.sqrt(width / heads))
    const mixed = tf.matMul(tf.softmax(tf.add(scores, mask)) as tf.Tensor4D, value)
    return this.dense(`${name}.out`, tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [rows, width]))
  }

  private perceptron(name: string, x: tf.Tensor2D): tf.Tensor2D {
    return this.dense(`${name}.down`, tf.relu(this.dense(`${name}.up`, x)))
  }

  private dense(name: string, x: tf.Tensor2D): tf.Tensor2D {
    return tf.add(tf.matMul(x, this.weight(`${name}.kernel`) as tf.Tensor2D), this.weight(`${name}.bias`))
  }

  private norm(name: string, x: tf.Tensor2D): tf.Tensor2D {
    const centred = tf.sub(x, tf.mean(x, 1, true))
    const variance = tf.mean(tf.square(centred), 1, true)
    const normal = tf.mul(centred, tf.rsqrt(tf.add(variance, NORM_EPSILON)))
    return tf.add(tf.mul(normal, this.weight(`${name}.gain`)), this.weight(`${name}.bias`))
  }

  private weight(name: string): tf.Tensor {
    return this.weights[name] as tf.Variable
  }

  private maskOf(length: number): tf.Tensor2D {
    const { context } = this.shape
    const whole = tf.tensor2d(this.mask, [context, context])
    return length === context ? whole : tf.slice(whole, [0, 0], [length, length])
  }
}

/** Kernels are normal, those that add to the residual stream smaller with depth; gains 1; biases 0. */
function initialWeights({ vocabulary, context, width, depth }: TransformerShape): Weights {
  const weights: Weights = {}
  const normal = (name: string, shape: number[], deviation = INITIAL_DEVIATION): void => {
    weights[name] = tf.variable(tf.randomNormal(shape, 0, deviation))
  }
  const dense = (name: string, inputs: number, outputs: number, deviation?: number): void => {
    normal(`${name}.kernel`, [inputs, outputs], deviation)
    weights[`${name}.bias`] = tf.variable(tf.zeros([outputs]))
  }
  const norm = (name: string): void => {
    weights[`${name}.gain`] = tf.variable(tf.ones([width]))
    weights[`${name}.bias`] = tf.variable(tf.zeros([width]))
  }
  const residual = INITIAL_DEVIATION / Math.sqrt(2 * depth)
  normal('embedding', [vocabulary, width])
  normal('positions', [context, width])
  for (let block = 0; block < depth; block++) {
    norm(`blocks${block}.norm1`)
    dense(`blocks${block}.attention.qkv`, width, 3 * width)
    dense(`blocks${block}.attention.out`, width, width, residual)
    norm(`blocks${block}.norm2`)
    dense(`blocks${block}.mlp.up`, width, HIDDEN_FACTOR * width)
    dense(`blocks${block}.mlp.down`, HIDDEN_FACTOR * width, width, residual)
  }
  norm('norm')
  dense('head', width, vocabulary)
  return weights
}

function causalMask(context: number): Float32Array {
  return Float32Array.from({ length: context * context }, (_, i) =>
    i % context > Math.floor(i / context) ? MASKED : 0,
  )
}
