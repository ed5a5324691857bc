/** A tiny net on made-up data: a few quick steps, for tests of everything around training. `--steps N`, `--pace MS`. */
import * as tf from '@tensorflow/tfjs'
import { type Column, column, DataLoader, Fabric, InMemoryDataset } from 'rondo'

const SAMPLES = 240

/** Points on two interleaved arcs; the same on every rank. */
function arcs(): InMemoryDataset<[Column<'float32'>, Column<'int32'>]> {
  const x = new Float32Array(SAMPLES * 2)
  const y = new Int32Array(SAMPLES)
  for (let i = 0; i < SAMPLES; i++) {
    const angle = (i / SAMPLES) * Math.PI
    const side = i % 2
    x[2 * i] = side ? 1 - Math.cos(angle) : Math.cos(angle)
    x[2 * i + 1] = side ? 0.5 - Math.sin(angle) : Math.sin(angle)
    y[i] = side
  }
  return new InMemoryDataset([column(x, [SAMPLES, 2]), column(y)])
}

export default async function main(
  args: string[],
): Promise<{ loss: number; tensors: number[]; accelerator: string | null }> {
  const option = (name: string, otherwise: number): number => {
    const at = args.indexOf(name)
    return at < 0 ? otherwise : Number(args[at + 1])
  }
  const steps = option('--steps', 20)
  const pace = option('--pace', 0)
  const throwAt = option('--throw-at', -1)
  const throwIn = option('--throw-in', 0)
  const fabric = new Fabric()
  await fabric.launch()
  fabric.seedEverything(7)
  const loader = await fabric.setupDataLoaders(new DataLoader(arcs(), { batchSize: 12, shuffle: true }))
  const net = tf.sequential({
    layers: [tf.layers.dense({ inputShape: [2], units: 8, activation: 'tanh' }), tf.layers.dense({ units: 2 })],
  })
  const [model, optimizer] = await fabric.setup(net, tf.train.adam(0.02))
  const tensors: number[] = []
  let loss = Number.NaN
  let step = 0
  while (step < steps) {
    for await (const [x, y] of loader) {
      if (step === throwAt && fabric.globalRank === throwIn) throw new Error(`on purpose at step ${step}`)
      optimizer.zeroGrad()
      loss = await fabric.backward(() => tf.losses.softmaxCrossEntropy(tf.oneHot(y.toInt(), 2), model.forward(x)))
      await optimizer.step()
      tensors.push(tf.memory().numTensors)
      if (pace > 0) await new Promise((resolve) => setTimeout(resolve, pace))
      if (++step >= steps) break
    }
  }
  fabric.log('loss', loss)
  await fabric.save('model.safetensors', { model })
  return { loss, tensors: [tensors[2] ?? 0, tensors.at(-1) ?? 0], accelerator: fabric.accelerator }
}
