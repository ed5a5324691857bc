/** Training in half precision on several ranks: equal replicas, skipped steps, true 16-bit weights, and what is refused. */
import { LossScaler, type Optimizer, sgd, tf } from '@rondo/engine'
import { DdpStrategy } from '@rondo/strategies'
import { expect, it } from 'vitest'
import type { FabricModel } from '../fabric-model.ts'
import type { FabricOptions } from '../options.ts'
import { MixedPrecision } from '../plugins/mixed-precision.ts'
import { fabricOn, Weights } from '../testing/nets.ts'
import { runRanks, type TestRank } from '../testing/ranks.ts'

/** float16 as such, on the cpu too, where the option would become bfloat16. */
const f16 = (initScale?: number): FabricOptions => ({
  plugins: new MixedPrecision('16-mixed', initScale ? { scaler: new LossScaler({ initScale }) } : {}),
})

const asBf16 = (value: number): number => {
  const bits = new Uint32Array(Float32Array.of(value).buffer)
  bits[0] = (bits[0] as number) & 0xffff0000
  return new Float32Array(bits.buffer)[0] as number
}

function net(): tf.Sequential {
  const layers = [tf.layers.dense({ inputShape: [3], units: 8, activation: 'tanh' }), tf.layers.dense({ units: 1 })]
  const model = tf.sequential({ layers })
  const weights = model.getWeights().map((weight, k) =>
    tf.tensor(
      Float32Array.from({ length: weight.size }, (_, i) => 0.6 * Math.sin(3 * i + k + 1)),
      weight.shape,
    ),
  )
  model.setWeights(weights)
  return model
}

interface Trained {
  hash: string
  losses: number[]
  weights: number[]
  bytes: number
  scale: number | undefined
}

async function train(rank: TestRank, options: FabricOptions, steps = 12): Promise<Trained> {
  const { group } = rank.context
  const fabric = await fabricOn(rank, options)
  const [model, optimizer] = await fabric.setup(net(), sgd({ learningRate: 0.2, momentum: 0.5 }))
  const x = tf.tensor2d(
    Float32Array.from({ length: 18 }, (_, i) => Math.cos(i * i + group.rank)),
    [6, 3],
  )
  const y = tf.sum(x, 1, true)
  const before = group.payloadBytesSent
  const losses: number[] = []
  for (let step = 0; step < steps; step++) {
    optimizer.zeroGrad()
    losses.push(
      await fabric.backward(() => tf.losses.meanSquaredError(y, model.forward(x)) as tf.Scalar, { samples: 6 }),
    )
    await optimizer.step()
  }
  return {
    hash: await model.weightsHash(),
    losses,
    weights: model.module.getWeights().flatMap((weight) => [...weight.dataSync()]),
    bytes: group.payloadBytesSent - before,
    scale: rank.context.precision?.scaler?.scale,
  }
}

it.each([
  ['16-mixed', () => f16(), 0.02],
  ['bf16-mixed', () => ({ precision: 'bf16-mixed' }), 0.05],
  ['16-true', () => ({ precision: '16-true' }), 0.05],
  ['bf16-true', () => ({ precision: 'bf16-true' }), 0.3],
] as const)('%s trains on 2 ranks with equal replicas, near float32 and not in it', async (_, options, near) => {
  const [full] = await runRanks(2, (rank) => train(rank, {}))
  const [first, second] = await runRanks(2, (rank) => train(rank, options()))
  expect(second?.hash).toBe(first?.hash)
  expect(first?.hash).not.toBe(full?.hash)
  expect(first?.losses.at(-1)).toBeLessThan(0.5 * (first?.losses[0] as number))
  first?.losses.forEach((loss, i) => {
    expect(Math.abs(loss - (full?.losses[i] as number))).toBeLessThan(near * (full?.losses[0] as number))
  })
  expect(first?.bytes).toBeLessThan(0.75 * (full?.bytes as number))
})

it('keeps a float32 master copy in mixed precision, and none in true half precision', async () => {
  const [mixed] = await runRanks(1, (rank) => train(rank, { precision: 'bf16-mixed' }, 3))
  const [half] = await runRanks(1, (rank) => train(rank, { precision: 'bf16-true' }, 3))
  expect(mixed?.weights.every((value) => asBf16(value) === value)).toBe(false)
  expect(half?.weights.every((value) => asBf16(value) === value)).toBe(true)
})

