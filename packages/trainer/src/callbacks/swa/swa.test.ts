/** Stochastic weight averaging against PyTorch's swa_utils (testing/torch-swa.json), on ranks, from checkpoints; refusals. */
import type { Optimizer } from '@rondo/engine'
import { adam, StepLR, sgd, tf } from '@rondo/engine'
import { describe, expect, it, vi } from 'vitest'
import { Line, lineLoader, onRanks } from '../../testing/line.ts'
import { Trainer } from '../../trainer.ts'
import { LambdaCallback } from '../lambda-callback.ts'
import { batchNormLayers } from './batch-norm.ts'
import { StochasticWeightAveraging } from './stochastic-weight-averaging.ts'
import type { StochasticWeightAveragingOptions } from './swa-options.ts'
import TORCH from './testing/torch-swa.json' with { type: 'json' }

interface Expected {
  rates: number[]
  averaged: number
  weights: number[][]
}

class Net extends Line {
  rate = 0.05
  steps: { stepSize: number; gamma: number } | null = null
  override configureOptimizers(): never {
    const optimizer = sgd({ learningRate: this.rate })
    return (this.steps ? { optimizer, lrScheduler: new StepLR(optimizer, this.steps) } : optimizer) as never
  }
}

/** As `Normed` of the script. */
class Normed extends Net {
  override net = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [1], units: 2 }),
      tf.layers.batchNormalization({}),
      tf.layers.dense({ units: 1 }),
    ],
  })
  constructor() {
    super()
    const [first, , last] = this.net.layers
    first?.setWeights([tf.tensor([[0.5, -0.25]]), tf.tensor([0.1, 0.2])])
    last?.setWeights([tf.tensor([[0.3], [-0.7]]), tf.tensor([0.05])])
  }
}

async function swa(
  options: StochasticWeightAveragingOptions,
  { ranks = 1, maxEpochs = 10, module = () => new Net(), samples = 8 } = {},
) {
  return onRanks(
    ranks,
    async (trainer) => {
      const rates: number[] = []
      const averaging = new StochasticWeightAveraging(options)
      const watch = new LambdaCallback({
        onTrainEpochStart: (own) => void rates.push((own.optimizers[0] as Optimizer).learningRate),
      })
      trainer.callbacks.push(averaging, watch)
      const net = module()
      await trainer.fit(net, lineLoader(samples))
      return { rates, averaging, net, trainer }
    },
    { maxEpochs },
  )
}

function expectClose(got: readonly number[], wanted: readonly number[]): void {
  expect(got).toHaveLength(wanted.length)
  for (const [i, value] of wanted.entries()) expect(Math.abs((got[i] as number) - value)).toBeLessThan(2e-6)
}

describe('learning rates and averages are those of PyTorch', () => {
  const stepped = (): Net => Object.assign(new Net(), { rate: 0.1, steps: { stepSize: 2, gamma: 0.5 } })
  it.each<[keyof typeof TORCH, StochasticWeightAveragingOptions, number, (() => Net)?]>([
    ['default', { swaLrs: 0.02 }, 10],
    ['linear', { swaLrs: [0.1], swaEpochStart: 4, annealingEpochs: 3, annealingStrategy: 'linear' }, 8],
    ['atOnce', { swaLrs: 0.01, swaEpochStart: 0.4, annealingEpochs: 0 }, 6],
    ['afterSteps', { swaLrs: 0.03, swaEpochStart: 5, annealingEpochs: 4 }, 9, stepped],
    ['ownMean', { swaLrs: 0.05, swaEpochStart: 3, avgFn: (a, p) => tf.add(tf.mul(a, 0.9), tf.mul(p, 0.1)) }, 6],
  ])('%s', async (name, options, maxEpochs, module) => {
    vi.spyOn(console, 'info').mockImplementation(() => {})
    const [result] = await swa(options, { maxEpochs, ...(module ? { module } : {}) })
    const { rates, averaged, weights } = TORCH[name] as Expected
    expectClose(result?.rates ?? [], rates)
    expect(result?.averaging.nAveraged).toBe(averaged)
    expectClose(result?.net.weights() ?? [], weights.flat())
    vi.restoreAllMocks()
  })

  it('normed: batch norm keeps the mean of all batches by the averaged weights', async () => {
    const options = { swaLrs: 0.02, swaEpochStart: 3, annealingEpochs: 2 }
    const before = tf.memory().numTensors
    const [result] = await swa(options, { maxEpochs: 6, module: () => new Normed() })
    const { rates, mean, variance, weights } = TORCH.normed
    const layer = batchNormLayers(result?.net as Net)[0]
    expectClose(result?.rates ?? [], rates)
    expectClose([...(layer?.movingMean.read().dataSync() ?? [])], mean)
    expectClose([...(layer?.movingVariance.read().dataSync() ?? [])], variance)
    expect(layer?.momentum).toBe(0.99)
    const [kernel, bias, gamma, beta, lastKernel, lastBias] = weights as number[][]
    const trained = Object.values(result?.net.parameters() ?? {}).map((variable) => [...variable.dataSync()])
    for (const [i, value] of [kernel, bias, gamma, beta, lastKernel, lastBias].entries()) {
      expectClose(trained[i] ?? [], value ?? [])
    }
    expect(tf.memory().numTensors - before).toBeLessThan(20)
  })
})

