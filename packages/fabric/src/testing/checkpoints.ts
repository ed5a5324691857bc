/** A small model with an optimizer that has state, on ranks in memory, and their files. For tests of checkpoints only. */
import { adam, tf } from '@rondo/engine'
import type { RunFiles } from '../context.ts'
import { Fabric } from '../fabric.ts'
import type { FabricModel, FabricOptimizer } from '../fabric-model.ts'
import { memoryFiles, type TestRank } from './ranks.ts'

export interface Trained {
  fabric: Fabric
  model: FabricModel
  optimizer: FabricOptimizer
  weights(): number[]
}

/** Two dense layers, set up with Adam and trained for `steps` steps; equal on all ranks for equal `seed`. */
export async function trained({ context }: TestRank, seed: number, steps = 2, units = 3): Promise<Trained> {
  const fabric = new Fabric({}, context)
  await fabric.launch()
  const net = tf.sequential({
    layers: [tf.layers.dense({ inputShape: [2], units, activation: 'tanh' }), tf.layers.dense({ units: 1 })],
  })
  net.setWeights(
    net.getWeights().map((weight, i) => tf.linspace(seed, seed / (i + 2), weight.size).reshape(weight.shape)),
  )
  const [model, optimizer] = await fabric.setup(net, adam({ learningRate: 0.01 }))
  for (let step = 0; step < steps; step++) {
    optimizer.zeroGrad()
    const x = tf.tensor2d([[0.1, 0.2 + step]])
    await fabric.backward(() => tf.mean(tf.square(model.forward(x))) as tf.Scalar, { samples: 1 })
    await optimizer.step()
    x.dispose()
  }
  return {
    fabric,
    model: model as unknown as FabricModel,
    optimizer,
    weights: () => net.getWeights().flatMap((weight) => [...weight.dataSync()]),
  }
}

/** Names and bytes of a run's folder, and access to it. */
export function folder(): { files: Map<string, Uint8Array<ArrayBuffer>>; io: RunFiles } {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  return { files, io: memoryFiles(files) }
}