it('gives a single rank the same steps, scaled or not', async () => {
  const [small] = await runRanks(1, (rank) => train(rank, f16(4)))
  const [large] = await runRanks(1, (rank) => train(rank, f16(1024)))
  large?.losses.forEach((loss, i) => {
    expect(loss).toBeCloseTo(small?.losses[i] as number, 3)
  })
})

/** Three steps, the second of which has an infinite gradient on the last rank. */
async function overflow(rank: TestRank, strategy: DdpStrategy, injected = Number.POSITIVE_INFINITY) {
  const { group } = rank.context
  const fabric = await fabricOn(rank, { ...f16(), strategy })
  const weights = new Weights({ a: 4 })
  const [model, optimizer] = await fabric.setup(weights, sgd({ learningRate: 1, momentum: 0.5 }))
  const seen: Array<{ weights: number[]; scale: number | undefined; skipped: boolean }> = []
  for (let step = 0; step < 3; step++) {
    optimizer.zeroGrad()
    const bad = step === 1 && group.rank === group.worldSize - 1
    const factors = { a: [0.25, 0.25, 0.25, bad ? injected : 0.25] }
    // Past the model's own forward, which would round the loss: 65536 is no f16.
    await fabric.backward(() => weights.forward(factors), { samples: 2 })
    await optimizer.step()
    seen.push({
      weights: weights.values()['a'] as number[],
      scale: rank.context.precision?.scaler?.scale,
      skipped: model.replica.lastStep?.skipped === true,
    })
  }
  return seen
}

it.each([
  [1, 'fp16', () => new DdpStrategy(), Number.POSITIVE_INFINITY],
  [2, 'fp16', () => new DdpStrategy(), Number.POSITIVE_INFINITY],
  [4, 'fp16', () => new DdpStrategy(), Number.NaN],
  [2, 'fp16, overflowing only on the wire', () => new DdpStrategy(), 8],
  [2, 'fp32', () => new DdpStrategy({ ddpCommHook: 'fp32' }), Number.NEGATIVE_INFINITY],
  [4, 'int8 with its error memory', () => new DdpStrategy({ ddpCommHook: 'int8' }), Number.POSITIVE_INFINITY],
  [2, 'without overlap', () => new DdpStrategy({ overlap: false }), Number.POSITIVE_INFINITY],
] as const)(
  'an infinity on one of %d ranks skips one step everywhere, 65536 → 32768 (%s)',
  async (world, _, strategy, injected) => {
    const ranks = await runRanks(world, (rank) => overflow(rank, strategy(), injected))
    for (const seen of ranks) {
      expect(seen.map(({ scale }) => scale)).toEqual([65_536, 32_768, 32_768])
      expect(seen.map(({ skipped }) => skipped)).toEqual([false, true, false])
      expect(seen[1]?.weights).toEqual(seen[0]?.weights)
      for (const value of seen[2]?.weights ?? []) expect(value).toBeCloseTo(-0.25 - 0.375, 2)
      expect(seen).toEqual(ranks[0])
    }
  },
)

it('lets a chosen hook take the place of the precision, also one that comes later', async () => {
  const wires = await runRanks(2, async (rank) => {
    const options = { precision: 'bf16-mixed' }
    const chosen = await fabricOn(rank, { ...options, strategy: new DdpStrategy({ ddpCommHook: 'fp32' }) })
    const plain = await fabricOn(rank, options)
    const [a, b] = [await chosen.setup(net()), await plain.setup(net())]
    const before = b.replica.wire
    b.registerCommHook('fp16')
    expect(() => b.registerCommHook('fp16')).toThrow(/already/)
    return [a.replica.wire, before, b.replica.wire]
  })
  expect(wires[0]).toEqual(['f32', 'bf16', 'f16'])
})

it('takes true gradients for clipping, and clips nothing where the step is skipped anyway', async () => {
  const results = await runRanks(2, async (rank) => {
    const fabric = await fabricOn(rank, f16(1024))
    const weights = new Weights({ a: 2 })
    const [model, optimizer] = await fabric.setup(weights, tf.train.sgd(1))
    const norms: Array<number | null> = []
    for (const factors of [
      [3, 4],
      [Number.POSITIVE_INFINITY, 1],
    ]) {
      optimizer.zeroGrad()
      await fabric.backward(() => model.forward({ a: factors } as never) as unknown as tf.Scalar, { samples: 1 })
      norms.push(await fabric.clipGradients(model as unknown as FabricModel, optimizer, { maxNorm: 1 }))
      await optimizer.step()
    }
    return { norms, weights: weights.values()['a'], scale: rank.context.precision?.scaler?.scale }
  })
  for (const { norms, weights, scale } of results) {
    expect(norms).toEqual([5, Number.POSITIVE_INFINITY])
    expect(weights?.map((value) => value.toFixed(5))).toEqual(['-0.60000', '-0.80000'])
    expect(scale).toBe(512)
  }
})

