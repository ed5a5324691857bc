/**
 * The reference training curves (e2e/fixtures/parity) followed by Fabric: the nets rebuilt in tfjs, the data
 * dealt to the ranks, the loss of each step given back. For tests here and in browsers; tfjs and Fabric are
 * handed in, so that the same code runs inside a user's script.
 */
import type { tf as Tf } from '@rondo/engine'
import type { Fabric } from '../fabric.ts'

interface EncodedTensor {
  shape: number[]
  float32: string
}

/** One JSON of the reference curves. */
export interface ParityCurve {
  net: string
  optimizer: { name: string; lr: number; beta1?: number; beta2?: number; epsilon?: number }
  steps: number
  globalBatch: number
  x: EncodedTensor
  labels: number[]
  init: Record<string, EncodedTensor>
  final: Record<string, EncodedTensor>
  lossFloat32: number[]
}

export interface ParityResult {
  /** Loss of the global batch before each step. */
  losses: number[]
  /** Largest |ours − reference| over all steps. */
  worstLoss: number
  /** Largest |ours − reference| over all final weights. */
  worstWeight: number
}

type Tfjs = typeof Tf

/** Little-endian float32 values of a base64 text. */
function decode(encoded: EncodedTensor): Float32Array {
  const text = atob(encoded.float32)
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0))
  return new Float32Array(bytes.buffer)
}

function buildNet(tf: Tfjs, net: string): Tf.Sequential {
  const { layers } = tf
  switch (net) {
    case 'mlp':
      return tf.sequential({
        layers: [
          layers.dense({ inputShape: [20], units: 32, activation: 'relu' }),
          layers.dense({ units: 16, activation: 'relu' }),
          layers.dense({ units: 5 }),
        ],
      })
    case 'cnn':
      return tf.sequential({
        layers: [
          layers.conv2d({ inputShape: [12, 12, 1], filters: 4, kernelSize: 3, activation: 'relu' }),
          layers.maxPooling2d({ poolSize: 2 }),
          layers.zeroPadding2d({ padding: 1 }),
          layers.conv2d({ filters: 8, kernelSize: 3, strides: 2, activation: 'relu' }),
          layers.averagePooling2d({ poolSize: 2, strides: 1 }),
          layers.flatten(),
          layers.dense({ units: 5 }),
        ],
      })
    default:
      throw new Error(`No net called ${net}; known are mlp and cnn.`)
  }
}

/**
 * Trains the curve's steps on the ranks of `fabric`. Rank r takes the items of the global batch whose position
 * is r modulo the world size, so that shares may differ in size.
 */
export async function followCurve(tf: Tfjs, fabric: Fabric, curve: ParityCurve): Promise<ParityResult> {
  const net = buildNet(tf, curve.net)
  const names = Object.keys(curve.init)
  net.setWeights(names.map((name) => tensorOf(tf, curve.init[name] as EncodedTensor)))
  const { optimizer: wanted } = curve
  const [model, optimizer] = await fabric.setup(
    net,
    wanted.name === 'adam'
      ? tf.train.adam(wanted.lr, wanted.beta1, wanted.beta2, wanted.epsilon)
      : tf.train.sgd(wanted.lr),
  )
  const all = decode(curve.x)
  const itemShape = curve.x.shape.slice(1)
  const itemSize = itemShape.reduce((product, axis) => product * axis, 1)
  const losses: number[] = []
  for (let step = 0; step < curve.steps; step++) {
    const mine: number[] = []
    for (let t = fabric.globalRank; t < curve.globalBatch; t += fabric.worldSize) {
      mine.push((step * curve.globalBatch + t) % curve.labels.length)
    }
    const values = new Float32Array(mine.length * itemSize)
    mine.forEach((item, row) => {
      values.set(all.subarray(item * itemSize, (item + 1) * itemSize), row * itemSize)
    })
    const x = tf.tensor(values, [mine.length, ...itemShape])
    const y = tf.tidy(() =>
      tf.oneHot(
        tf.tensor1d(
          mine.map((item) => curve.labels[item] as number),
          'int32',
        ),
        5,
      ),
    )
    optimizer.zeroGrad()
    const loss = await fabric.backward(() => tf.losses.softmaxCrossEntropy(y, model.forward(x)), {
      samples: mine.length,
    })
    await optimizer.step()
    const [sum, count] = await fabric.allReduce([loss * mine.length, mine.length], { op: 'sum' })
    losses.push((sum as number) / (count as number))
    tf.dispose([x, y])
  }
  let worstWeight = 0
  for (const [i, weight] of net.getWeights().entries()) {
    const reference = decode(curve.final[names[i] as string] as EncodedTensor)
    const ours = await weight.data()
    reference.forEach((value, at) => {
      worstWeight = Math.max(worstWeight, Math.abs(value - (ours[at] as number)))
    })
  }
  const worstLoss = Math.max(...losses.map((loss, step) => Math.abs(loss - (curve.lossFloat32[step] as number))))
  return { losses, worstLoss, worstWeight }
}

function tensorOf(tf: Tfjs, encoded: EncodedTensor): Tf.Tensor {
  return tf.tensor(decode(encoded), encoded.shape)
}