describe('on ranks', () => {
  it.each([2, 4])('%i of them end with the same weights and batch norm', async (ranks) => {
    const results = await swa(
      { swaLrs: 0.02, swaEpochStart: 2 },
      {
        ranks,
        maxEpochs: 3,
        module: () => new Normed(),
        samples: 18,
      },
    )
    const all = results.map(({ net }) => net.net.getWeights().map((weight) => [...weight.dataSync()]))
    for (const weights of all) expect(weights).toEqual(all[0])
    expect(all[0]?.flat().every(Number.isFinite)).toBe(true)
  })

  it('go on from a checkpoint as if they had never stopped', async () => {
    const options = { swaLrs: 0.02, swaEpochStart: 2, annealingEpochs: 3 }
    const results = await onRanks(
      2,
      async (trainer, { context }) => {
        trainer.callbacks.push(
          new StochasticWeightAveraging(options),
          new LambdaCallback({
            onTrainBatchEnd: async (own) => {
              if (own.globalStep === 9) await own.saveCheckpoint('middle.ckpt')
            },
          }),
        )
        const whole = new Net()
        await trainer.fit(whole, lineLoader(16))
        const again = new Trainer({ maxEpochs: 6, enableModelSummary: false })
        again.context = context
        again.callbacks.push(new StochasticWeightAveraging(options))
        const resumed = Object.assign(new Net(), { steps: { stepSize: 1, gamma: 0.9 } })
        await again.fit(resumed, lineLoader(16), { ckptPath: 'middle.ckpt' })
        return [whole.weights(), resumed.weights()]
      },
      { maxEpochs: 6 },
    )
    for (const [whole, resumed] of results) expect(resumed).toEqual(whole)
  })

  it('all fail with its cause when one dies while batch norm is made anew', async () => {
    const outcomes = await onRanks(
      2,
      async (trainer, { context }) => {
        trainer.callbacks.push(new StochasticWeightAveraging({ swaLrs: 0.02, swaEpochStart: 1 }))
        class Dying extends Normed {
          override trainingStep(batch: tf.Tensor[]): tf.Tensor {
            if (this.globalRank === 1 && this.currentEpoch === 2) throw new Error('the tab is gone')
            return super.trainingStep(batch)
          }
        }
        return trainer.fit(new Dying(), lineLoader(16)).catch((thrown: Error) => {
          context.group.abort(thrown)
          return String(thrown)
        })
      },
      { maxEpochs: 2 },
      { stepTimeoutMs: 2_000 },
    )
    for (const outcome of outcomes) expect(outcome).toContain('the tab is gone')
  })

  it('leave the weights alone when training ends before', async () => {
    const stop = new LambdaCallback({
      onTrainEpochEnd: (trainer) => {
        if (trainer.currentEpoch === 2) trainer.shouldStop = true
      },
    })
    const fit = async (callbacks: object[]) =>
      (
        await onRanks(
          1,
          async (trainer) => {
            trainer.callbacks.push(...callbacks)
            const net = new Net()
            await trainer.fit(net, lineLoader(8))
            return net.weights()
          },
          { maxEpochs: 5 },
        )
      )[0]
    expect(
      await fit([stop, new StochasticWeightAveraging({ swaLrs: 0.05, swaEpochStart: 1, annealingEpochs: 0 })]),
    ).toEqual(await fit([stop]))
  })
})

describe('refuses', () => {
  it.each<[RegExp, object]>([
    [/swaLrs: undefined.*above 0/, {}],
    [/swaLrs: -1/, { swaLrs: -1 }],
    [/swaLrs: \[\]/, { swaLrs: [] }],
    [/swaLrs: \[0\.1,0\]/, { swaLrs: [0.1, 0] }],
    [/one group of parameters/, { swaLrs: [0.1, 0.2] }],
    [/swaEpochStart: 1\.5/, { swaLrs: 0.1, swaEpochStart: 1.5 }],
    [/swaEpochStart: -1/, { swaLrs: 0.1, swaEpochStart: -1 }],
    [/annealingEpochs: 0\.5/, { swaLrs: 0.1, annealingEpochs: 0.5 }],
    [/annealingStrategy: "step".*"cos" and "linear"/, { swaLrs: 0.1, annealingStrategy: 'step' }],
    [/avgFn: 3/, { swaLrs: 0.1, avgFn: 3 }],
    [/device.*one of swaLrs/, { swaLrs: 0.1, device: 'cpu' }],
  ])('%s', (message, options) => {
    expect(() => new StochasticWeightAveraging(options as never)).toThrow(message)
  })

  it('a fit without an end, one by hand, and a function that gives another shape', async () => {
    await expect(swa({ swaLrs: 0.1 }, { maxEpochs: -1 })).rejects.toThrow(/maxEpochs/)
    class ByHand extends Net {
      override automaticOptimization = false
    }
    await expect(swa({ swaLrs: 0.1 }, { module: () => new ByHand() })).rejects.toThrow(/automaticOptimization = false/)
    const avgFn = (): tf.Tensor => tf.scalar(1)
    await expect(swa({ swaLrs: 0.1, swaEpochStart: 1, avgFn }, { maxEpochs: 3 })).rejects.toThrow(
      /avgFn.*shape \[1, 1\]/,
    )
  })

  it('keeps to one optimizer', () => {
    const trainer = { optimizers: [adam(), adam()], resolved: { maxEpochs: 3 }, fitControls: null }
    const averaging = new StochasticWeightAveraging({ swaLrs: 0.1 })
    expect(() => averaging.onFitStart(trainer as never)).toThrow(/2 optimizers/)
  })
})
