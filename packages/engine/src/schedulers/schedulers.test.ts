/** Every curve against PyTorch 1.13's (testing/torch-curves.json), states, and refusals. */
import { describe, expect, test } from 'vitest'
import { adam, rmsprop, sgd } from '../optimizers/create.ts'
import { CosineAnnealingLR, CosineAnnealingWarmRestarts } from './cosine-lr.ts'
import { ExponentialLR, MultiStepLR, StepLR } from './decay.ts'
import { LambdaLR } from './lambda-lr.ts'
import { LinearLR } from './linear-lr.ts'
import { OneCycleLR } from './one-cycle-lr.ts'
import { ReduceLROnPlateau } from './reduce-on-plateau.ts'
import type { LrScheduler, Scheduled } from './scheduler.ts'
import { SequentialLR } from './sequential-lr.ts'
import { SWALR } from './swa-lr.ts'
import TORCH from './testing/torch-curves.json' with { type: 'json' }

const TOLERANCE = 1e-6

const optimizer = (learningRate = 0.1): Scheduled => ({ learningRate, momentum: 0.9 })

const CURVES: Record<string, (of: Scheduled) => LrScheduler> = {
  step: (o) => new StepLR(o, { stepSize: 3, gamma: 0.5 }),
  multiStep: (o) => new MultiStepLR(o, { milestones: [8, 5, 2, 5], gamma: 0.3 }),
  exponential: (o) => new ExponentialLR(o, { gamma: 0.93 }),
  cosine: (o) => new CosineAnnealingLR(o, { tMax: 7, etaMin: 0.001 }),
  restarts: (o) => new CosineAnnealingWarmRestarts(o, { t0: 4, tMult: 2, etaMin: 0.002 }),
  restartsEven: (o) => new CosineAnnealingWarmRestarts(o, { t0: 5 }),
  linear: (o) => new LinearLR(o, { startFactor: 0.25, endFactor: 0.9, totalIters: 6 }),
  linearDefault: (o) => new LinearLR(o),
  lambda: (o) => new LambdaLR(o, (count) => 1 / (1 + count)),
  oneCycle: (o) => new OneCycleLR(o, { maxLr: 0.4, totalSteps: 20 }),
  oneCycleLinear: (o) =>
    new OneCycleLR(o, {
      maxLr: 0.4,
      epochs: 3,
      stepsPerEpoch: 7,
      pctStart: 0.25,
      annealStrategy: 'linear',
      divFactor: 10,
      finalDivFactor: 100,
      baseMomentum: 0.8,
      maxMomentum: 0.9,
    }),
  oneCycleThree: (o) => new OneCycleLR(o, { maxLr: 0.4, totalSteps: 23, pctStart: 0.4, threePhase: true }),
  sequential: (o) =>
    new SequentialLR(o, {
      schedulers: [new LinearLR(o, { startFactor: 0.1, totalIters: 4 }), new CosineAnnealingLR(o, { tMax: 10 })],
      milestones: [4],
    }),
  swaCos: (o) => new SWALR(o, { swaLr: 0.02, annealEpochs: 4 }),
  swaLinear: (o) => new SWALR(o, { swaLr: 0.3, annealEpochs: 3, annealStrategy: 'linear' }),
  swaAtOnce: (o) => new SWALR(o, { swaLr: 0.05, annealEpochs: 0 }),
}

/** What PyTorch's schedulers gave for SGD with learning rate 0.1 and momentum 0.9. */
interface Curve {
  rates: number[]
  momenta?: number[]
}

const torch = TORCH as Record<string, Curve>

describe.each(Object.entries(CURVES))('%s', (name, make) => {
  const { rates, momenta } = torch[name] as Curve

  test('learning rates, and momenta where they move, are those of PyTorch', () => {
    const of = optimizer()
    const scheduler = make(of)
    for (const [count, rate] of rates.entries()) {
      if (count > 0) scheduler.step()
      expect(Math.abs(of.learningRate - rate), `count ${count}`).toBeLessThanOrEqual(TOLERANCE * rate)
      expect(scheduler.lastLearningRate).toBe(of.learningRate)
      const momentum = momenta?.[count] ?? 0.9
      expect(Math.abs((of.momentum as number) - momentum), `momentum ${count}`).toBeLessThanOrEqual(TOLERANCE)
    }
  })

  test('goes on from saved state', () => {
    const first = make(optimizer())
    const half = Math.floor(rates.length / 2)
    for (let i = 0; i < half; i++) first.step()
    const of = optimizer()
    const second = make(of)
    second.restore(JSON.parse(JSON.stringify(first.state())))
    expect(second.count).toBe(half)
    expect(of.learningRate).toBe(first.lastLearningRate)
    second.step()
    expect(Math.abs(of.learningRate - (rates[half + 1] as number))).toBeLessThanOrEqual(TOLERANCE * of.learningRate)
  })
})

