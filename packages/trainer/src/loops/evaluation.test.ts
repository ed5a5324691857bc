/** Validate, test, predict: every sample once and in order, schedules of validation, steps that free their tensors. */
import { DataLoader } from '@rondo/data'
import { tf } from '@rondo/engine'
import { describe, expect, it, vi } from 'vitest'
import type { TrainerOptions } from '../options/options.ts'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import { interruptTrainers } from '../trainer.ts'

class Counted extends Line {
  calls: string[] = []
  override validationStep(batch: tf.Tensor[]): void {
    this.calls.push(this.trainer.sanityChecking ? 'sanity' : `v${this.globalStep}`)
    super.validationStep(batch)
  }
}

describe('when to validate', () => {
  it.each<[TrainerOptions, string]>([
    [{}, 'sanity v6 v12'],
    [{ checkValEveryNEpoch: 2 }, 'sanity v12'],
    [{ valCheckInterval: 0.5 }, 'sanity v3 v6 v9 v12'],
    [{ valCheckInterval: 4 }, 'sanity v4 v10'],
    [{ numSanityValSteps: 0, limitTrainBatches: 2 }, 'v2 v4'],
    [{ limitValBatches: 0 }, ''],
    [{ fastDevRun: true }, 'v1'],
  ])('%j', async (options, calls) => {
    const [module] = await onRanks(
      1,
      async (trainer) => {
        const counted = new Counted()
        await trainer.fit(counted, lineLoader(24), lineLoader(4))
        return counted
      },
      { maxEpochs: 2, ...options },
    )
    expect(module?.calls.join(' ')).toBe(calls)
  })

  it('says so when the interval is longer than the epoch', async () => {
    const fit = onRanks(1, (trainer) => trainer.fit(new Line(), lineLoader(8), lineLoader(4)), { valCheckInterval: 9 })
    await expect(fit).rejects.toThrow(/9.*2 training batches/)
  })

  it('overfits the first batches, unshuffled, and validates on the same', async () => {
    const seen: number[][] = []
    class Watching extends Line {
      override onTrainBatchStart([x]: tf.Tensor[]): void {
        seen.push([...(x as tf.Tensor).dataSync()])
      }
      override onValidationBatchStart([x]: tf.Tensor[]): void {
        seen.push([...(x as tf.Tensor).dataSync()])
      }
    }
    await onRanks(1, (trainer) => trainer.fit(new Watching(), lineLoader(24, { shuffle: true })), {
      overfitBatches: { batches: 1 },
      numSanityValSteps: 0,
      maxEpochs: 2,
    })
    expect(new Set(seen.map(String))).toEqual(new Set(['0,0.25,0.5,0.75']))
    expect(seen).toHaveLength(4)
  })
})

describe('predict', () => {
  class Identity extends Line {
    override forward(x: tf.Tensor): tf.Tensor {
      return this.training ? super.forward(x) : tf.mul(x, 4)
    }
  }

  it.each([1, 2, 4])('gives every sample once, in order, on %i ranks', async (ranks) => {
    const results = await onRanks(ranks, async (trainer) => {
      const batches = (await trainer.predict(new Identity(), lineLoader(10))) as tf.Tensor[]
      return batches.map((batch) => [...batch.dataSync()])
    })
    for (const batches of results)
      expect(batches).toEqual([
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
      ])
  })

  it('keeps the form of what a step returns, and works with fewer samples than ranks', async () => {
    class Formed extends Identity {
      override predictStep([x]: tf.Tensor[]): unknown {
        const input = x as tf.Tensor
        return {
          sum: tf.sum(input, 1),
          pair: [input, tf.cast(input, 'int32')],
          labels: [...input.dataSync()].map(String),
        }
      }
    }
    const forms = await onRanks(3, async (trainer) => {
      const [batch] = (await trainer.predict(new Formed(), lineLoader(2))) as Array<{
        sum: tf.Tensor
        pair: tf.Tensor[]
        labels: string[]
      }>
      return {
        sum: [...(batch?.sum.dataSync() ?? [])],
        dtype: batch?.pair[1]?.dtype,
        shape: batch?.pair[0]?.shape,
        labels: batch?.labels,
      }
    })
    for (const form of forms)
      expect(form).toEqual({ sum: [0, 0.25], dtype: 'int32', shape: [2, 1], labels: ['0', '0.25'] })
    class Scalar extends Identity {
      override predictStep(): unknown {
        return 3
      }
    }
    const fails = onRanks(2, (trainer) => trainer.predict(new Scalar(), lineLoader(8)))
    await expect(fails).rejects.toThrow(/one entry a sample/)
  })
})

