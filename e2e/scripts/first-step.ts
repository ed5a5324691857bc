/**
 * What `bench start` runs on each rank: the first step of the MNIST example, with the time at which each part of it was
 * done as its result. Not for: training.
 */
import * as tf from '@tensorflow/tfjs'
import { DataLoader, Fabric, mnist } from 'rondo'
import { mnistNet } from '../../examples/mnist/model.ts'

/** Milliseconds since the epoch, as every process of this machine counts them. */
const now = (): number => performance.timeOrigin + performance.now()
const imported = now()

/** Moments of rank 0's worker; the report's own numbers would be rounded to steps. */
export default async function main(): Promise<Record<string, number>> {
  const fabric = new Fabric()
  await fabric.launch()
  const launched = now()
  const dataSet = await mnist({ split: 'train' })
  const data = now()
  const loader = await fabric.setupDataLoaders(new DataLoader(dataSet, { batchSize: 64, shuffle: true }))
  const [model, optimizer] = await fabric.setup(mnistNet(), tf.train.adam(2e-3))
  const setUp = now()
  for await (const [images, labels] of loader) {
    await fabric.backward(() => tf.losses.softmaxCrossEntropy(tf.oneHot(labels.toInt(), 10), model.forward(images)))
    await optimizer.step()
    break
  }
  return { worker: performance.timeOrigin, imported, launched, data, setUp, firstStep: now() }
}
