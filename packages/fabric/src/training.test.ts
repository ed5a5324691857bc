/** Training verbs on several ranks in one thread: accumulation, unused parameters, mismatches, leaks, files. */
import { tf } from '@rondo/engine'
import type { RankEvent } from '@rondo/protocol'
import { expect, it } from 'vitest'
import { Fabric } from './fabric.ts'
import type { FabricModel } from './fabric-model.ts'
import { runRanks, type TestRank } from './testing/ranks.ts'

/** y = w·x + b with fixed first weights; the same on every rank. */
function line(start = 0.5): tf.Sequential {
  const net = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1 })] })
  net.setWeights([tf.tensor2d([[start]]), tf.tensor1d([0])])
  return net
}

const meanSquare = (model: FabricModel, x: tf.Tensor, y: tf.Tensor): tf.Scalar =>
  tf.losses.meanSquaredError(y, model.forward(x)) as tf.Scalar

async function ready({ context }: TestRank): Promise<Fabric> {
  const fabric = new Fabric({}, context)
  await fabric.launch()
  return fabric
}

/** Weights after one step on samples 0..11 (y = 3x), in the given micro-batches of this rank. */
async function oneStep(rank: TestRank, microBatches: number[][]): Promise<{ weights: number[]; bytes: number }> {
  const fabric = await ready(rank)
  const [model, optimizer] = await fabric.setup(line(), tf.train.sgd(0.01))
  const before = rank.context.group.payloadBytesSent
  for (const [i, items] of microBatches.entries()) {
    await fabric.noBackwardSync(
      model,
      async () => {
        const x = tf.tensor2d(items, [items.length, 1])
        const y = tf.mul(x, 3)
        await fabric.backward(() => meanSquare(model, x, y), { samples: items.length })
        tf.dispose([x, y])
      },
      { enabled: i < microBatches.length - 1 },
    )
  }
  await optimizer.step()
  return {
    weights: model.module.getWeights().flatMap((weight) => [...weight.dataSync()]),
    bytes: rank.context.group.payloadBytesSent - before,
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

it('makes uneven micro-batches and uneven ranks equal to one big batch, at the traffic of one step', async () => {
  const [whole] = await runRanks(1, (rank) => oneStep(rank, [range(0, 12)]))
  const [accumulated] = await runRanks(1, (rank) => oneStep(rank, [range(0, 5), range(5, 10), range(10, 12)]))
  const once = await runRanks(2, (rank) =>
    oneStep(rank, rank.context.group.rank === 0 ? [range(0, 8)] : [range(8, 12)]),
  )
  const both = await runRanks(2, (rank) =>
    oneStep(
      rank,
      rank.context.group.rank === 0
        ? [range(0, 5), range(5, 7), range(7, 8)]
        : [range(8, 9), range(9, 11), range(11, 12)],
    ),
  )
  for (const [i, weight] of (whole?.weights ?? []).entries()) {
    for (const other of [accumulated, ...once, ...both]) expect(other?.weights[i]).toBeCloseTo(weight, 5)
  }
  expect(both[0]?.bytes).toBe(once[0]?.bytes)
})

/** A model with a branch that rank 1 does not use. */
async function oneBranchUnused(rank: TestRank, findUnused: boolean): Promise<number[]> {
  const fabric = new Fabric({ strategy: `ddp_find_unused_parameters_${findUnused}` }, rank.context)
  await fabric.launch()
  const a = tf.variable(tf.scalar(1), true, undefined)
  const b = tf.variable(tf.scalar(1), true, undefined)
  const c = tf.variable(tf.scalar(1), true, undefined)
  const module = { forward: (x: tf.Tensor) => tf.mul(a, x), parameters: () => ({ a, b, c }) }
  const [model, optimizer] = await fabric.setup(module, tf.train.sgd(1))
  const useB = rank.context.group.rank === 0
  await fabric.backward(() => {
    const loss = model.forward(tf.scalar(2)) as tf.Scalar
    return (useB ? tf.add(loss, b) : loss) as tf.Scalar
  })
  await optimizer.step()
  return [a, b, c].map((variable) => variable.dataSync()[0] as number)
}

it('names the unused parameter and its rank on every rank', async () => {
  await expect(runRanks(2, (rank) => oneBranchUnused(rank, false))).rejects.toThrow(/parameters\.[bc]/)
})

it('sends zeros for unused parameters when asked, and leaves those nobody used alone', async () => {
  const results = await runRanks(2, (rank) => oneBranchUnused(rank, true))
  for (const weights of results) expect(weights).toEqual([-1, 0.5, 1])
})

it('refuses ranks with different parameters on all ranks, naming path, shapes and ranks', async () => {
  const outcomes: unknown[] = []
  await runRanks(2, async (rank) => {
    const fabric = await ready(rank)
    const units = rank.context.group.rank === 1 ? 3 : 2
    const net = tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units })] })
    await fabric.setup(net).catch((error: unknown) => outcomes.push(error))
  })
  expect(outcomes).toHaveLength(2)
  for (const error of outcomes) {
    expect(error).toMatchObject({ code: 'PARAMETER_MISMATCH' })
    expect(String(error)).toMatch(/rank 0 has layers\[0\]\.kernel \[2, 2\].*rank 1 has.*\[2, 3\]/)
  }
})

