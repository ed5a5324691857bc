/** Modules: which variables they hold, the default forward, buffers, and optimizers with schedules. */
import { adam, ReduceLROnPlateau, StepLR, selectAccelerator, sgd, tf } from '@rondo/engine'
import { beforeAll, describe, expect, it } from 'vitest'
import { RondoModule } from './module.ts'
import { type ConfiguredOptimizer, readOptimizerConfig } from './optimizer-config.ts'

beforeAll(async () => {
  await selectAccelerator('cpu')
})

const dense = (units: number): tf.Sequential => tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units })] })

describe('variables', () => {
  it('are found in models, layers, arrays, records and modules, shared ones once', () => {
    class Inner extends RondoModule {
      scale = tf.variable(tf.scalar(1))
    }
    class Net extends RondoModule {
      encoder = dense(3)
      heads = [dense(1), { last: dense(2) }]
      inner = new Inner()
      again = this.encoder
      alone = tf.layers.layerNormalization()
      frozen = tf.variable(tf.scalar(2), false)
      norm = tf.sequential({ layers: [tf.layers.batchNormalization({ inputShape: [2] })] })
      pooling = tf.sequential({ layers: [tf.layers.flatten({ inputShape: [2, 2] })] })
      config = { depth: 3, names: ['a'], when: new Date() }
      constructor() {
        super()
        this.alone.build([null, 2])
      }
    }
    const net = new Net()
    expect(Object.keys(net.parameters())).toEqual([
      'encoder.layers[0].kernel',
      'encoder.layers[0].bias',
      'heads[0].layers[0].kernel',
      'heads[0].layers[0].bias',
      'heads[1].last.layers[0].kernel',
      'heads[1].last.layers[0].bias',
      'inner.scale',
      'alone.gamma',
      'alone.beta',
      'norm.layers[0].gamma',
      'norm.layers[0].beta',
    ])
    expect(Object.keys(net.buffers())).toEqual([
      'frozen',
      'norm.layers[0].moving_mean',
      'norm.layers[0].moving_variance',
    ])
  })

  it('of a layer that is not built are asked for, and cycles end', () => {
    class Unbuilt extends RondoModule {
      layer = tf.layers.dense({ units: 2 })
    }
    expect(() => new Unbuilt().parameters()).toThrow(/Field layer.*Dense.*build/)
    class Cyclic extends RondoModule {
      w = tf.variable(tf.scalar(1))
      self: unknown[] = []
    }
    const cyclic = new Cyclic()
    cyclic.self.push(cyclic.self, cyclic)
    expect(Object.keys(cyclic.parameters())).toEqual(['w'])
  })

  it('may be registered as buffers, under a free name', () => {
    const module = new RondoModule()
    const buffer = module.registerBuffer('mean', tf.zeros([2]))
    expect(buffer.trainable).toBe(false)
    expect(module.buffers()).toEqual({ mean: buffer })
    expect(() => module.registerBuffer('mean', tf.zeros([2]))).toThrow(/"mean"/)
    expect(() => module.registerBuffer('forward', tf.zeros([2]))).toThrow(/Choose another/)
  })
})

describe('forward', () => {
  it('applies the one model, and asks for a method where there is none or several', () => {
    class One extends RondoModule {
      net = dense(1)
    }
    class Two extends One {
      other = dense(1)
    }
    const output = new One().forward(tf.ones([3, 2])) as tf.Tensor
    expect(output.shape).toEqual([3, 1])
    expect((new One().predictStep([tf.ones([2, 2])], 0, 0) as tf.Tensor).shape).toEqual([2, 1])
    expect(() => new Two().forward(tf.ones([1, 2]))).toThrow(/net and other/)
    expect(() => new RondoModule().forward(tf.ones([1, 2]))).toThrow(/found none/)
  })
})

const nothing = async () => null
const only = (config: unknown) => readOptimizerConfig(config)[0] as ConfiguredOptimizer

describe('configureOptimizers', () => {
  it('may give an optimizer of tfjs or ours, with a schedule', async () => {
    expect(only(tf.train.adam(0.5)).optimizer).toMatchObject({ kind: 'adam', learningRate: 0.5 })
    const own = sgd({ learningRate: 1 })
    const { optimizer, schedule } = only({
      optimizer: own,
      lrScheduler: (epoch: number) => 1 / (epoch + 1),
    })
    expect(optimizer).toBe(own)
    await schedule?.advance(nothing)
    expect(own.learningRate).toBe(0.5)
    const every = only({
      optimizer: sgd({ learningRate: 1 }),
      lrScheduler: { scheduler: (n: number) => n, interval: 'step', frequency: 2 },
    })
    expect(every.optimizer.learningRate).toBe(0)
    await every.schedule?.advance(nothing)
    expect(every.optimizer.learningRate).toBe(0)
    await every.schedule?.advance(nothing)
    expect(every.optimizer.learningRate).toBe(1)
  })

  it.each<[string, unknown, RegExp]>([
    ['BAD_ARGUMENT', undefined, /returned undefined/],
    ['BAD_ARGUMENT', [1, 2], /a number/],
    ['BAD_ARGUMENT', [], /empty list/],
    ['UNSUPPORTED', [{ optimizer: adam(), frequency: 5 }], /1\.x/],
    ['BAD_ARGUMENT', [[adam()], [() => 1, () => 1]], /scheduler 1 has no optimizer/],
    ['BAD_ARGUMENT', { optimizer: adam(), parameters: [] }, /no variable/],
    ['UNSUPPORTED', { optimizer: 1, monitor: 'x' }, /monitor is not part/],
    ['BAD_ARGUMENT', 'adam', /a string/],
  ])('%s for %j', (code, returned, message) => {
    expect(() => readOptimizerConfig(returned)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })

  it('may give several, in any of the forms of Lightning', () => {
    const [a, b] = [adam(), sgd({ learningRate: 1 })]
    const forms = [
      [a, b],
      [{ optimizer: a }, { optimizer: b, lrScheduler: () => 0.5 }],
      [[a, b], [new StepLR(b, { stepSize: 1 })]],
    ]
    for (const form of forms) expect(readOptimizerConfig(form).map(({ optimizer }) => optimizer)).toEqual([a, b])
    expect(readOptimizerConfig(forms[2]).map(({ schedule }) => schedule !== null)).toEqual([false, true])
    expect(() => readOptimizerConfig([a, a])).toThrow(/twice/)
  })

  it('refuses a schedule that gives no number', () => {
    const config = (lrScheduler: unknown) => () => readOptimizerConfig({ optimizer: adam(), lrScheduler })
    expect(config(() => Number.NaN)).toThrow(/returned NaN/)
    expect(config(3)).toThrow(/it is number/)
    expect(config({ scheduler: () => 1, interval: 'batch' })).toThrow(/interval is batch/)
    expect(config({ scheduler: () => 1, frequency: 0 })).toThrow(/frequency is 0/)
    expect(config({ scheduler: () => 1, gamma: 2 })).toThrow(/no option gamma/)
    expect(config({ scheduler: () => 1, monitor: 'val_loss' })).toThrow(/only ReduceLROnPlateau/)
    expect(config(new StepLR(adam(), { stepSize: 1 }))).toThrow(/another optimizer/)
    const optimizer = adam()
    const lrScheduler = new ReduceLROnPlateau(optimizer)
    expect(() => readOptimizerConfig({ optimizer, lrScheduler })).toThrow(/has no monitor/)
  })
})
