/**
 * MNIST with a small convolutional net, on as many ranks as there are. Run it with `npm run train`, or
 * `npm run rondo -- run examples/mnist/train.ts --devices 4 --epochs 3`.
 */
import * as tf from '@tensorflow/tfjs'
import { DataLoader, Fabric, mnist } from 'rondo'
import { mnistNet } from './model.ts'

const GLOBAL_BATCH = 128
const LEARNING_RATE = 2e-3

/** Mean cross-entropy of logits against class numbers. */
function crossEntropy(logits: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  return tf.losses.softmaxCrossEntropy(tf.oneHot(labels.toInt(), 10), logits)
}

/** How many of a batch the logits get right. */
async function countHits(logits: () => tf.Tensor, labels: tf.Tensor): Promise<number> {
  const hits = tf.tidy(() => logits().argMax(-1).equal(labels.toInt()).sum())
  const [count = 0] = await hits.data()
  hits.dispose()
  return count
}

export default async function main(args: string[]): Promise<{ accuracy: number }> {
  const epochs = wholeNumber(args, '--epochs', 2)
  const fabric = new Fabric()
  await fabric.launch()
  fabric.seedEverything(42)

  const batchSize = Math.max(1, Math.round(GLOBAL_BATCH / fabric.worldSize))
  const [trainSet, testSet] = await Promise.all([mnist({ split: 'train' }), mnist({ split: 'test' })])
  const trainLoader = await fabric.setupDataLoaders(new DataLoader(trainSet, { batchSize, shuffle: true }))
  const testLoader = await fabric.setupDataLoaders(new DataLoader(testSet, { batchSize: 250 }), { exact: true })
  const [model, optimizer] = await fabric.setup(mnistNet(), tf.train.adam(LEARNING_RATE))

  let accuracy = 0
  for (const epoch of fabric.epochs(epochs)) {
    for await (const [images, labels] of trainLoader) {
      optimizer.zeroGrad()
      await fabric.backward(() => crossEntropy(model.forward(images), labels))
      await optimizer.step()
    }

    let hits = 0
    for await (const [images, labels] of testLoader) {
      hits += await countHits(() => model.forward(images, { training: false }), labels)
    }
    accuracy = (await fabric.allReduce(hits, { op: 'sum' })) / testSet.length
    fabric.log('test_accuracy', accuracy)
    fabric.print(`epoch ${epoch + 1} of ${epochs}: test accuracy ${(100 * accuracy).toFixed(2)} %`)
  }
  await fabric.save('model.safetensors', { model })
  return { accuracy }
}

function wholeNumber(args: string[], flag: string, otherwise: number): number {
  const at = args.indexOf(flag)
  if (at < 0) return otherwise
  const value = Number(args[at + 1])
  if (Number.isInteger(value) && value > 0) return value
  throw new Error(`${flag} is ${args[at + 1]}; it must be a whole number above 0, such as ${flag} 3.`)
}
