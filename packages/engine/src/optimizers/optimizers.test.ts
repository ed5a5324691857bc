/** Formulas against scalar references and tfjs's own optimizers; both forms against each other; save and restore. */
import { beforeAll, describe, expect, test } from 'vitest'
import { selectAccelerator } from '../accelerator/select.ts'
import { decodeSafetensors, encodeSafetensors } from '../files/safetensors.ts'
import type { Parameter } from '../model/parameters.ts'
import { Random } from '../seeds/random.ts'
import { tf } from '../tfjs.ts'
import { adam, adamw, adoptOptimizer, rmsprop, sgd } from './create.ts'
import type { DeviceUpdate, Optimizer } from './optimizer.ts'

const STEPS = 6
const LR = 0.05
type Scalar = (w: number, g: number, s: number[], t: number) => number

/** torch.optim's formulas for one number, in double precision, written from its documentation. */
const REFERENCES: Array<[string, () => Optimizer, Scalar]> = [
  ['sgd', () => sgd({ learningRate: LR }), (w, g) => w - LR * g],
  [
    'momentum',
    () => sgd({ learningRate: LR, momentum: 0.9, weightDecay: 0.1 }),
    (w, g, s) => {
      s[0] = 0.9 * (s[0] ?? 0) + g + 0.1 * w
      return w - LR * s[0]
    },
  ],
  [
    'nesterov',
    () => sgd({ learningRate: LR, momentum: 0.8, nesterov: true }),
    (w, g, s) => {
      s[0] = 0.8 * (s[0] ?? 0) + g
      return w - LR * (g + 0.8 * s[0])
    },
  ],
  ['adam', () => adam({ learningRate: LR, weightDecay: 0.2 }), (w, g, s, t) => adamStep(w, g + 0.2 * w, s, t)],
  ['adamw', () => adamw({ learningRate: LR, weightDecay: 0.2 }), (w, g, s, t) => adamStep(w * (1 - LR * 0.2), g, s, t)],
  [
    'rmsprop',
    () => rmsprop({ learningRate: LR, momentum: 0.9 }),
    (w, g, s) => {
      s[0] = 0.99 * (s[0] ?? 0) + 0.01 * g * g
      s[1] = 0.9 * (s[1] ?? 0) + g / (Math.sqrt(s[0]) + 1e-8)
      return w - LR * s[1]
    },
  ],
  [
    'rmsprop centered',
    () => rmsprop({ learningRate: LR, centered: true, decay: 0.9 }),
    (w, g, s) => {
      s[0] = 0.9 * (s[0] ?? 0) + 0.1 * g * g
      s[1] = 0.9 * (s[1] ?? 0) + 0.1 * g
      return w - (LR * g) / (Math.sqrt(s[0] - s[1] * s[1]) + 1e-8)
    },
  ],
]

function adamStep(w: number, g: number, s: number[], t: number): number {
  s[0] = 0.9 * (s[0] ?? 0) + 0.1 * g
  s[1] = 0.999 * (s[1] ?? 0) + 0.001 * g * g
  return w - ((LR / (1 - 0.9 ** t)) * s[0]) / (Math.sqrt(s[1] / (1 - 0.999 ** t)) + 1e-8)
}

const parameter = (values: number[]): Parameter => ({
  name: 'w',
  variable: tf.tidy(() => tf.variable(tf.tensor1d(values))),
  trainable: true,
})
const gradientOf = (step: number): number[] => {
  const random = new Random(step)
  return [random.normal(), random.normal(), random.normal()]
}
const START = [0.5, -1.5, 2]

function train(optimizer: Optimizer, from: number, to: number, w: Parameter): number[] {
  for (let step = from; step < to; step++) {
    const gradient = tf.tensor1d(gradientOf(step))
    optimizer.apply([w], [gradient])
    gradient.dispose()
  }
  return [...w.variable.dataSync()]
}

const closeTo = (actual: ArrayLike<number>, expected: ArrayLike<number>, within = 1e-5) =>
  Array.from(expected).forEach((value, i) => {
    expect(Math.abs((actual[i] as number) - value)).toBeLessThan(within)
  })

