/** Strategies by name through Fabric: files, what the session is told, and weights that are equal when they are used. */
import { tf } from '@rondo/engine'
import { DdpStrategy, DiLoCoStrategy, LocalSGDStrategy, type Strategy } from '@rondo/strategies'
import { expect, it } from 'vitest'
import { Fabric } from './fabric.ts'
import type { FabricModel, FabricOptimizer } from './fabric-model.ts'
import { runRanks, type TestRank } from './testing/ranks.ts'

async function ready(rank: TestRank, strategy: string | Strategy) {
  const fabric = new Fabric({ strategy }, rank.context)
  await fabric.launch()
  const net = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1 })] })
  net.setWeights([tf.tensor2d([[0.5]]), tf.tensor1d([0])])
  const [model, optimizer] = await fabric.setup(net, tf.train.sgd(0.05))
  return { fabric, model: model as FabricModel, optimizer }
}

async function trainStep(fabric: Fabric, model: FabricModel, optimizer: FabricOptimizer): Promise<void> {
  const x = tf.tensor2d([[1 + fabric.globalRank]])
  optimizer.zeroGrad()
  await fabric.backward(() => tf.losses.meanSquaredError(tf.mul(x, 3), model.forward(x)) as tf.Scalar, { samples: 1 })
  await optimizer.step()
  x.dispose()
}

const allEqual = (values: readonly unknown[]): boolean => new Set(values).size === 1

it.each(['local_sgd', 'diloco'])('%s: each rank alone between meetings, equal when asked', async (strategy) => {
  const hashes = await runRanks(2, async (rank) => {
    const { fabric, model, optimizer } = await ready(rank, strategy)
    await trainStep(fabric, model, optimizer)
    const alone = await model.weightsHash()
    await model.syncWeights()
    return [alone, await model.weightsHash()]
  })
  expect(hashes[0]?.[0]).not.toBe(hashes[1]?.[0])
  expect(hashes[0]?.[1]).toBe(hashes[1]?.[1])
})

it('saves equal weights, with the outer momentum, and goes on from both', async () => {
  const ends = await runRanks(2, async (rank) => {
    const { fabric, model, optimizer } = await ready(rank, new DiLoCoStrategy({ syncEvery: 2 }))
    for (let step = 0; step < 3; step++) await trainStep(fabric, model, optimizer)
    await fabric.save('half.ckpt', { model, optimizer })
    const saved = await model.weightsHash()
    for (let step = 0; step < 4; step++) await trainStep(fabric, model, optimizer)
    const end = await model.weightsHash()
    await fabric.load('half.ckpt', { model, optimizer })
    expect(await model.weightsHash()).toBe(saved)
    for (let step = 0; step < 4; step++) await trainStep(fabric, model, optimizer)
    return [saved, end, await model.weightsHash()]
  })
  expect(allEqual(ends.map(([saved]) => saved))).toBe(true)
  for (const [, end, again] of ends) expect(again).toBe(end)
})

it('loads weights that another strategy saved, and leaves what only that one needs', async () => {
  await runRanks(2, async (rank) => {
    const diloco = await ready(rank, new DiLoCoStrategy({ syncEvery: 2 }))
    for (let step = 0; step < 2; step++) await trainStep(diloco.fabric, diloco.model, diloco.optimizer)
    await diloco.fabric.save('diloco.ckpt', { model: diloco.model })
    const saved = await diloco.model.weightsHash()
    for (const strategy of [new DdpStrategy(), new LocalSGDStrategy()]) {
      const other = await ready(rank, strategy)
      await other.fabric.load('diloco.ckpt', { model: other.model })
      expect(await other.model.weightsHash()).toBe(saved)
    }
    const ddp = await ready(rank, 'ddp')
    await ddp.fabric.save('ddp.ckpt', { model: ddp.model })
    const back = await ready(rank, new DiLoCoStrategy({ syncEvery: 1 }))
    await trainStep(back.fabric, back.model, back.optimizer)
    await back.fabric.load('ddp.ckpt', { model: back.model })
    expect(await back.model.weightsHash()).toBe(await ddp.model.weightsHash())
    // The momentum of the step before is gone: the next outer step is as a first one.
    expect(back.model.replica.state?.().tensors.every(({ data }) => data.every((value) => Number(value) === 0))).toBe(
      true,
    )
  })
})

it.each<[string, string | Strategy, string, string]>([
  ['ddp', 'ddp', 'ddp', 'wire f32'],
  ['a hook', new DdpStrategy({ ddpCommHook: 'int8' }), 'ddp', 'wire int8 with error feedback'],
  ['local_sgd', 'local_sgd', 'local_sgd', 'wire weights as f32, every 64 steps'],
  [
    'diloco',
    new DiLoCoStrategy({ syncEvery: 8, quantize: 'int8' }),
    'diloco',
    'wire weight changes as int8, every 8 steps',
  ],
])('tells the session what travels: %s', async (_, strategy, name, wire) => {
  const events = await runRanks(2, async (rank) => {
    const { fabric, model, optimizer } = await ready(rank, strategy)
    await trainStep(fabric, model, optimizer)
    return rank.events
  })
  const setup = events[0]?.find((event) => event.kind === 'setup')
  expect(setup).toMatchObject({ strategy: name, precision: expect.stringContaining(wire) })
})

it('takes one hook a model, and none where no gradients travel', async () => {
  await runRanks(2, async (rank) => {
    const { model } = await ready(rank, 'ddp')
    model.registerCommHook('powerSGD', { state: { startPowerSGDIter: 2 }, wrapper: 'fp16' })
    expect(() => model.registerCommHook('fp16')).toThrow(/"powerSGD" already/)
    const local = await ready(rank, 'local_sgd')
    expect(() => local.model.registerCommHook('fp16')).toThrow(/sends no gradients/)
  })
  expect(() => new Fabric({ strategy: 'post_local_sgd' })).toThrow(/needs modelAveragingPeriod/)
})
