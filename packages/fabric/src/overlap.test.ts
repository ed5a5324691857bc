/** Backward with buckets travelling meanwhile gives the bytes of the plain way, in every use that backward has. */
import { tf } from '@rondo/engine'
import { DdpStrategy } from '@rondo/strategies'
import { describe, expect, it } from 'vitest'
import { Fabric } from './fabric.ts'
import { runRanks, type TestRank } from './testing/ranks.ts'

const STEPS = 4
/** MiB: a bucket or two for each layer of the net below. */
const BUCKET_MB = 1e-4

interface Way {
  overlap: boolean
  findUnusedParameters?: boolean
  gradientAverage?: 'weighted' | 'uniform'
  bucketCapMb?: number
}

/** Three layers; the last is used by rank 0 alone, and by nobody, when parameters may be unused. */
function net(): tf.Sequential {
  const layers = [6, 5, 2].map((units, i) =>
    tf.layers.dense({ units, activation: 'tanh', ...(i === 0 ? { inputShape: [4] } : {}) }),
  )
  const model = tf.sequential({ layers })
  tf.tidy(() => {
    model.setWeights(
      model.getWeights().map(({ shape, size }, w) =>
        tf.tensor(
          Array.from({ length: size }, (_, i) => Math.sin(w + i)),
          shape,
        ),
      ),
    )
  })
  return model
}

/** Weight hashes after each step, with micro-batches before, other sample counts on each rank, and the tensors left. */
async function train({ context }: TestRank, way: Way): Promise<{ hashes: string[]; tensors: number[] }> {
  const fabric = new Fabric(
    { strategy: new DdpStrategy({ bucketCapMb: BUCKET_MB, firstBucketMb: BUCKET_MB, ...way }) },
    context,
  )
  await fabric.launch()
  const [model, optimizer] = await fabric.setup(net(), tf.train.adam(0.01))
  const rank = context.group.rank
  const hashes: string[] = []
  const tensors: number[] = []
  const part = tf.model({
    inputs: model.module.inputs,
    outputs: (model.module.layers[1] as tf.layers.Layer).output as tf.SymbolicTensor,
  })
  for (let step = 0; step < STEPS; step++) {
    optimizer.zeroGrad()
    for (const micro of [0, 1]) {
      const samples = 1 + rank + micro
      const x = tf.tensor2d(
        Array.from({ length: samples * 4 }, (_, i) => Math.cos(step + rank + i)),
        [samples, 4],
      )
      const short = way.findUnusedParameters === true && (rank > 0 || step === 1)
      const loss = () => tf.mean(tf.square((short ? part.apply(x) : model.forward(x)) as tf.Tensor)) as tf.Scalar
      await fabric.noBackwardSync(model, () => fabric.backward(loss, { samples }), { enabled: micro === 0 })
      x.dispose()
    }
    await optimizer.step()
    hashes.push(await model.weightsHash())
    await fabric.barrier()
    tensors.push(tf.memory().numTensors)
    await fabric.barrier()
  }
  return { hashes, tensors }
}

describe.each(['cpu', 'wasm'] as const)('on %s', (accelerator) => {
  it.each([
    [2, {}],
    [3, {}],
    [2, { findUnusedParameters: true }],
    [2, { gradientAverage: 'uniform' }],
    [2, { bucketCapMb: 25 }],
  ] as const)('%i ranks, %o: the same bytes, no tensor left', async (worldSize, options) => {
    const run = (overlap: boolean) =>
      runRanks(worldSize, (rank) => train(rank, { ...options, overlap }), { accelerator })
    const plain = await run(false)
    const overlapped = await run(true)
    const wanted = plain[0]?.hashes
    expect(new Set(wanted).size).toBe(STEPS)
    for (const { hashes, tensors } of [...plain, ...overlapped]) {
      expect(hashes).toEqual(wanted)
      expect(new Set(tensors.slice(1)).size).toBe(1)
    }
  })
})

it('a rank whose gradient throws in the middle ends the step for everyone, and leaves no tensors', async () => {
  const errors: string[] = []
  let before = 0
  await runRanks(2, async ({ context }) => {
    const fabric = new Fabric({ strategy: new DdpStrategy({ bucketCapMb: BUCKET_MB }) }, context)
    await fabric.launch()
    const model = await fabric.setup(net())
    const x = tf.ones([2, 4])
    const [first, ...rest] = model.module.layers as [tf.layers.Layer, ...tf.layers.Layer[]]
    const breaks = tf.customGrad((y) => ({
      value: tf.mul(y as tf.Tensor, 1),
      gradFunc: (dy) => {
        if (context.group.rank === 1) throw new Error('no gradient today')
        return dy
      },
    }))
    await fabric.barrier()
    before = tf.memory().numTensors
    await fabric
      .backward(() => {
        const hidden = breaks(first.apply(x) as tf.Tensor)
        return tf.mean(tf.square(rest.reduce((y, layer) => layer.apply(y) as tf.Tensor, hidden))) as tf.Scalar
      })
      .catch((error: Error) => {
        errors.push(error.message)
        context.group.abort(error)
      })
  })
  expect(errors.filter((message) => message.includes('no gradient today')).length).toBeGreaterThan(0)
  expect(errors).toHaveLength(2)
  await new Promise((resolve) => setTimeout(resolve))
  expect(tf.memory().numTensors).toBe(before)
})
