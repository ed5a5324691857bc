/** allGather with syncGrads: a loss over all ranks' outputs has the gradient that one rank has on all samples. */
import { tf } from '@rondo/engine'
import { expect, it } from 'vitest'
import { Fabric } from '../fabric.ts'
import { runRanks } from '../testing/ranks.ts'

const SAMPLES = [
  [1, 2],
  [3, -1],
  [0.5, 4],
  [-2, 1],
]

/** Of all outputs at once: each sample's share in a softmax over all of them. */
const contrastive = (outputs: tf.Tensor): tf.Scalar =>
  tf.tidy(() => tf.neg(tf.mean(tf.logSoftmax(outputs.flatten()).mul(tf.tensor1d([0.1, 0.4, 0.2, 0.3]))))) as tf.Scalar

/** Weights after one step; each rank has its share of the samples. */
async function oneStep(
  world: number,
  accelerator?: string,
): Promise<{ weights: number[]; loss: number; left: number }[]> {
  return runRanks(world, async ({ context }) => {
    const fabric = new Fabric(accelerator ? { accelerator } : {}, context)
    await fabric.launch()
    const w = tf.variable(tf.tensor2d([[0.5], [-0.25]]))
    const unused = tf.variable(tf.scalar(1))
    const [model, optimizer] = await fabric.setup(
      { forward: (x: tf.Tensor) => tf.matMul(x, w as tf.Tensor2D), parameters: () => ({ w }), buffers: () => [unused] },
      tf.train.sgd(1),
    )
    const share = SAMPLES.length / world
    const x = tf.tensor2d(SAMPLES.slice(context.group.rank * share, (context.group.rank + 1) * share))
    let left = 0
    let loss = 0
    for (let step = 0; step < 2; step++) {
      optimizer.zeroGrad()
      const before = tf.memory().numTensors
      loss = await fabric.backward(async () => {
        const all = (await fabric.allGather(model.forward(x), { syncGrads: true })) as tf.Tensor
        return contrastive(all)
      })
      await fabric.barrier('all are done')
      left = tf.memory().numTensors - before
      await optimizer.step()
    }
    return { weights: [...w.dataSync()], loss, left }
  })
}

it('on 2 and 4 ranks equals one rank, step after step', async () => {
  const [alone] = await oneStep(1)
  expect(alone?.weights[0]).not.toBe(0.5)
  for (const world of [2, 4]) {
    for (const { weights, loss } of await oneStep(world)) {
      expect(loss).toBeCloseTo(alone?.loss ?? 0, 5)
      weights.forEach((weight, i) => {
        expect(weight).toBeCloseTo(alone?.weights[i] ?? 0, 5)
      })
    }
  }
})

it('keeps no tensor but the gradient', async () => {
  const [alone] = await oneStep(1)
  expect(alone?.left).toBeLessThanOrEqual(1)
})

it('refuses a loss that waits for something else, and leaves no tape on', async () => {
  await runRanks(1, async ({ context }) => {
    const fabric = new Fabric({}, context)
    const w = tf.variable(tf.scalar(1))
    const model = await fabric.setup({ forward: (x: tf.Tensor) => tf.mul(w, x), parameters: () => ({ w }) })
    const waits = fabric.backward(async () => {
      await Promise.resolve()
      return model.forward(tf.scalar(2)) as tf.Scalar
    })
    await expect(waits).rejects.toThrow(/keeps no gradient.*syncGrads: true.*before backward/)
    expect(await fabric.backward(() => model.forward(tf.scalar(2)) as tf.Scalar)).toBe(2)
  })
})

it('tells every rank when one gathers another shape', async () => {
  const told = await runRanks(2, async ({ context }) => {
    const fabric = new Fabric({}, context)
    await fabric.launch()
    const w = tf.variable(tf.scalar(1))
    const model = await fabric.setup({ forward: (x: tf.Tensor) => tf.mul(w, x), parameters: () => ({ w }) })
    const x = tf.ones([context.group.rank + 1])
    const failing = fabric.backward(
      async () => tf.mean((await fabric.allGather(model.forward(x), { syncGrads: true })) as tf.Tensor) as tf.Scalar,
    )
    return failing.catch((error: { code?: string }) => error.code)
  })
  expect(told).toEqual(['COLLECTIVE_MISMATCH', 'COLLECTIVE_MISMATCH'])
})