describe.each(['cpu', 'wasm'])('on %s', (accelerator) => {
  beforeAll(async () => {
    await selectAccelerator(accelerator, { threads: 1 })
  })

  test.each(REFERENCES)('%s follows its formula', (_name, create, reference) => {
    const optimizer = create()
    const w = parameter(START)
    const actual = train(optimizer, 1, STEPS + 1, w)
    const expected = START.map((start, i) => {
      const slots: number[] = []
      let value = start
      for (let t = 1; t <= STEPS; t++) value = reference(value, gradientOf(t)[i] as number, slots, t)
      return value
    })
    closeTo(actual, expected)
    optimizer.dispose()
    w.variable.dispose()
  })

  test.each(REFERENCES)('%s: the device form equals the host form', (_name, create) => {
    const optimizer = create() as Optimizer & {
      slotNames: string[]
      updateDevice(u: DeviceUpdate): { value: tf.Tensor; slots: tf.Tensor[] }
    }
    const hosted = parameter(START)
    let value: tf.Tensor = tf.tensor1d(START)
    let slots = optimizer.slotNames.map(() => tf.zeros([3]) as tf.Tensor)
    for (let step = 1; step <= STEPS; step++) {
      train(optimizer, step, step + 1, hosted)
      ;({ value, slots } = optimizer.updateDevice({ value, gradient: tf.tensor1d(gradientOf(step)), slots, step }))
    }
    closeTo(hosted.variable.dataSync(), value.dataSync())
  })

  test.each(REFERENCES)('%s: saved, restored through a file, and continued bit for bit', async (_name, create) => {
    const whole = create()
    const w = parameter(START)
    train(whole, 1, 4, w)
    const halfway = parameter([...w.variable.dataSync()])
    const { tensors, hyperparameters } = await whole.state()
    const resumed = create()
    resumed.restore({ tensors: decodeSafetensors(encodeSafetensors(tensors)).tensors, hyperparameters })
    expect((await resumed.state()).tensors.map(({ name }) => name).sort()).toEqual(
      tensors.map(({ name }) => name).sort(),
    )
    expect(train(resumed, 4, 8, halfway)).toEqual(train(whole, 4, 8, w))
  })

  test('no tensors are left behind', () => {
    const before = tf.memory().numTensors
    const optimizer = rmsprop({ centered: true })
    const w = parameter(START)
    train(optimizer, 1, 9, w)
    optimizer.dispose()
    w.variable.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })
})

const TFJS: Array<[string, () => tf.Optimizer]> = [
  ['sgd', () => tf.train.sgd(LR)],
  ['momentum', () => tf.train.momentum(LR, 0.9)],
  ['nesterov', () => tf.train.momentum(LR, 0.9, true)],
  ['adam', () => tf.train.adam(LR)],
  ['adam, own hyper-parameters', () => tf.train.adam(LR, 0.8, 0.99, 1e-3)],
  ['rmsprop', () => tf.train.rmsprop(LR)],
  ['rmsprop, momentum', () => tf.train.rmsprop(LR, 0.8, 0.5, 1e-2)],
]

test.each(TFJS)('an adopted tf.train optimizer does what the original does: %s', (_name, create) => {
  const adopted = adoptOptimizer(create())
  const mine = parameter(START)
  const original = create()
  const theirs = tf.variable(tf.tensor1d(START), true, `adopted-${Math.random()}`)
  for (let step = 1; step <= STEPS; step++) {
    train(adopted, step, step + 1, mine)
    original.applyGradients({ [theirs.name]: tf.tensor1d(gradientOf(step)) })
  }
  closeTo(mine.variable.dataSync(), theirs.dataSync())
})

test('unknown kinds, strangers and bad numbers are refused with what is allowed', () => {
  expect(() => adoptOptimizer(tf.train.adagrad(0.1))).toThrow(/Adagrad is not supported.*momentum, adam and rmsprop/)
  expect(() => adoptOptimizer('adam' as unknown as Optimizer)).toThrow(/is a string/)
  expect(() => sgd({ learningRate: -1 })).toThrow(/learningRate is -1/)
  expect(() => adam({ beta1: 1 })).toThrow(/beta1 is 1.*below 1/)
  const mine = adam()
  expect(adoptOptimizer(mine)).toBe(mine)
  expect(() => mine.restore({ tensors: [], hyperparameters: { kind: 'sgd' } })).toThrow(/saved by sgd/)
  expect(() => {
    mine.learningRate = Number.NaN
  }).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
})

test('a null gradient leaves parameter, state and step count alone', async () => {
  const optimizer = adam({ learningRate: LR })
  const w = parameter(START)
  optimizer.apply([w], [null])
  expect([...w.variable.dataSync()]).toEqual(START)
  expect((await optimizer.state()).tensors).toEqual([])
  expect(() => optimizer.apply([w], [])).toThrow(/0 gradients for 1 parameters/)
})
