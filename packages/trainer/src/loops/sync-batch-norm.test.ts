/**
 * `syncBatchnorm`: weights and running statistics of several ranks are those of one rank on the union of their batches;
 * a reference that writes batch normalisation out in plain operations says what one rank does.
 */
import { DataLoader, subset } from '@rondo/data'
import { type Optimizer, seedEverything, sgd, tf, unseedEverything } from '@rondo/engine'
import { LocalSGDStrategy } from '@rondo/strategies'
import { afterEach, describe, expect, it } from 'vitest'
import type { ManualOptimizer } from '../module/manual-optimizer.ts'
import { RondoModule } from '../module/module.ts'
import type { TrainerOptions } from '../options/options.ts'
import { lineLoader, onRanks } from '../testing/line.ts'

afterEach(unseedEverything)

const bn = (args = {}) => tf.layers.batchNormalization({ momentum: 0.5, ...args })

/** Two normalised layers, one of them without γ or β; what goes in depends on parameters, so moments do too. */
class Normed extends RondoModule {
  net = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [1], units: 4, kernelInitializer: tf.initializers.randomNormal({ seed: 1 }) }),
      bn(),
      tf.layers.activation({ activation: 'tanh' }),
      tf.layers.dense({ units: 3, kernelInitializer: tf.initializers.randomNormal({ seed: 2 }) }),
      bn({ axis: -1 }),
      tf.layers.dense({ units: 1, kernelInitializer: tf.initializers.randomNormal({ seed: 3 }) }),
    ],
  })
  runs = 0
  override trainingStep([x, y]: tf.Tensor[]): tf.Tensor {
    const loss = tf.losses.meanSquaredError(y as tf.Tensor, this.forward(x)) as tf.Tensor
    this.log('loss', loss, { syncDist: true, onEpoch: true })
    return loss
  }
  override configureOptimizers(): Optimizer {
    return sgd({ learningRate: 0.05, momentum: 0.9 })
  }
  /** Parameters and running statistics. */
  weights(): number[] {
    return this.net.getWeights().flatMap((weight) => [...weight.dataSync()])
  }
}

const fit = (worldSize: number, batchSize: number, options: TrainerOptions = {}, make = () => new Normed()) =>
  onRanks(
    worldSize,
    async (trainer) => {
      const module = make()
      await trainer.fit(module, lineLoader(24, { batchSize, shuffle: true }))
      return { weights: module.weights(), trainer }
    },
    { maxEpochs: 2, syncBatchnorm: true, ...options },
  )

function expectClose(got: number[] | undefined, wanted: number[] | undefined): void {
  expect(got?.length).toBe(wanted?.length)
  for (const [i, value] of (got ?? []).entries()) {
    expect(Math.abs(value - (wanted?.[i] as number))).toBeLessThan(1e-5 * Math.max(1, Math.abs(wanted?.[i] as number)))
  }
}

