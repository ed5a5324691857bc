/** Manual optimization: several optimizers, each with its parameters, on one rank and several; and what is refused. */
import { DataLoader, subset } from '@rondo/data'
import { adam, StepLR, sgd, tf } from '@rondo/engine'
import { LocalSGDStrategy } from '@rondo/strategies'
import { describe, expect, it } from 'vitest'
import type { ManualOptimizer } from '../module/manual-optimizer.ts'
import { RondoModule } from '../module/module.ts'
import { Line, lineLoader, onRanks } from '../testing/line.ts'

/** Two slopes that learn in turn: `first` y = first · x, `second` what the first leaves over. */
class Turns extends RondoModule {
  override automaticOptimization = false
  first = tf.variable(tf.scalar(0))
  second = tf.variable(tf.scalar(0))

  override async trainingStep([x, y]: [tf.Tensor, tf.Tensor]): Promise<void> {
    const [one, two] = this.optimizers() as ManualOptimizer[]
    this.toggleOptimizer(one as ManualOptimizer)
    one?.zeroGrad()
    await this.manualBackward(() => {
      const loss = tf.losses.meanSquaredError(y, tf.mul(x, tf.add(this.first, this.second)))
      this.log('first_loss', loss as tf.Tensor)
      return loss
    })
    await one?.step()
    this.untoggleOptimizer()
    two?.zeroGrad()
    await this.manualBackward(() => tf.losses.meanSquaredError(tf.sub(y, tf.mul(x, 1)), tf.mul(x, this.second)))
    await two?.step()
  }

  override configureOptimizers(): never {
    return [
      { optimizer: sgd({ learningRate: 0.02 }), parameters: [this.first] },
      { optimizer: adam({ learningRate: 0.1 }), parameters: [this.second] },
    ] as never
  }

  weights(): number[] {
    return [this.first, this.second].map((variable) => variable.dataSync()[0] as number)
  }
}

const trained = (worldSize: number, batchSize: number) =>
  onRanks(worldSize, async (trainer) => {
    const module = new Turns()
    await trainer.fit(module, lineLoader(24, { batchSize, shuffle: true }))
    return { weights: module.weights(), steps: trainer.globalStep, trainer }
  })

describe('manual optimization', () => {
  it('moves each optimizer’s own parameters, on 2 and 4 ranks as on one', async () => {
    const [one] = await trained(1, 8)
    expect(one?.steps).toBe(6)
    for (const weight of one?.weights ?? []) expect(weight).toBeGreaterThan(0.2)
    expect(one?.trainer.optimizers.map(({ kind }) => kind)).toEqual(['sgd', 'adam'])
    expect(one?.trainer.callbackMetrics['first_loss']).toBeGreaterThan(0)
    for (const worldSize of [2, 4]) {
      const several = await trained(worldSize, 8 / worldSize)
      for (const { weights, steps } of several) {
        expect(steps).toBe(6)
        expect(weights).toEqual(several[0]?.weights)
        for (const [i, weight] of weights.entries()) expect(weight).toBeCloseTo(one?.weights[i] as number, 5)
      }
    }
  })

  it('steps as the trainer would with one optimizer, and leaves no tensor behind', async () => {
    class ByHand extends Line {
      override automaticOptimization = false
      counts: number[] = []
      override trainingStep(batch: tf.Tensor[]): never {
        return this.byHand(batch) as never
      }
      async byHand(batch: tf.Tensor[]): Promise<void> {
        const optimizer = this.optimizers() as ManualOptimizer
        optimizer.zeroGrad()
        // Two halves of a loss add up to it, as in PyTorch.
        await this.manualBackward(() => tf.mul(this.loss(batch), 0.5))
        await this.manualBackward(() => tf.mul(this.loss(batch), 0.5))
        await optimizer.step()
        this.counts.push(tf.memory().numTensors)
      }
    }
    const fit = (make: () => Line, worldSize: number) =>
      onRanks(worldSize, async (trainer) => {
        const module = make()
        await trainer.fit(module, lineLoader(24, { batchSize: 4 }))
        return module
      })
    for (const ranks of [1, 2]) {
      const [automatic] = await fit(() => new Line(), ranks)
      const [byHand] = await fit(() => new ByHand(), ranks)
      byHand?.weights().forEach((weight, i) => {
        expect(weight).toBeCloseTo(automatic?.weights()[i] as number, 5)
      })
      const counts = (byHand as ByHand).counts
      if (ranks === 1) expect(new Set(counts.slice(1)).size).toBe(1)
    }
  })

  it('lets the module move its schedulers', async () => {
    class Scheduled extends Turns {
      slow = sgd({ learningRate: 0.02 })
      override async trainingStep(batch: [tf.Tensor, tf.Tensor]): Promise<void> {
        await super.trainingStep(batch)
        const scheduler = this.lrSchedulers() as StepLR
        if (this.globalStep === 4) scheduler.step()
      }
      override configureOptimizers(): never {
        const scheduler = { scheduler: new StepLR(this.slow, { stepSize: 1 }), interval: 'step' }
        return [[{ optimizer: this.slow, parameters: [this.first] }, adam()], [scheduler]] as never
      }
    }
    const [rate] = await onRanks(1, async (trainer) => {
      const module = new Scheduled()
      await trainer.fit(module, lineLoader(24))
      return module.slow.learningRate
    })
    expect(rate).toBeCloseTo(0.002, 10)
  })
})

