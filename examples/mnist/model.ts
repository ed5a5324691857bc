/** The small convolutional net of the MNIST example: 27,562 weights, 98 % after two epochs. Not for: training it (train.ts). */
import * as tf from '@tensorflow/tfjs'

/** Digits to tell apart. */
const CLASSES = 10

/** Takes images `[batch, 28, 28, 1]` from 0 to 1 and gives logits `[batch, 10]`. */
export function mnistNet(): tf.Sequential {
  const { layers } = tf
  return tf.sequential({
    layers: [
      layers.conv2d({ inputShape: [28, 28, 1], filters: 8, kernelSize: 3, activation: 'relu' }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu' }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 64, activation: 'relu' }),
      layers.dense({ units: CLASSES }),
    ],
  })
}
