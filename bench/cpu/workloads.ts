/**
 * What `bench cpu` measures of ours: a product and training steps, the same shapes as in yardstick.py. Runs in Node
 * and in a worker of a browser alike. Not for: who runs it and when (command.ts).
 */
import {
  adam,
  adamw,
  computeGradients,
  type ModuleLike,
  type Optimizer,
  parametersOf,
  seedEverything,
  sgd,
  tf,
} from '@rondo/engine'
import { CharTransformer } from '../../examples/char-transformer/model.ts'
import { mnistNet } from '../../examples/mnist/model.ts'

export const WORKLOADS = ['product', 'product-ta', 'product-tb', 'mlp', 'conv', 'transformer'] as const
export type WorkloadName = (typeof WORKLOADS)[number]

export interface Task {
  workload: WorkloadName
  /** Untimed repetitions first: engines compile their loops, caches fill. */
  warmUp: number
  repetitions: number
}

const BATCH = 64
const CLASSES = 10
const PIXELS = 784
export const PRODUCT_SIZE = 512
const LEARNING_RATE = 1e-3

/** As examples/char-transformer/train.ts starts with. */
const TRANSFORMER = { vocabulary: 30, context: 64, width: 64, depth: 4, heads: 4 }

/** One repetition, up to the end of the device's work. */
type Work = () => Promise<void>

const made = new Map<WorkloadName, Work>()

/** Milliseconds of each timed repetition, on the accelerator that is selected. */
export async function runTask({ workload, warmUp, repetitions }: Task): Promise<number[]> {
  const work = made.get(workload) ?? makeWork(workload)
  made.set(workload, work)
  const times: number[] = []
  for (let i = 0; i < warmUp + repetitions; i++) {
    const start = performance.now()
    await work()
    if (i >= warmUp) times.push(performance.now() - start)
  }
  return times
}

function makeWork(workload: WorkloadName): Work {
  seedEverything(1)
  switch (workload) {
    case 'product':
      return product(false, false)
    case 'product-ta':
      return product(true, false)
    case 'product-tb':
      return product(false, true)
    case 'mlp':
      return imageTraining(mlp(), [PIXELS], sgd({ learningRate: LEARNING_RATE }))
    case 'conv':
      return imageTraining(mnistNet(), [28, 28, 1], adam({ learningRate: LEARNING_RATE }))
    case 'transformer':
      return transformerTraining()
    default:
      workload satisfies never
      throw new Error(`no such workload: ${workload}`)
  }
}

function product(transposeA: boolean, transposeB: boolean): Work {
  const [a, b] = [0, 1].map((seed) => tf.randomNormal([PRODUCT_SIZE, PRODUCT_SIZE], 0, 1, 'float32', seed))
  return async () => {
    tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, transposeA, transposeB).dispose()
  }
}

function mlp(): tf.LayersModel {
  const relu = { activation: 'relu' } as const
  return tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [PIXELS], units: 256, ...relu }),
      tf.layers.dense({ units: 128, ...relu }),
      tf.layers.dense({ units: CLASSES }),
    ],
  })
}

function imageTraining(model: tf.LayersModel, imageShape: number[], optimizer: Optimizer): Work {
  const x = tf.randomUniform([BATCH, ...imageShape], 0, 1, 'float32', 3)
  const labels = numbers([BATCH], CLASSES)
  const loss = () =>
    tf.losses.softmaxCrossEntropy(tf.oneHot(labels, CLASSES), model.apply(x, { training: true }) as tf.Tensor)
  return training(model, loss, optimizer)
}

function transformerTraining(): Work {
  const net = new CharTransformer(TRANSFORMER)
  const shape = [BATCH, TRANSFORMER.context]
  const [x, y] = [numbers(shape, TRANSFORMER.vocabulary), numbers(shape, TRANSFORMER.vocabulary)]
  return training(net, () => net.loss(x, y), adamw({ learningRate: LEARNING_RATE }))
}

/** Classes or characters, all of them, in a fixed order. */
function numbers(shape: number[], count: number): tf.Tensor {
  const size = shape.reduce((product, extent) => product * extent, 1)
  return tf.tensor(
    Array.from({ length: size }, (_, i) => (i * 7) % count),
    shape,
    'int32',
  )
}

function training(model: tf.LayersModel | ModuleLike, lossOf: () => tf.Tensor, optimizer: Optimizer): Work {
  const trainable = parametersOf(model).filter((parameter) => parameter.trainable)
  return async () => {
    const { loss, gradients } = computeGradients(lossOf, trainable)
    optimizer.apply(trainable, gradients)
    tf.dispose(gradients)
    await loss
  }
}
