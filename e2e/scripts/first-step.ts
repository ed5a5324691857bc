/**
 * What `bench start` runs on each rank: the first step of the MNIST example, with the time at which each part of it was
 * done as its result. Not for: training.
 */
import * as tf from '@tensorflow/tfjs'
import { DataLoader, Fabric, mnist } from 'rondo'

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
  const { layers } = tf
  const net = tf.sequential({
    layers: [
      layers.conv2d({ inputShape: [28, 28, 1], filters: 8, kernelSize: 3, activation: 'relu' }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu' }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 64, activation: 'relu' }),
      layers.dense({ units: 10 }),
    ],
  })
  const [model, optimizer] = await fabric.setup(net, tf.train.adam(2e-3))
  const setUp = now()
  for await (const [images, labels] of loader) {
    await fabric.backward(() => tf.losses.softmaxCrossEntropy(tf.oneHot(labels.toInt(), 10), model.forward(images)))
    await optimizer.step()
    break
  }
  return { worker: performance.timeOrigin, imported, launched, data, setUp, firstStep: now() }
}