describe('refuses', () => {
  const fit = (module: Turns, options = {}, loader = lineLoader(8)) =>
    onRanks(1, (trainer) => trainer.fit(module, loader), options)

  it('several optimizers without automaticOptimization = false, naming 1.x’s optimizerIdx', async () => {
    class Automatic extends Turns {
      override automaticOptimization = true
    }
    await expect(fit(new Automatic())).rejects.toThrow(/2 optimizers.*optimizerIdx/s)
  })

  it('accumulateGradBatches beside manual optimization', async () => {
    await expect(fit(new Turns(), { accumulateGradBatches: 2 })).rejects.toThrow(/accumulateGradBatches: 2/)
  })

  it('its verbs outside of such a fit', () => {
    expect(() => new Line().optimizers()).toThrow(/automaticOptimization is true/)
    expect(() => new Turns().manualBackward(() => tf.scalar(1))).toThrow(/no fit is under way/)
  })

  it.each<[string, (module: Turns) => Promise<unknown>, RegExp]>([
    [
      'a step without a gradient',
      async (m) => (m.optimizers() as ManualOptimizer[])[0]?.step(),
      /no gradient to apply/,
    ],
    ['a loss of no parameter', (m) => m.manualBackward(() => tf.scalar(1)), /depends on none/],
    ['toggling a stranger', async (m) => m.toggleOptimizer({} as never), /none of this module/],
  ])('%s', async (_, act, message) => {
    class Acting extends Turns {
      override async trainingStep(): Promise<void> {
        await act(this)
      }
    }
    await expect(fit(new Acting())).rejects.toThrow(message)
  })

  it('an optimizer without parameters of its own', async () => {
    class Greedy extends Turns {
      override configureOptimizers(): never {
        return [{ optimizer: adam(), parameters: [this.first, this.second] }, adam()] as never
      }
    }
    await expect(fit(new Greedy())).rejects.toThrow(/others name them all/)
  })

  it('several optimizers where ranks exchange weights', async () => {
    const fits = onRanks(2, (trainer) => trainer.fit(new Turns(), lineLoader(8)), {
      strategy: new LocalSGDStrategy({ steps: 2 }),
    })
    await expect(fits).rejects.toThrow(/exchanges weights/)
  })

  it('a rank that steps another optimizer than the others, by a named error and not by waiting', async () => {
    class Odd extends Turns {
      override async trainingStep([x, y]: [tf.Tensor, tf.Tensor]): Promise<void> {
        const both = this.optimizers() as ManualOptimizer[]
        await this.manualBackward(() => tf.losses.meanSquaredError(y, tf.mul(x, tf.add(this.first, this.second))))
        if (this.globalRank === 1) await both[1]?.step()
        await both[0]?.step()
      }
    }
    const odd = onRanks(2, (trainer) => trainer.fit(new Odd(), lineLoader(8)), {}, { stepTimeoutMs: 500 })
    await expect(odd).rejects.toMatchObject({ name: 'RondoError' })
  })

  it('ranks with fewer batches, naming the rank', async () => {
    const uneven = onRanks(
      2,
      (trainer, { context }) => {
        const all = lineLoader(12)
        const data = subset(all.dataset as never, context.group.rank === 0 ? [0, 1, 2, 3, 4] : [5, 6])
        return trainer.fit(new Turns(), new DataLoader(data as never, { batchSize: 2 }))
      },
      { useDistributedSampler: false },
    )
    await expect(uneven).rejects.toThrow(/rank 1 has no training data left/)
  })
})
