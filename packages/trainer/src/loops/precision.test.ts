/** Precision and clipping in fit: half precision on ranks, the loss scale in checkpoints, skipped steps and schedules. */
import { LossScaler, type LossScalerOptions, type Optimizer, StepLR, sgd, tf } from '@rondo/engine'
import { MixedPrecision } from '@rondo/fabric'
import { expect, it } from 'vitest'
import { runRanks } from '../../../fabric/src/testing/ranks.ts'
import type { ManualOptimizer } from '../module/manual-optimizer.ts'
import type { TrainerOptions } from '../options/types.ts'
import { Line, lineLoader, onRanks, trainerOn } from '../testing/line.ts'

const weightOf = (line: Line): number => line.weights()[0] as number

async function fitted(world: number, options: TrainerOptions, make = () => new Line()): Promise<Line[]> {
  return onRanks(
    world,
    async (trainer) => {
      const line = make()
      await trainer.fit(line, lineLoader(16))
      return line
    },
    { maxEpochs: 2, ...options },
  )
}

it.each(['bf16-mixed', 'bf16-true', '16-true'])(
  'fits with precision %s on 2 ranks, equally, near float32 and not in it',
  async (precision) => {
    const [full] = await fitted(2, {})
    const [first, second] = await fitted(2, { precision })
    expect(first?.weights()).toEqual(second?.weights())
    expect(first?.weights()).not.toEqual(full?.weights())
    expect(weightOf(first as Line)).toBeCloseTo(weightOf(full as Line), 1)
  },
)

it('evaluates and predicts in the same precision', async () => {
  await onRanks(
    1,
    async (trainer) => {
      const line = new Line()
      line.net.setWeights([tf.tensor2d([[1.01171875]]), tf.tensor1d([0])])
      const seen: number[] = []
      line.predictStep = ([x]: tf.Tensor[]) => {
        const y = line.forward(x as tf.Tensor) as tf.Tensor
        seen.push(...y.dataSync())
        return y
      }
      await trainer.predict(line, lineLoader(8))
      expect(seen[4]).toBe(1.015625)
    },
    { precision: 'bf16-mixed' },
  )
})

/** The first step that the line makes: −gradient, with a learning rate of 1. */
class OneStep extends Line {
  override configureOptimizers(): Optimizer {
    return sgd({ learningRate: 1 })
  }
}

it.each([
  ['norm', 0.5, (step: number[]) => Math.hypot(...step), 0.5],
  ['value', 0.25, (step: number[]) => Math.max(...step.map(Math.abs)), 0.25],
  [undefined, 0.5, (step: number[]) => Math.hypot(...step), 0.5],
] as const)(
  'clips by gradientClipAlgorithm %s on 1 and 2 ranks, after averaging',
  async (gradientClipAlgorithm, gradientClipVal, sizeOf, size) => {
    const options = { maxSteps: 1, gradientClipVal, ...(gradientClipAlgorithm ? { gradientClipAlgorithm } : {}) }
    for (const world of [1, 2]) {
      for (const line of await fitted(world, options, () => new OneStep()))
        expect(sizeOf(line.weights())).toBeCloseTo(size, 5)
    }
  },
)

it('refuses gradientClipVal where the module steps by itself', async () => {
  class Manual extends Line {
    override automaticOptimization = false
  }
  await expect(fitted(1, { gradientClipVal: 1 }, () => new Manual())).rejects.toThrow(
    /gradientClipVal: 1.*automaticOptimization/,
  )
})

/** An infinite loss in the second batch; the learning rate halves after every step. */
class Overflowing extends Line {
  override configureOptimizers(): never {
    const optimizer = sgd({ learningRate: 0.01 })
    return {
      optimizer,
      lrScheduler: { scheduler: new StepLR(optimizer, { stepSize: 1, gamma: 0.5 }), interval: 'step' as const },
    } as never
  }

  override trainingStep(batch: tf.Tensor[], index = 0): tf.Tensor {
    const loss = super.trainingStep(batch)
    return index === 1 ? tf.mul(loss, Number.POSITIVE_INFINITY) : loss
  }
}

/** float16 on the cpu too, with a scaler of each rank's own. */
const scaled = (options: LossScalerOptions): TrainerOptions => ({
  plugins: new MixedPrecision('16-mixed', { scaler: new LossScaler(options) }),
})

it.each([1, 2])(
  'skips a step that overflows and halves the scale, clipped or not, on %d ranks; the schedule waits',
  async (world) => {
    const results = await runRanks(world, async (rank) => {
      const line = new Overflowing()
      const trainer = trainerOn(rank, { maxSteps: 3, gradientClipVal: 10, ...scaled({ initScale: 64 }) })
      await trainer.fit(line, lineLoader(16, { batchSize: 4 / world }))
      const [rate] = trainer.optimizers.map(({ learningRate }) => learningRate)
      const scale = rank.context.precision?.scaler?.scale
      return { scale, rate, step: trainer.globalStep, weights: line.weights() }
    })
    for (const { scale, rate, step, weights } of results) {
      expect({ scale, rate, step }).toEqual({ scale: 32, rate: 0.01 / 4, step: 3 })
      expect(weights.every(Number.isFinite)).toBe(true)
      expect(weights).toEqual(results[0]?.weights)
    }
  },
)

it('saves the loss scale in checkpoints and goes on with it', async () => {
  await runRanks(2, async (rank) => {
    const options = scaled({ initScale: 64, growthInterval: 3 })
    const trainer = trainerOn(rank, { ...options, maxSteps: 2 })
    await trainer.fit(new Line(), lineLoader(32))
    await trainer.saveCheckpoint('scaled.ckpt')
    expect(rank.context.precision?.scaler?.stateDict()).toMatchObject({ scale: 64, growthTracker: 2 })
    const next = trainerOn(rank, { ...scaled({ growthInterval: 3 }), maxEpochs: 2 })
    await next.fit(new Line(), lineLoader(32), { ckptPath: 'scaled.ckpt' })
    // An epoch of four more: the first and the last are a third in a row.
    expect(rank.context.precision?.scaler?.stateDict()).toMatchObject({ scale: 256, growthTracker: 0 })
  })
})

it('gives a module that steps by itself the same gradients, scaled on their way', async () => {
  class Manual extends Line {
    override automaticOptimization = false
    override trainingStep(batch: tf.Tensor[]): never {
      const optimizer = this.optimizers() as ManualOptimizer
      optimizer.zeroGrad()
      return this.manualBackward(() => this.loss(batch)).then(() => optimizer.step()) as never
    }
  }
  const weightsWith = async (options: TrainerOptions): Promise<number[]> => {
    const [weights] = await runRanks(1, async (rank) => {
      const line = new Manual()
      await trainerOn(rank, { maxSteps: 2, ...options }).fit(line, lineLoader(16))
      return line.weights()
    })
    return weights as number[]
  }
  const plain = await weightsWith({})
  const half = await weightsWith(scaled({ initScale: 64 }))
  half.forEach((value, i) => {
    expect(value).toBeCloseTo(plain[i] as number, 2)
    expect(value).not.toBe(plain[i])
  })
})
