/** What common nets are made of, as small functions of a few inputs, for tests of kernels and gradients. */
import { tf } from '../../tfjs.ts'

/** Shapes of the inputs, and what is made of them. */
export type NetCase = [name: string, shapes: number[][], loss: (...inputs: tf.Tensor[]) => tf.Tensor]

const as4 = (x: tf.Tensor | undefined) => x as tf.Tensor4D
const as2 = (x: tf.Tensor | undefined) => x as tf.Tensor2D
const ids = () => tf.tensor1d([2, 0, 2, 5], 'int32')
const labels = () => tf.oneHot(tf.tensor1d([1, 0, 3, 2], 'int32'), 4)
const gelu = (x: tf.Tensor) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.div(x, Math.SQRT2)), 1))
const layerNorm = (x: tf.Tensor) => {
  const { mean, variance } = tf.moments(x, -1, true)
  return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5)))
}

export const NET_CASES: NetCase[] = [
  ['dense', [[4, 5], [5, 3], [3]], (x, w, b) => tf.add(tf.matMul(as2(x), as2(w)), b as tf.Tensor)],
  [
    'conv valid',
    [[2, 7, 7, 3], [3, 3, 3, 4], [4]],
    (x, w, b) => tf.add(tf.conv2d(as4(x), as4(w), 1, 'valid'), b as tf.Tensor),
  ],
  [
    'conv same, stride 2',
    [
      [2, 7, 8, 3],
      [3, 3, 3, 4],
    ],
    (x, w) => tf.conv2d(as4(x), as4(w), 2, 'same'),
  ],
  [
    'conv 1×1',
    [
      [2, 5, 5, 3],
      [1, 1, 3, 4],
    ],
    (x, w) => tf.conv2d(as4(x), as4(w), 1, 'same'),
  ],
  [
    'conv1d',
    [
      [2, 9, 3],
      [3, 3, 4],
    ],
    (x, w) => tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, 1, 'same'),
  ],
  [
    'transposed conv',
    [
      [2, 4, 4, 3],
      [3, 3, 2, 3],
    ],
    (x, w) => tf.conv2dTranspose(as4(x), as4(w), [2, 8, 8, 2], 2, 'same'),
  ],
  [
    'depthwise conv',
    [
      [2, 6, 6, 3],
      [3, 3, 3, 2],
    ],
    (x, w) => tf.depthwiseConv2d(as4(x), as4(w), 2, 'same'),
  ],
  [
    'separable conv',
    [
      [2, 6, 6, 3],
      [3, 3, 3, 1],
      [1, 1, 3, 4],
    ],
    (x, d, p) => tf.separableConv2d(as4(x), as4(d), as4(p), 1, 'same'),
  ],
  ['max pool', [[2, 6, 6, 3]], (x) => tf.maxPool(as4(x), 2, 2, 'valid')],
  ['max pool, overlapping', [[2, 7, 7, 3]], (x) => tf.maxPool(as4(x), 3, 2, 'same')],
  ['average pool', [[2, 6, 6, 3]], (x) => tf.avgPool(as4(x), 2, 2, 'valid')],
  ['average pool, overlapping', [[2, 6, 6, 3]], (x) => tf.avgPool(as4(x), 3, 1, 'valid')],
  ['global average pool', [[2, 4, 4, 3]], (x) => tf.mean(x as tf.Tensor, [1, 2])],
  [
    'batch norm',
    [[4, 3, 3, 2], [2], [2]],
    (x, g, b) => {
      const { mean, variance } = tf.moments(x as tf.Tensor, [0, 1, 2])
      return tf.batchNorm(
        as4(x),
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        b as tf.Tensor1D,
        g as tf.Tensor1D,
        1e-3,
      )
    },
  ],
  ['layer norm', [[4, 6]], (x) => layerNorm(x as tf.Tensor)],
  ['softmax cross-entropy', [[4, 4]], (x) => tf.losses.softmaxCrossEntropy(labels(), x as tf.Tensor)],
  ['log softmax', [[4, 4]], (x) => tf.logSoftmax(x as tf.Tensor)],
  ['sigmoid cross-entropy', [[4, 4]], (x) => tf.losses.sigmoidCrossEntropy(labels(), x as tf.Tensor)],
  ['mean squared error', [[4, 4]], (x) => tf.losses.meanSquaredError(labels(), x as tf.Tensor)],
  [
    'huber, absolute, hinge',
    [[4, 4]],
    (x) =>
      tf.addN([
        tf.losses.huberLoss(labels(), x as tf.Tensor),
        tf.losses.absoluteDifference(labels(), x as tf.Tensor),
        tf.losses.hingeLoss(labels(), x as tf.Tensor),
      ]),
  ],
  [
    'sparse labels by gather',
    [[4, 4]],
    (x) => tf.neg(tf.gather(tf.reshape(tf.logSoftmax(x as tf.Tensor), [16]), tf.tensor1d([1, 4, 11, 14], 'int32'))),
  ],
  ['embedding', [[6, 3]], (x) => tf.gather(x as tf.Tensor, ids())],
  [
    'attention',
    [
      [2, 5, 4],
      [2, 5, 4],
      [2, 5, 4],
    ],
    (q, k, v) =>
      tf.matMul(tf.softmax(tf.div(tf.matMul(q as tf.Tensor, k as tf.Tensor, false, true), 2)), v as tf.Tensor),
  ],
  [
    'multi-head shapes',
    [[2, 4, 6]],
    (x) => {
      const heads = tf.transpose(tf.reshape(x as tf.Tensor, [2, 4, 2, 3]), [0, 2, 1, 3])
      return tf.matMul(tf.softmax(tf.matMul(heads, heads, false, true)), heads)
    },
  ],
  [
    'einsum',
    [
      [2, 3, 4],
      [2, 5, 4],
    ],
    (a, b) => tf.einsum('bic,bjc->bij', a as tf.Tensor, b as tf.Tensor),
  ],
  [
    'einsum, heads',
    [
      [2, 3, 4],
      [4, 2, 5],
    ],
    (x, w) => tf.einsum('abc,cde->abde', x as tf.Tensor, w as tf.Tensor),
  ],
  [
    'einsum, summed label',
    [
      [2, 3, 4],
      [2, 5],
    ],
    (x, y) => tf.einsum('abc,ad->db', x as tf.Tensor, y as tf.Tensor),
  ],
  ['einsum, one operand', [[2, 3, 4]], (x) => tf.einsum('abc->ca', x as tf.Tensor)],
  ['gelu', [[4, 5]], (x) => gelu(x as tf.Tensor)],
  ['swish, tanh', [[4, 5]], (x) => tf.mul(tf.tanh(x as tf.Tensor), tf.sigmoid(x as tf.Tensor))],
  [
    'elu, selu, leaky relu, relu6',
    [[4, 5]],
    (x) =>
      tf.addN([
        tf.elu(x as tf.Tensor),
        tf.selu(x as tf.Tensor),
        tf.leakyRelu(x as tf.Tensor, 0.1),
        tf.relu6(x as tf.Tensor),
        tf.softplus(x as tf.Tensor),
      ]),
  ],
  ['prelu', [[4, 5], [5]], (x, a) => tf.prelu(x as tf.Tensor, a as tf.Tensor)],
  ['dropout', [[4, 5]], (x) => tf.dropout(x as tf.Tensor, 0.4, undefined, 7)],
  [
    'concat, split, slice, pad, stack',
    [
      [4, 6],
      [4, 2],
    ],
    (x, y) => {
      const [left, right] = tf.split(as2(x), 2, 1) as [tf.Tensor2D, tf.Tensor2D]
      const joined = tf.concat([left, as2(y), right], 1)
      return tf.stack([
        tf.slice(joined, [1, 2], [2, 3]),
        tf.slice(
          tf.pad(joined, [
            [1, 0],
            [0, 1],
          ]),
          [0, 0],
          [2, 3],
        ),
      ])
    },
  ],
  ['unstack, tile, reverse, expand', [[3, 4]], (x) => tf.addN(tf.unstack(tf.tile(tf.reverse(as2(x), 0), [1, 2])))],
  [
    'exp, log, pow, sqrt, abs',
    [[4, 5]],
    (x) => {
      const positive = tf.add(tf.abs(x as tf.Tensor), 0.5)
      return tf.addN([
        tf.exp(x as tf.Tensor),
        tf.log(positive),
        tf.pow(positive, 1.5),
        tf.sqrt(positive),
        tf.rsqrt(positive),
        tf.log1p(positive),
      ])
    },
  ],
  [
    'max, min, maximum, clip',
    [
      [4, 5],
      [4, 5],
    ],
    (x, y) =>
      tf.addN([
        tf.sum(tf.max(x as tf.Tensor, 1)),
        tf.sum(tf.min(x as tf.Tensor, 0)),
        tf.sum(tf.maximum(x as tf.Tensor, y as tf.Tensor)),
        tf.sum(tf.minimum(x as tf.Tensor, y as tf.Tensor)),
        tf.sum(tf.clipByValue(x as tf.Tensor, -0.5, 0.5)),
        tf.sum(tf.prod(tf.add(x as tf.Tensor, 3), 1)),
      ]),
  ],
  [
    'where, cumsum, norm',
    [[4, 5]],
    (x) =>
      tf.addN([
        tf.sum(
          tf.where(
            tf.tensor2d(
              Array.from({ length: 20 }, (_, i) => i % 3 === 0),
              [4, 5],
              'bool',
            ),
            x as tf.Tensor,
            tf.mul(x as tf.Tensor, 3),
          ),
        ),
        tf.sum(tf.mul(tf.cumsum(x as tf.Tensor, 1), x as tf.Tensor)),
        tf.norm(x as tf.Tensor),
      ]),
  ],
  [
    'upsampling',
    [[1, 3, 3, 2]],
    (x) => tf.add(tf.image.resizeNearestNeighbor(as4(x), [6, 6]), tf.image.resizeBilinear(as4(x), [6, 6])),
  ],
  ['local response normalization', [[2, 5, 5, 2]], (x) => tf.localResponseNormalization(as4(x), 1)],
]
