/** Saves a model to every place, loads it from there, logs to three loggers, and fails. Arguments: tracking server, name of the download. */
import * as tf from '@tensorflow/tfjs'
import { adam, CSVLogger, Fabric, MLFlowLogger, TensorBoardLogger } from 'rondo'

const PLACES = ['plain.ckpt', 'opfs:deep/a.ckpt', 'indexeddb:a.ckpt', 'shards.ckpt'] as const

export default async function main([trackingUri = '', download = '']: string[]): Promise<never> {
  const loggers = [
    new CSVLogger({ flushLogsEveryNSteps: 5 }),
    new TensorBoardLogger({ version: 1 }),
    new MLFlowLogger({ trackingUri }),
  ]
  const fabric = new Fabric({ loggers })
  await fabric.launch()
  const net = tf.sequential({ layers: [tf.layers.dense({ inputShape: [8], units: 3 })] })
  const [model, optimizer] = await fabric.setup(net, adam({ learningRate: 1e-3 }))
  const hash = await model.weightsHash()
  for (const [i, path] of PLACES.entries()) {
    await fabric.save(path, { model, optimizer, number: i + 1 }, { sharded: path === 'shards.ckpt' })
  }
  await fabric.save(`download:${download}`, { model })
  const came: unknown[] = []
  for (const path of PLACES) {
    net.setWeights(net.getWeights().map((weight) => tf.zerosLike(weight)))
    came.push((await fabric.load(path, { model, optimizer }))['number'])
    if ((await model.weightsHash()) !== hash) came.push(`other weights from ${path}`)
  }
  if (fabric.isGlobalZero) console.log(`came back: ${came.join(' ')} equal`)
  for (let step = 0; step < 23; step++) fabric.logDict(step < 20 ? { loss: step } : { loss: step, late: 1 }, step)
  await fabric.barrier()
  throw new Error('failed on purpose')
}
