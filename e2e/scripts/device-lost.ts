/** A tiny net on webgpu whose device is destroyed on the way: `--lose RANK@STEP,…`. */
import * as tf from '@tensorflow/tfjs'
import { Fabric } from 'rondo'

const STEPS = 12

interface Result {
  losses: Array<number | null>
  weights: number[]
  own: string
}

export default async function main(args: string[]): Promise<Result> {
  const losing = (args[args.indexOf('--lose') + 1] ?? '').split(',').map((word) => word.split('@').map(Number))
  const fabric = new Fabric()
  await fabric.launch()
  fabric.seedEverything(3)
  const net = tf.sequential({
    layers: [tf.layers.dense({ inputShape: [4], units: 6, activation: 'tanh' }), tf.layers.dense({ units: 1 })],
  })
  const [model, optimizer] = await fabric.setup(net, tf.train.adam(0.05))
  // Too large for tfjs to compute it on the host, so its values are on the device alone.
  const mine = tf.tidy(() => tf.add(tf.ones([40, 40]), 1))
  const losses: Array<number | null> = []
  for (let step = 0; step < STEPS; step++) {
    const inputs = Float32Array.from({ length: 20 }, (_, i) => Math.sin(i * 1.7 + step + fabric.globalRank))
    const x = tf.tensor2d(inputs, [5, 4])
    optimizer.zeroGrad()
    const loss = await fabric.backward(() => {
      // In the middle of the step: the forward pass is recorded on a device that is gone before it is read.
      const out = tf.losses.meanSquaredError(tf.sum(x, 1, true), model.forward(x)) as tf.Scalar
      if (losing.some(([rank, at]) => rank === fabric.globalRank && at === step)) {
        ;(tf.backend() as unknown as { device: GPUDevice }).device.destroy()
      }
      return out
    })
    losses.push(Number.isNaN(loss) ? null : loss)
    await optimizer.step()
    x.dispose()
  }
  const own = await mine.data().then(
    (values) => `kept ${values.length} values`,
    (error: Error) => error.message,
  )
  const first = (model.parameters()[0] as { variable: tf.Variable }).variable
  return { losses, weights: [...(await first.data())], own }
}
