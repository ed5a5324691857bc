/** Fit on one rank and several: the same weights, the hooks' order, accumulation, uneven data, ends, leaks. */
import { column, DataLoader, type IterableDataset, subset } from '@rondo/data'
import { adam, sgd, tf } from '@rondo/engine'
import { describe, expect, it } from 'vitest'
import { Callback } from '../callbacks/callback.ts'
import { DataModule } from '../module/data-module.ts'
import { RondoModule } from '../module/module.ts'
import { Line, lineLoader, onRanks } from '../testing/line.ts'

const weightsAfter = async (worldSize: number, batchSize: number, options = {}): Promise<number[][]> =>
  onRanks(
    worldSize,
    async (trainer) => {
      const module = new Line()
      await trainer.fit(module, lineLoader(24, { batchSize, shuffle: true }), lineLoader(8))
      expect(trainer.currentEpoch).toBe(2)
      return module.weights()
    },
    { maxEpochs: 2, ...options },
  )

describe('fit', () => {
  it('gives two ranks with half the batch the weights of one rank', async () => {
    const [one] = await weightsAfter(1, 8)
    const two = await weightsAfter(2, 4)
    for (const weights of two) expectClose(weights, one)
    expect(two[0]).toEqual(two[1])
    expect(one?.[0]).toBeGreaterThan(1)
  })

  it('makes k accumulated batches equal to one big batch, at 1/k of the steps', async () => {
    const [big] = await weightsAfter(1, 12)
    const [accumulated] = await weightsAfter(1, 4, { accumulateGradBatches: 3 })
    const both = await weightsAfter(2, 2, { accumulateGradBatches: 3 })
    for (const weights of [accumulated, ...both]) {
      expectClose(weights, big)
    }
  })

  it('steps on an incomplete last group, and counts optimizer steps', async () => {
    const [steps] = await onRanks(
      1,
      async (trainer) => {
        await trainer.fit(new Line(), lineLoader(20, { batchSize: 4 }))
        return trainer.globalStep
      },
      { accumulateGradBatches: 3 },
    )
    expect(steps).toBe(2)
  })

  it('calls hooks in order, callbacks before the module', async () => {
    const calls: string[] = []
    const names = [
      'setup onFitStart onSanityCheckStart onValidationStart onValidationEpochStart onValidationBatchStart',
      'onValidationBatchEnd onValidationEpochEnd onValidationEnd onSanityCheckEnd onTrainStart onTrainEpochStart',
      'onTrainBatchStart onBeforeZeroGrad onAfterBackward onBeforeOptimizerStep onTrainBatchEnd onTrainEpochEnd',
      'onTrainEnd onFitEnd teardown',
    ].flatMap((line) => line.split(' '))
    class Hooked extends Line {
      override prepareData(): void {
        calls.push('prepareData')
      }
      override configureModel(): void {
        calls.push('configureModel')
      }
      override configureOptimizers() {
        calls.push('configureOptimizers')
        return super.configureOptimizers()
      }
    }
    const module = new Hooked()
    const callback = new Callback()
    for (const name of names) {
      Object.defineProperty(module, name, { value: () => calls.push(name) })
      Object.defineProperty(callback, name, { value: () => calls.push(`callback ${name}`) })
    }
    await onRanks(1, (trainer) => trainer.fit(module, lineLoader(4), lineLoader(4)), { callbacks: callback })
    expect(calls.filter((call) => !call.startsWith('callback'))).toEqual([
      'prepareData',
      'setup',
      'configureModel',
      'configureOptimizers',
      'onFitStart',
      ...['onSanityCheckStart', 'onValidationStart', 'onValidationEpochStart', 'onValidationBatchStart'],
      ...['onValidationBatchEnd', 'onValidationEpochEnd', 'onValidationEnd', 'onSanityCheckEnd'],
      ...['onTrainStart', 'onTrainEpochStart', 'onTrainBatchStart', 'onBeforeZeroGrad', 'onAfterBackward'],
      ...['onBeforeOptimizerStep', 'onTrainBatchEnd', 'onValidationStart', 'onValidationEpochStart'],
      ...['onValidationBatchStart', 'onValidationBatchEnd', 'onValidationEpochEnd', 'onValidationEnd'],
      ...['onTrainEpochEnd', 'onTrainEnd', 'onFitEnd', 'teardown'],
    ])
    expect(calls.indexOf('callback onTrainStart')).toBe(calls.indexOf('onTrainStart') - 1)
  })

  it('lets ranks whose data ends early go on without it, each sample counting once', async () => {
    // Rank 0 has 5 batches of 4, rank 1 has 2; the weights must be those of one rank seeing each step's union.
    const run = async (endless: boolean) =>
      onRanks(
        2,
        async (trainer, { context }) => {
          const module = new Line()
          const all = lineLoader(28)
          const own = context.group.rank === 0 ? range(0, 20) : range(20, 28)
          const data = subset(all.dataset as never, own)
          const loader = endless
            ? new DataLoader(stream(own), { batchSize: 4 })
            : new DataLoader(data as never, { batchSize: 4 })
          await trainer.fit(module, loader)
          return { weights: module.weights(), steps: trainer.globalStep }
        },
        { useDistributedSampler: false },
      )
    const [reference] = await onRanks(1, async (trainer) => {
      const order = [...range(0, 4), ...range(20, 24), ...range(4, 8), ...range(24, 28), ...range(8, 20)]
      const sizes = [8, 8, 4, 4, 4]
      const module = new Line()
      const { model, optimizer, step } = await byHand(trainer, module)
      let at = 0
      for (const size of sizes) {
        await step(model, optimizer, order.slice(at, at + size))
        at += size
      }
      return module.weights()
    })
    for (const { weights, steps } of [...(await run(false)), ...(await run(true))]) {
      expect(steps).toBe(5)
      expectClose(weights, reference)
    }
  })

  it('stops at maxSteps, maxTime and shouldStop of any rank, but not before minEpochs', async () => {
    const ends = await onRanks(
      2,
      async (trainer) => {
        await trainer.fit(new Line(), lineLoader(64))
        return trainer.globalStep
      },
      { maxSteps: 3, maxEpochs: -1 },
    )
    expect(ends).toEqual([3, 3])
    class StopsOnRankOne extends Line {
      override onTrainBatchEnd(): void {
        if (this.globalRank === 1 && this.globalStep === 2) this.trainer.shouldStop = true
      }
    }
    const stopped = (options: object) =>
      onRanks(
        2,
        async (trainer) => {
          await trainer.fit(new StopsOnRankOne(), lineLoader(64))
          return [trainer.globalStep, trainer.currentEpoch]
        },
        { maxEpochs: 5, ...options },
      )
    expect(await stopped({})).toEqual([
      [2, 1],
      [2, 1],
    ])
    expect(await stopped({ minEpochs: 2 })).toEqual([
      [16, 2],
      [16, 2],
    ])
    const [epochs] = await onRanks(
      1,
      async (trainer) => {
        await trainer.fit(new Line(), lineLoader(8))
        return trainer.currentEpoch
      },
      { maxEpochs: -1, maxTime: { seconds: 0.05 } },
    )
    expect(epochs).toBeGreaterThan(0)
  })

  it('takes data from a data module, prepared once', async () => {
    const calls: string[] = []
    class Data extends DataModule {
      override prepareData(): void {
        calls.push('prepare')
      }
      override setup(stage: string): void {
        calls.push(stage)
      }
      override trainDataloader() {
        return lineLoader(8)
      }
      override valDataloader() {
        return [lineLoader(4), lineLoader(8)]
      }
    }
    const [metrics] = await onRanks(2, async (trainer) => {
      await trainer.fit(new Line(), new Data())
      return trainer.callbackMetrics
    })
    expect(calls).toEqual(['prepare', 'fit', 'fit'])
    expect(Object.keys(metrics ?? {})).toContain('val_loss/dataloader_idx_1')
  })

  it('keeps the number of tensors flat over epochs', async () => {
    const counts: number[] = []
    class Counting extends Line {
      override trainingStep(batch: tf.Tensor[]) {
        this.log('twice', tf.mul(this.loss(batch), 2))
        return super.trainingStep(batch)
      }
      override onTrainEpochEnd(): void {
        counts.push(tf.memory().numTensors)
      }
    }
    await onRanks(1, (trainer) => trainer.fit(new Counting(), lineLoader(16), lineLoader(8)), { maxEpochs: 6 })
    expect(new Set(counts.slice(1)).size).toBe(1)
  })

  it('trains again from the weights it left, and tells every rank of a failure', async () => {
    const [losses] = await onRanks(
      1,
      async (trainer) => {
        const module = new Line()
        await trainer.fit(module, lineLoader(16))
        const first = trainer.callbackMetrics['train_loss'] as number
        await trainer.test(module, lineLoader(8))
        await trainer.fit(module, lineLoader(16))
        return [first, trainer.callbackMetrics['train_loss'] as number]
      },
      { maxEpochs: 3 },
    )
    expect(losses?.[1]).toBeLessThan(losses?.[0] as number)

    const told: number[] = []
    class Failing extends Line {
      override onTrainBatchStart(_: unknown, index: number): void {
        if (this.globalRank === 1 && index === 1) throw new Error('no more')
      }
      override onException(): void {
        told.push(this.globalRank)
      }
    }
    await expect(onRanks(2, (trainer) => trainer.fit(new Failing(), lineLoader(32)))).rejects.toThrow()
    await expect.poll(() => told.toSorted()).toEqual([0, 1])
  })

  it('goes on with the moments of an optimizer that a module holds, whatever else was fitted between', async () => {
    class Holding extends Line {
      held = adam({ learningRate: 0.01 })
      override configureOptimizers() {
        return this.held
      }
    }
    await onRanks(1, async (trainer) => {
      const module = new Holding()
      await trainer.fit(module, lineLoader(8))
      await trainer.fit(new Holding(), lineLoader(8))
      await trainer.fit(module, lineLoader(8))
      const { tensors } = await module.held.state()
      expect(tensors.find(({ name }) => name.endsWith('kernel.step'))?.data[0]).toBe(4)
      expect(trainer.optimizers).toEqual([module.held])
    })
  })

  it('refuses a module that cannot be trained, saying what is missing', async () => {
    class NoStep extends RondoModule {
      w = tf.variable(tf.scalar(1))
    }
    class NoOptimizer extends NoStep {
      override trainingStep() {
        return this.w.square() as tf.Tensor
      }
    }
    class NoLoss extends NoOptimizer {
      override configureOptimizers() {
        return sgd({ learningRate: 1 })
      }
      override trainingStep() {
        return undefined as never
      }
    }
    await onRanks(1, async (trainer) => {
      await expect(trainer.fit(new NoStep(), lineLoader(4))).rejects.toThrow(/trainingStep/)
      await expect(trainer.fit(new NoOptimizer(), lineLoader(4))).rejects.toThrow(/configureOptimizers/)
      await expect(trainer.fit(new NoLoss(), lineLoader(4))).rejects.toThrow(/trainingStep returned nothing/)
      await expect(trainer.fit(new Line())).rejects.toThrow(/trainDataloader/)
      await expect(trainer.fit({} as never)).rejects.toThrow(/RondoModule/)
      await expect(trainer.fit(new Line(), 3 as never)).rejects.toThrow(/DataLoader/)
    })
  })
})

function expectClose(weights: number[] | undefined, wanted: number[] | undefined): void {
  expect(weights?.length).toBe(wanted?.length)
  for (const [i, weight] of (weights ?? []).entries()) expect(weight).toBeCloseTo(wanted?.[i] as number, 5)
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

function stream(items: readonly number[]): IterableDataset {
  return items.map((i) => [column(Float32Array.of(i / 4), [1]), column(Float32Array.of((3 * i) / 4), [1])] as never)
}

/** Fabric's own verbs on the same model, as the reference. */
async function byHand(trainer: { context: unknown }, module: Line) {
  const { Fabric } = await import('@rondo/fabric')
  const fabric = new Fabric({}, trainer.context as never)
  await fabric.launch()
  const [model, optimizer] = await fabric.setup(module, module.configureOptimizers())
  const step = async (m: typeof model, o: typeof optimizer, items: number[]): Promise<void> => {
    const x = tf.tensor2d(
      items.map((i) => i / 4),
      [items.length, 1],
    )
    o.zeroGrad()
    await fabric.backward(() => tf.losses.meanSquaredError(tf.mul(x, 3), m.forward(x)) as tf.Scalar, {
      samples: items.length,
    })
    await o.step()
  }
  return { model, optimizer, step }
}