it('goes on with the scale of a checkpoint', async () => {
  const scales = await runRanks(2, async (rank) => {
    const fabric = await fabricOn(rank, f16())
    const [model, optimizer] = await fabric.setup(net(), tf.train.sgd(0.1))
    const scaler = rank.context.precision?.scaler as LossScaler
    scaler.update(true)
    scaler.update(false)
    const saved = scaler.stateDict()
    await fabric.save('half.ckpt', { model, optimizer })
    await fabric.save('weights.ckpt', { model })
    scaler.update(true)
    const worse = scaler.scale
    await fabric.load('weights.ckpt', { model })
    expect(scaler.scale).toBe(worse)
    await fabric.load('half.ckpt', { model, optimizer })
    expect(scaler.stateDict()).toEqual(saved)
    return scaler.scale
  })
  expect(scales).toEqual([32_768, 32_768])
})

it('refuses optimizers that call a closure several times under 16-mixed', async () => {
  const lbfgs = Object.assign(sgd({ learningRate: 1 }), { usesClosure: true }) as Optimizer
  await runRanks(1, async (rank) => {
    const fabric = await fabricOn(rank, f16())
    await expect(fabric.setup(net(), lbfgs)).rejects.toThrow(/16-mixed.*closure several times.*bf16-mixed/)
    const other = await fabricOn(rank, { precision: 'bf16-mixed' })
    await other.setup(net(), lbfgs)
  })
})

it.each(['local_sgd', 'diloco'])(
  'refuses a loss scale with %s, whose ranks step alone; bf16-mixed trains',
  async (strategy) => {
    await expect(runRanks(2, (rank) => train(rank, { ...f16(), strategy }, 1))).rejects.toThrow(
      /step alone.*bf16-mixed/,
    )
    const [result] = await runRanks(2, (rank) => train(rank, { precision: 'bf16-mixed', strategy }, 4))
    expect(result?.losses[3]).toBeLessThan(result?.losses[0] as number)
  },
)

it('casts inputs of forward on the way in and outputs on the way out; autocast does the same outside', async () => {
  await runRanks(1, async (rank) => {
    const fabric = await fabricOn(rank, { precision: 'bf16-mixed' })
    const inputs: number[] = []
    const weight = tf.variable(tf.ones([1]))
    const echo = {
      forward: (x: tf.Tensor) => {
        inputs.push(x.dataSync()[0] as number)
        return tf.add(tf.mul(x, weight), 1 / 1024)
      },
      parameters: () => ({ weight }),
    }
    const model = await fabric.setup(echo)
    const [output] = model.forward(tf.tensor1d([1.01171875])).dataSync()
    expect(inputs).toEqual([1.015625])
    expect(output).toBe(1.015625)
    const a = tf.tensor2d([[1.01171875]])
    expect((await fabric.autocast(() => tf.matMul(a, a))).dataSync()[0]).toBe(asBf16(1.015625 ** 2 + 2 ** -9))
    expect(tf.matMul(a, a).dataSync()[0]).toBe(1.01171875 ** 2)
    expect(await fabric.autocast(async () => tf.matMul(a, a).dataSync()[0])).not.toBe(1.01171875 ** 2)
    expect(() => fabric.autocast(a as never)).toThrow(/autocast\(fn\).*a function/)
    const full = await fabricOn(rank)
    expect(full.autocast(() => tf.matMul(a, a)).dataSync()[0]).toBe(1.01171875 ** 2)
  })
})

it('keeps the number of tensors flat over steps', async () => {
  await runRanks(1, async (rank) => {
    const fabric = await fabricOn(rank, f16(8))
    const [model, optimizer] = await fabric.setup(net(), tf.train.adam(0.01))
    const [x, y] = [tf.ones([2, 3]), tf.ones([2, 1])]
    const counts: number[] = []
    for (let step = 0; step < 30; step++) {
      optimizer.zeroGrad()
      await fabric.backward(() => tf.losses.meanSquaredError(y, model.forward(x)) as tf.Scalar)
      await fabric.clipGradients(model as never, optimizer, { clipVal: 1 })
      await optimizer.step()
      counts.push(tf.memory().numTensors)
    }
    expect(new Set(counts.slice(2)).size).toBe(1)
  })
})