describe('syncBatchnorm', () => {
  it.each([2, 4])('gives %i ranks the weights and statistics of one rank on the union batch', async (worldSize) => {
    const [one] = await fit(1, 8)
    const several = await fit(worldSize, 8 / worldSize)
    for (const { weights, trainer } of several) {
      expect(weights).toEqual(several[0]?.weights)
      expectClose(weights, one?.weights)
      expect(trainer.callbackMetrics['loss_epoch']).toBeCloseTo(one?.trainer.callbackMetrics['loss_epoch'] as number, 3)
    }
    // It matters: without it the result is another one.
    const [apart] = await fit(worldSize, 8 / worldSize, { syncBatchnorm: false })
    expect(Math.abs((apart?.weights[0] as number) - (one?.weights[0] as number))).toBeGreaterThan(1e-3)
  })

  it('weighs ranks with batches of unequal size', async () => {
    const [one] = await fit(1, 8, { maxEpochs: 1, limitTrainBatches: { batches: 1 } })
    const several = await onRanks(
      2,
      async (trainer, { context }) => {
        const all = lineLoader(24, { batchSize: 8, shuffle: true })
        all.setEpoch(0)
        const order = [...(all.sampler as Iterable<number>)].slice(0, 8)
        const own = context.group.rank === 0 ? order.slice(0, 6) : order.slice(6)
        const module = new Normed()
        await trainer.fit(module, new DataLoader(subset(all.dataset as never, own) as never, { batchSize: 8 }))
        return module.weights()
      },
      { syncBatchnorm: true, useDistributedSampler: false },
    )
    for (const weights of several) expectClose(weights, one?.weights)
  })

  it('is right with accumulated batches, images, and layers without γ and β', async () => {
    class Images extends Normed {
      conv = tf.layers.conv2d({
        filters: 2,
        kernelSize: 1,
        kernelInitializer: tf.initializers.randomNormal({ seed: 4 }),
      })
      plain = bn()
      constructor() {
        super()
        this.conv.build([null, 2, 2, 1])
        this.plain.build([null, 2, 2, 2])
      }
      override trainingStep([x, y]: tf.Tensor[]): tf.Tensor {
        const image = tf.tile(tf.reshape(x as tf.Tensor, [-1, 1, 1, 1]), [1, 2, 2, 1])
        const raised = tf.mul(image, tf.tensor4d([1, 2, 3, 5], [1, 2, 2, 1]))
        const normal = this.plain.apply(this.conv.apply(raised), { training: true }) as tf.Tensor
        return tf.losses.meanSquaredError(
          y as tf.Tensor,
          tf.mean(tf.square(normal), [1, 2, 3]).reshape([-1, 1]),
        ) as tf.Tensor
      }
      override configureOptimizers(): never {
        return {
          optimizer: sgd({ learningRate: 0.05 }),
          parameters: [...this.conv.trainableWeights, ...this.plain.trainableWeights].map((weight) => weight.read()),
        } as never
      }
      override weights(): number[] {
        return [...this.conv.getWeights(), ...this.plain.getWeights()].flatMap((weight) => [...weight.dataSync()])
      }
    }
    const options = { accumulateGradBatches: 3, maxEpochs: 1 }
    const [one] = await fit(1, 4, options, () => new Images())
    for (const { weights } of await fit(2, 2, options, () => new Images())) expectClose(weights, one?.weights)
  })

  it('runs each forward again with the same random numbers, and logs once', async () => {
    const draws: number[] = []
    class Noisy extends Normed {
      override trainingStep([x, y]: tf.Tensor[]): tf.Tensor {
        this.runs += 1
        this.log('before', 1, { onEpoch: true, reduceFx: 'sum', onStep: false })
        const noise = Math.random()
        const loss = tf.losses.meanSquaredError(y as tf.Tensor, tf.mul(this.forward(x), 1 + noise)) as tf.Tensor
        if (this.globalRank === 0) draws.push(noise)
        return loss
      }
    }
    seedEverything(5)
    const [first] = await onRanks(
      2,
      async (trainer) => {
        const module = new Noisy()
        await trainer.fit(module, lineLoader(16, { batchSize: 4 }))
        return { runs: module.runs, metrics: trainer.callbackMetrics }
      },
      { syncBatchnorm: true },
    )
    // Two layers: two runs that stop at one, and one to the end, for each of two batches.
    expect(first?.runs).toBe(6)
    expect(first?.metrics['before']).toBe(2)
    expect(draws).toHaveLength(2)
  })

  it('also where the module steps by hand, and leaves no tensor behind', async () => {
    const counts: number[] = []
    class ByHand extends Normed {
      override automaticOptimization = false
      override trainingStep(batch: tf.Tensor[]): never {
        return this.step(batch) as never
      }
      async step(batch: tf.Tensor[]): Promise<void> {
        const optimizer = this.optimizers() as ManualOptimizer
        optimizer.zeroGrad()
        await this.manualBackward(() => super.trainingStep(batch))
        await optimizer.step()
      }
      override onTrainEpochEnd(): void {
        if (this.globalRank === 0) counts.push(tf.memory().numTensors)
      }
    }
    const [one] = await fit(1, 8)
    for (const { weights } of await fit(2, 4, { maxEpochs: 2 }, () => new ByHand())) expectClose(weights, one?.weights)
    await fit(2, 4, { maxEpochs: 4 }, () => new ByHand())
    expect(Math.max(...counts.slice(-2)) - Math.min(...counts.slice(-2))).toBeLessThanOrEqual(12)
  })

  it('gives the layers back', async () => {
    const module = new Normed()
    await onRanks(1, (trainer) => trainer.fit(module, lineLoader(8)), { syncBatchnorm: true })
    expect(Object.hasOwn(module.net.layers[1] as object, 'call')).toBe(false)
  })
})

describe('refuses', () => {
  it('a rank whose data ends before the others’, naming it', async () => {
    const uneven = onRanks(
      2,
      (trainer, { context }) => {
        const all = lineLoader(16)
        const own = context.group.rank === 0 ? [0, 1, 2, 3, 4, 5, 6, 7] : [8, 9, 10, 11]
        return trainer.fit(new Normed(), new DataLoader(subset(all.dataset as never, own) as never, { batchSize: 4 }))
      },
      { syncBatchnorm: true, useDistributedSampler: false },
    )
    await expect(uneven).rejects.toThrow(/syncBatchnorm: true: rank 1 has no training data left/)
  })

  it('a rank that goes through fewer layers, by a named error and not by waiting', async () => {
    class Short extends Normed {
      override trainingStep([x, y]: tf.Tensor[]): tf.Tensor {
        if (this.globalRank === 0) return super.trainingStep([x as tf.Tensor, y as tf.Tensor])
        const layers = this.net.layers.filter((_, i) => i !== 4)
        const output = layers.reduce((h, layer) => layer.apply(h, { training: true }) as tf.Tensor, x as tf.Tensor)
        return tf.losses.meanSquaredError(y as tf.Tensor, output) as tf.Tensor
      }
    }
    const fits = onRanks(
      2,
      (trainer) => trainer.fit(new Short(), lineLoader(8)),
      { syncBatchnorm: true },
      { stepTimeoutMs: 500 },
    )
    await expect(fits).rejects.toMatchObject({ name: 'RondoError' })
  })

  it('strategies that exchange weights', async () => {
    await expect(fit(2, 4, { strategy: new LocalSGDStrategy({ steps: 2 }) })).rejects.toThrow(
      /each rank learns from its own/,
    )
  })
})
