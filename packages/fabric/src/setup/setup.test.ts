/** setup, setupModule, setupOptimizers: shapes of what comes back, what is refused, methods that go around forward. */
import { StepLR, selectAccelerator, sgd, tf } from '@rondo/engine'
import { expect, expectTypeOf, it, vi } from 'vitest'
import { Fabric } from '../fabric.ts'
import { FabricModel, type FabricOptimizer } from '../fabric-model.ts'
import { runRanks, type TestRank } from '../testing/ranks.ts'

function line(start = 0.5): tf.Sequential {
  const net = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1 })] })
  net.setWeights([tf.tensor2d([[start]]), tf.tensor1d([0])])
  return net
}

/** A model with a method beside forward that computes with the weights. */
class Coder {
  readonly w = tf.variable(tf.scalar(2))
  readonly label = 'coder'
  forward(x: tf.Tensor): tf.Tensor {
    return tf.mul(this.encode(x), 2)
  }
  encode(x: tf.Tensor): tf.Tensor {
    return tf.mul(this.w, x)
  }
  rename(name: string): string {
    return `${this.label} ${name}`
  }
  parameters() {
    return { w: this.w }
  }
}

const alone = (work: (fabric: Fabric, rank: TestRank) => Promise<void>) =>
  runRanks(1, async (rank) => work(new Fabric({}, rank.context), rank))

it('returns the model alone, or a tuple of the same length', async () => {
  await alone(async (fabric) => {
    const model = await fabric.setup(line())
    expect(model).toBeInstanceOf(FabricModel)
    const [second, first, other] = await fabric.setup(line(), tf.train.sgd(1), sgd({ learningRate: 2 }))
    expect(second).toBeInstanceOf(FabricModel)
    expect([first.learningRate, other.learningRate]).toEqual([1, 2])
    expectTypeOf(first).toEqualTypeOf<FabricOptimizer>()
    expect(await fabric.setup(line(), { moveToDevice: false })).toBeInstanceOf(FabricModel)
    const tuple = await fabric.setup(line(), tf.train.sgd(1), { moveToDevice: false })
    expect(tuple).toHaveLength(2)
  })
})

it('returns the scheduler last, and it moves the set-up optimizer', async () => {
  await alone(async (fabric) => {
    const plain = tf.train.sgd(0.1)
    const decay = new StepLR(plain as never, { stepSize: 1, gamma: 0.5 })
    const [, optimizer, scheduler] = await fabric.setup(line(), plain, { scheduler: decay })
    scheduler.step()
    expect(optimizer.learningRate).toBeCloseTo(0.05)
    const ours = sgd({ learningRate: 1 })
    const [, wrapped, own] = await fabric.setup(line(), ours, { scheduler: new StepLR(ours, { stepSize: 1 }) })
    own.step()
    expect(wrapped.learningRate).toBeCloseTo(0.1)
    const stranger = new StepLR(sgd({ learningRate: 1 }), { stepSize: 1 })
    await expect(fabric.setup(line(), tf.train.sgd(1), { scheduler: stranger })).rejects.toThrow(
      /StepLR moves an optimizer/,
    )
    await expect(fabric.setup(line(), tf.train.sgd(1), { scheduler: 3 as never })).rejects.toThrow(/no step\(\)/)
  })
})

it('sets model and optimizers up apart, in either order', async () => {
  await alone(async (fabric) => {
    const early = await fabric.setupOptimizers(tf.train.sgd(0.5))
    await expect(early.step()).rejects.toThrow(/no model is set up/)
    const model = await fabric.setupModule(line())
    const [a, b] = await fabric.setupOptimizers(tf.train.sgd(1), tf.train.sgd(2))
    expect([a.learningRate, b.learningRate]).toEqual([1, 2])
    const x = tf.tensor2d([[1]])
    await fabric.backward(() => model.forward(x).sum() as tf.Scalar)
    await early.step()
    expect(model.module.getWeights()[0]?.dataSync()[0]).toBe(0)
    await fabric.setupModule(line())
    await expect(early.step()).rejects.toThrow(/2 models are set up/)
    await expect(fabric.setupOptimizers(...([] as never))).rejects.toThrow(/at least one/)
  })
})

it('refuses to set up apart where the strategy deals model and optimizer together', async () => {
  await runRanks(1, async ({ context }) => {
    const strategy = { name: 'fsdp', jointSetup: true, setupModel: async () => null as never }
    const fabric = new Fabric({ strategy }, context)
    await expect(fabric.setupModule(line())).rejects.toThrow(/fsdp.*fabric\.setup\(model, optimizer\)/)
    await expect(fabric.setupOptimizers(tf.train.sgd(1))).rejects.toThrow(/fsdp.*fabric\.setup\(model, optimizer\)/)
  })
})