const METRICS = [1, 0.9, 0.91, 0.92, 0.93, 0.8, 0.81, NaN, 0.82, 0.83, 0.84, 0.85, 0.79995, 0.86, 0.87, 0.88, 0.89, 0.9]

describe('ReduceLROnPlateau', () => {
  const PLATEAUS = {
    plateau: { metrics: METRICS, options: { patience: 2, factor: 0.5 } },
    plateauMax: {
      metrics: METRICS.map((metric) => -metric),
      options: {
        patience: 1,
        factor: 0.5,
        mode: 'max',
        thresholdMode: 'abs',
        threshold: 0.05,
        cooldown: 2,
        minLr: 0.02,
      },
    },
  } as const

  test.each(Object.entries(PLATEAUS))('%s is as in PyTorch, across a restart too', (name, { metrics, options }) => {
    const { rates } = torch[name] as Curve
    const of = optimizer()
    let scheduler = new ReduceLROnPlateau(of, options)
    for (const [i, metric] of metrics.entries()) {
      scheduler.step(metric)
      expect(of.learningRate, `check ${i}`).toBeCloseTo(rates[i] as number, 12)
      const saved = JSON.parse(JSON.stringify(scheduler.state()))
      scheduler = new ReduceLROnPlateau(of, options)
      scheduler.restore(saved)
    }
    expect(scheduler.count).toBe(metrics.length)
  })
})

test('schedulers move real optimizers, and a cycle their momentum too', () => {
  const real = sgd({ learningRate: 0.2 })
  const scheduler = new ExponentialLR(real, { gamma: 0.5 })
  scheduler.step()
  expect(real.learningRate).toBe(0.1)
  const cycle = { maxLr: 1, totalSteps: 10 }
  expect(() => new OneCycleLR(real, cycle)).toThrow(/no momentum to move/)
  expect(() => {
    real.momentum = 0.5
  }).toThrow(/momentum = 0.5.*without momentum/)
  for (const optimizer of [sgd({ learningRate: 1, momentum: 0.9 }), adam(), rmsprop()]) {
    const oneCycle = new OneCycleLR(optimizer, cycle)
    expect(optimizer.momentum).toBe(0.95)
    oneCycle.step()
    oneCycle.step()
    expect(optimizer.momentum).toBe(0.85)
    expect(optimizer.learningRate).toBe(1)
  }
})

test.each<[string, () => unknown, RegExp]>([
  ['a step size of nothing', () => new StepLR(optimizer(), { stepSize: 0 }), /StepLR\({ stepSize: 0 }\).*at least 1/],
  ['a milestone that is no count', () => new MultiStepLR(optimizer(), { milestones: [1.5] }), /milestones.*whole/],
  ['no gamma', () => new ExponentialLR(optimizer(), {} as never), /gamma: undefined/],
  ['a period of nothing', () => new CosineAnnealingLR(optimizer(), { tMax: 0 }), /tMax: 0/],
  ['a fraction of restarts', () => new CosineAnnealingWarmRestarts(optimizer(), { t0: 2, tMult: 1.5 }), /tMult: 1.5/],
  ['a start from nothing', () => new LinearLR(optimizer(), { startFactor: 0 }), /startFactor: 0.*above 0/],
  ['a negative factor', () => new LambdaLR(optimizer(), () => -1), /returned -1 for 0/],
  ['a cycle without length', () => new OneCycleLR(optimizer(), { maxLr: 1, epochs: 3 }), /totalSteps/],
  [
    'an unknown shape',
    () => new OneCycleLR(optimizer(), { maxLr: 1, totalSteps: 9, annealStrategy: 'exp' as never }),
    /"cos" and "linear"/,
  ],
  [
    'momentum that is not there',
    () => new OneCycleLR({ learningRate: 1 }, { maxLr: 1, totalSteps: 9 }),
    /cycleMomentum: false/,
  ],
  ['a factor that does not reduce', () => new ReduceLROnPlateau(optimizer(), { factor: 1 }), /factor: 1.*below 1/],
  ['an unknown mode', () => new ReduceLROnPlateau(optimizer(), { mode: 'best' as never }), /"min" and "max"/],
  ['no metric', () => new ReduceLROnPlateau(optimizer()).step(undefined as never), /step\(undefined\)/],
  [
    'milestones that do not fit',
    () => new SequentialLR(optimizer(), { schedulers: [], milestones: [] }),
    /one milestone fewer/,
  ],
  ['a state of something else', () => new StepLR(optimizer(), { stepSize: 1 }).restore({}), /count undefined/],
])('%s is refused', (_, make, message) => {
  expect(make).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.stringMatching(message) }))
})

test('a cycle refuses steps beyond its own', () => {
  const scheduler = new OneCycleLR(optimizer(), { maxLr: 1, totalSteps: 2 })
  scheduler.step()
  scheduler.step()
  expect(() => scheduler.step()).toThrow(/step 3 of a cycle of 2/)
})
