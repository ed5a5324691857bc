/** gradientClipVal, precision and the loss scale in the Trainer's own loops. */
import { type Optimizer, selectAccelerator, sgd, tf } from '@rondo/engine'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ManualOptimizer } from '../module/manual-optimizer.ts'
import { decodeCheckpoint } from '../state/checkpoint.ts'
import { Line, lineLoader, onRanks } from '../testing/line.ts'

beforeAll(async () => {
  await selectAccelerator('cpu')
})

class Steep extends Line {
  override configureOptimizers(): Optimizer {
    return sgd({ learningRate: 1 })
  }
}

const moved = (worldSize: number, options: object, make = () => new Steep()) =>
  onRanks(
    worldSize,
    async (trainer) => {
      const module = make()
      await trainer.fit(module, lineLoader(8 * worldSize, { batchSize: 8 }))
      return module.weights()
    },
    { limitTrainBatches: { batches: 1 }, ...options },
  )

describe('gradientClipVal', () => {
  it.each([1, 2])('limits the norm of the averaged gradient, on %i ranks', async (ranks) => {
    for (const [kernel, bias] of (await moved(ranks, { gradientClipVal: 0.5 })) as [number, number][]) {
      expect(Math.hypot(kernel, bias)).toBeCloseTo(0.5, 5)
    }
    for (const weights of await moved(ranks, { gradientClipVal: 0.25, gradientClipAlgorithm: 'value' })) {
      expect(weights).toEqual([0.25, 0.25])
    }
  })

  it('is refused where the module steps itself, which clips by clipGradients', async () => {
    class ByHand extends Steep {
      override automaticOptimization = false
      override trainingStep(batch: tf.Tensor[]): never {
        return this.step(batch) as never
      }
      async step(batch: tf.Tensor[]): Promise<void> {
        const optimizer = this.optimizers() as ManualOptimizer
        optimizer.zeroGrad()
        await this.manualBackward(() => this.loss(batch))
        this.clipGradients(optimizer, { maxNorm: 0.5 })
        await optimizer.step()
      }
    }
    await expect(moved(1, { gradientClipVal: 1 }, () => new ByHand())).rejects.toThrow(/gradientClipVal: 1/)
    for (const [kernel, bias] of (await moved(2, {}, () => new ByHand())) as [number, number][]) {
      expect(Math.hypot(kernel, bias)).toBeCloseTo(0.5, 5)
    }
  })
})

it('steps run in the precision of the trainer: products are rounded in all of them', async () => {
  const seen: Record<string, number> = {}
  const product = (): number => tf.matMul(tf.tensor2d([[1.00390625]]), tf.tensor2d([[1]])).dataSync()[0] as number
  class Rounded extends Line {
    override trainingStep(batch: tf.Tensor[]): tf.Tensor {
      seen['train'] = product()
      return super.trainingStep(batch)
    }
    override validationStep(): void {
      seen['validate'] = product()
    }
    override predictStep([x]: tf.Tensor[]): tf.Tensor {
      seen['predict'] = product()
      return x as tf.Tensor
    }
  }
  const run = (precision: string) =>
    onRanks(
      1,
      async (trainer) => {
        const module = new Rounded()
        await trainer.fit(module, lineLoader(4), lineLoader(4))
        await trainer.predict(module, lineLoader(4))
      },
      { precision },
    )
  await run('bf16-mixed')
  expect(seen).toEqual({ train: 1, validate: 1, predict: 1 })
  await run('32-true')
  expect(seen['train']).toBe(1.00390625)
})

it('checkpoints hold a place for the loss scale', async () => {
  await onRanks(1, async (trainer, { context }) => {
    await trainer.fit(new Line(), lineLoader(8))
    Object.assign(context, { precision: { scaler: { stateDict: () => ({ scale: 32_768 }) } } })
    await trainer.saveCheckpoint('scaled.ckpt')
    const { state } = decodeCheckpoint('scaled.ckpt', await context.files.read('scaled.ckpt'))
    expect(state.lossScaler).toEqual({ scale: 32_768 })
  })
})