describe('validate and test', () => {
  it('make weights equal to those of rank 0 and leave no tensors', async () => {
    const losses = await onRanks(2, async (trainer, { context }) => {
      const module = new Line()
      module.net.setWeights([tf.tensor2d([[context.group.rank + 1]]), tf.zeros([1])])
      const [metrics] = await trainer.test(module, lineLoader(8))
      return [metrics?.['test_loss'], ...module.weights()]
    })
    expect(losses[0]).toEqual(losses[1])
    expect(losses[0]?.[1]).toBe(1)
    await onRanks(1, async (trainer) => {
      const module = new Line()
      await trainer.validate(module, lineLoader(16))
      const before = tf.memory().numTensors
      await trainer.validate(module, lineLoader(16))
      await trainer.test(module, lineLoader(16))
      expect(tf.memory().numTensors).toBe(before)
    })
  })

  it('give the metrics of each loader, and refuse where there is no step or loader', async () => {
    class Bare extends Line {}
    Object.defineProperty(Bare.prototype, 'testStep', { value: undefined })
    await onRanks(1, async (trainer) => {
      const metrics = await trainer.test(new Line(), [lineLoader(4), lineLoader(8)])
      expect(metrics.map((own) => Object.keys(own))).toEqual([
        ['test_loss/dataloader_idx_0'],
        ['test_loss/dataloader_idx_1'],
      ])
      await expect(trainer.test(new Bare(), lineLoader(4))).rejects.toThrow(/no testStep/)
      await expect(trainer.test(new Line())).rejects.toThrow(/testDataloader/)
      await expect(trainer.test(new Line(), lineLoader(4), { ckptPath: 'best' })).rejects.toThrow(/no ModelCheckpoint/)
    })
  })

  it('let an async step dispose of its own tensors, and refuse a hidden promise', async () => {
    class Waiting extends Line {
      override async validationStep([x]: tf.Tensor[]): Promise<void> {
        const mean = tf.mean(x as tf.Tensor)
        await Promise.resolve()
        this.log('mean', mean)
        mean.dispose()
      }
    }
    class Hiding extends Line {
      override validationStep() {
        return Promise.resolve() as never
      }
    }
    await onRanks(1, async (trainer) => {
      const [metrics] = await trainer.validate(new Waiting(), lineLoader(4))
      expect(metrics?.['mean']).toBeCloseTo(0.375, 6)
      await expect(trainer.validate(new Hiding(), lineLoader(4))).rejects.toThrow(/declared async/)
    })
  })
})

it('ends at the next batch when somebody interrupts, and works again afterwards', async () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {})
  class Interrupted extends Line {
    override onTrainBatchEnd(_: unknown, __: unknown, index: number): void {
      if (index === 1) interruptTrainers('Stopped by hand.')
    }
  }
  await onRanks(1, async (trainer) => {
    await expect(trainer.fit(new Interrupted(), lineLoader(64))).rejects.toMatchObject({ code: 'ABORTED' })
    expect(trainer.globalStep).toBe(2)
    await trainer.fit(new Line(), new DataLoader(lineLoader(8).dataset as never, { batchSize: 4 }))
    expect(trainer.globalStep).toBe(2)
  })
  error.mockRestore()
})