it('refuses a model or optimizer that is set up twice, and says which', async () => {
  await alone(async (fabric) => {
    const net = line()
    const optimizer = tf.train.sgd(1)
    const [model, wrapped] = await fabric.setup(net, optimizer)
    await expect(fabric.setup(net)).rejects.toThrow(/Sequential, number 1/)
    await expect(fabric.setup(model as never)).rejects.toThrow(/Sequential, number 1/)
    await expect(fabric.setupModule(net)).rejects.toThrow(/Sequential, number 1/)
    await expect(fabric.setup(line(), tf.train.sgd(1), optimizer)).rejects.toThrow(/optimizer 2 \(SGDOptimizer\)/)
    await expect(fabric.setupOptimizers(wrapped as never)).rejects.toThrow(/optimizer 1 \(FabricOptimizer\)/)
    const twice = tf.train.sgd(1)
    await expect(fabric.setup(line(), twice, twice)).rejects.toThrow(/optimizer 2/)
    await expect(fabric.setup(line(), tf.train.sgd(1), { scheduled: 1 } as never)).rejects.toThrow(
      /no option scheduled/,
    )
  })
})

it('refuses methods that reach the weights, unless they are marked', async () => {
  await alone(async (fabric) => {
    const [model] = await fabric.setup(new Coder(), tf.train.sgd(1))
    const x = tf.scalar(3)
    expect(model.forward(x).dataSync()[0]).toBe(12)
    expect(model.rename('one')).toBe('coder one')
    expect(model.label).toBe('coder')
    expect(() => model.encode(x)).toThrow(/model\.encode\(\).*parameters\.w.*markForwardMethod\("encode"\)/)
    expect(() => model.markForwardMethod('decode')).toThrow(/Coder has no method/)
    model.markForwardMethod('encode')
    expect(model.encode(x).dataSync()[0]).toBe(6)
    expect(tf.mul(tf.scalar(2), 2).dataSync()[0]).toBe(4)
    await fabric.backward(() => model.encode(x) as tf.Scalar)
  })
})

it('refuses the shortcuts of TensorFlow.js on what is set up', async () => {
  await alone(async (fabric) => {
    const [model, optimizer] = await fabric.setup(line(), tf.train.sgd(1))
    for (const shortcut of ['fit', 'fitDataset', 'trainOnBatch'] as const) {
      expect(() => (model[shortcut] as () => unknown)()).toThrow(/backward.*step/)
    }
    expect(() => optimizer.minimize()).toThrow(/backward.*step/)
    expect(() => optimizer.applyGradients()).toThrow(/backward.*step/)
    expect(() => model.predict(tf.tensor2d([[1]]))).toThrow(/predict.*layers\[0\]\.kernel.*module\.predict/)
  })
})

it('warns of parameters on different backends with their count, and moves them', async () => {
  await selectAccelerator('wasm')
  const left = tf.variable(tf.scalar(1))
  await selectAccelerator('cpu')
  const right = tf.variable(tf.scalar(2))
  const module = { forward: (x: tf.Tensor) => tf.mul(left, tf.mul(right, x)), parameters: () => [left, right] }
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  await alone(async (fabric) => {
    await fabric.setup(module)
  })
  expect(warn.mock.calls.join()).toMatch(/2 parameters lie on 2 different backends \(1 and 1 of them\)/)
  warn.mockClear()
  await alone(async (fabric) => {
    await fabric.setup(module)
  })
  expect(warn).not.toHaveBeenCalled()
  warn.mockRestore()
})

it('calls onAfterSetup and onAfterOptimizerStep by itself', async () => {
  await runRanks(1, async ({ context }) => {
    const calls: unknown[] = []
    const callback = {
      onAfterSetup: (event: object) => void calls.push(event),
      onAfterOptimizerStep: (event: object) => void calls.push(event),
    }
    const fabric = new Fabric({ callbacks: callback }, context)
    const [model, optimizer] = await fabric.setup(line(), tf.train.sgd(1))
    await fabric.backward(() => model.forward(tf.tensor2d([[1]])).sum() as tf.Scalar)
    await optimizer.step()
    expect(calls).toEqual([
      { fabric, module: model },
      { strategy: fabric.strategy, optimizer },
    ])
  })
})

it('names the rank in what it refuses', async () => {
  const errors: unknown[] = []
  await runRanks(2, async ({ context }) => {
    const fabric = new Fabric({}, context)
    await fabric.launch()
    await fabric.setupOptimizers(...([] as never)).catch((error: unknown) => errors.push(error))
  })
  expect(errors.map(String).sort()).toEqual([expect.stringMatching(/rank 0/), expect.stringMatching(/rank 1/)])
  expect(errors).toEqual(expect.arrayContaining([expect.objectContaining({ rank: 1 })]))
})