it("makes rank 0's weights everyone's", async () => {
  const weights = await runRanks(3, async (rank) => {
    const fabric = await ready(rank)
    const model = await fabric.setup(line(rank.context.group.rank))
    return model.weightsHash()
  })
  expect(new Set(weights).size).toBe(1)
})

it('keeps the number of tensors flat over 200 steps', async () => {
  await runRanks(1, async (rank) => {
    const fabric = await ready(rank)
    const [model, optimizer] = await fabric.setup(line(), tf.train.adam(0.01))
    const x = tf.tensor2d([1, 2], [2, 1])
    const y = tf.mul(x, 3)
    const counts: number[] = []
    for (let step = 0; step < 200; step++) {
      optimizer.zeroGrad()
      await fabric.backward(() => meanSquare(model, x, y))
      await optimizer.step()
      counts.push(tf.memory().numTensors)
    }
    expect(new Set(counts.slice(2)).size).toBe(1)
  })
})

it('stores model, optimizer and values, and fills them again on every rank', async () => {
  await runRanks(2, async (rank) => {
    const fabric = await ready(rank)
    const [model, optimizer] = await fabric.setup(line(), tf.train.adam(0.1))
    const x = tf.tensor2d([1, 2], [2, 1])
    const train = async (): Promise<void> => {
      optimizer.zeroGrad()
      await fabric.backward(() => meanSquare(model, x, tf.mul(x, 3)))
      await optimizer.step()
    }
    await train()
    await fabric.save('last.safetensors', { model, optimizer, epoch: 3, note: 'half way' })
    const saved = await model.weightsHash()
    await train()
    const after = await model.weightsHash()
    expect(after).not.toBe(saved)
    expect(await fabric.load('last.safetensors', { model, optimizer })).toEqual({ epoch: 3, note: 'half way' })
    expect(await model.weightsHash()).toBe(saved)
    await train()
    expect(await model.weightsHash()).toBe(after)
    await expect(fabric.load('last.safetensors', { other: model })).rejects.toThrow(
      /missing other\.layers\[0\]\.kernel/,
    )
  })
})

it('tells the session what it really uses, and how training goes', async () => {
  const events = await runRanks(2, async (rank): Promise<RankEvent[]> => {
    const fabric = await ready(rank)
    const [model, optimizer] = await fabric.setup(line(), tf.train.sgd(0.25))
    const x = tf.tensor2d([1, 2], [2, 1])
    for (const _ of fabric.epochs(1)) {
      await fabric.backward(() => meanSquare(model, x, x), { samples: 2 })
      await optimizer.step()
    }
    fabric.log('accuracy', 0.5)
    return rank.events
  })
  expect(events[0]).toContainEqual(
    expect.objectContaining({ kind: 'setup', accelerator: 'cpu', learningRate: 0.25, parameters: 2 }),
  )
  expect(events[1]).toContainEqual(expect.objectContaining({ kind: 'progress', step: 1, epochs: 1 }))
  expect(events[0]).toContainEqual({ kind: 'metrics', step: 1, values: { accuracy: 0.5 } })
  expect(events[1]?.some((event) => event.kind === 'metrics')).toBe(false)
})

it('tells the last step of a training that never said how many there are, once', async () => {
  const [steps] = await runRanks(1, async (rank) => {
    const fabric = await ready(rank)
    const [model, optimizer] = await fabric.setup(line(), tf.train.sgd(0.25))
    const x = tf.tensor2d([1, 2], [2, 1])
    for (let step = 0; step < 5; step++) {
      await fabric.backward(() => meanSquare(model, x, x), { samples: 2 })
      await optimizer.step()
    }
    rank.context.reporter.flush()
    rank.context.reporter.flush()
    return rank.events.flatMap((event) => (event.kind === 'progress' ? [event.step] : []))
  })
  expect(steps?.[0]).toBe(1)
  expect(steps?.filter((step) => step === 5)).toEqual([5])
})

it('refuses what would skip the average or cannot work, saying what to do instead', async () => {
  await runRanks(2, async (rank) => {
    const unlaunched = new Fabric({}, rank.context)
    await expect(unlaunched.setup(line())).rejects.toThrow(/fabric\.launch/)
    const fabric = await ready(rank)
    const net = line()
    const [, optimizer] = await fabric.setup(net, tf.train.sgd(1))
    await expect(fabric.setup(net)).rejects.toThrow(/already/)
    await expect(fabric.backward(tf.scalar(1) as never)).rejects.toThrow(/\(\) => loss/)
    await expect(optimizer.step()).rejects.toThrow(/fabric\.backward/)
    expect(() => optimizer.minimize()).toThrow(/fabric\.backward/)
    await expect(fabric.launch(() => 1)).rejects.toThrow(/directly/)
    await expect(fabric.allReduce({ a: ['x'] } as never)).rejects.toThrow(/data\.a\[0\]/)
  })
})
