/** *StepEnd and prepareDataPerNode: called under ddp as under one rank, and differentiated. */
import { tf } from '@rondo/engine'
import { describe, expect, it } from 'vitest'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import { joinOutputs } from './step-end.ts'

class Ending extends Line {
  seen: unknown[] = []
  override trainingStep([x, y]: tf.Tensor[]): never {
    return { prediction: this.forward(x), y, name: 'part', size: tf.scalar(x?.shape[0] ?? 0) } as never
  }
  override trainingStepEnd({ prediction, y, name, size }: Record<string, tf.Tensor>): tf.Tensor {
    const loss = tf.losses.meanSquaredError(y as tf.Tensor, prediction as tf.Tensor) as tf.Tensor
    this.log('train_loss', loss)
    this.seen.push([prediction?.shape, name, size?.shape])
    return loss
  }
  override validationStep([x]: tf.Tensor[]): never {
    return [this.forward(x), 'v'] as never
  }
  override validationStepEnd([prediction, name]: [tf.Tensor, string[]]): tf.Tensor {
    this.log('val_mean', tf.mean(prediction))
    this.seen.push(name)
    return prediction
  }
  override onValidationBatchEnd(outputs: tf.Tensor): void {
    this.seen.push(outputs.shape)
  }
  override testStep([x]: tf.Tensor[]): never {
    return this.forward(x) as never
  }
  override testStepEnd(prediction: tf.Tensor): void {
    this.log('test_mean', tf.mean(prediction))
  }
}

describe('*StepEnd', () => {
  it.each([1, 2, 4])(
    'gets its own output joined on axis 0, on %i ranks, and its loss is differentiated',
    async (ranks) => {
      const fit = (make: () => Line) =>
        onRanks(ranks, async (trainer) => {
          const module = make()
          await trainer.fit(module, lineLoader(16, { batchSize: 16 / ranks }), lineLoader(8))
          return { module, trainer, test: await trainer.test(module, lineLoader(8)) }
        })
      const ending = await fit(() => new Ending())
      const plain = await fit(() => new Line())
      for (const [rank, { module, trainer, test }] of ending.entries()) {
        expect(module.weights()).toEqual(plain[rank]?.module.weights())
        expect(Object.keys(trainer.callbackMetrics)).toEqual(expect.arrayContaining(['train_loss', 'test_mean']))
        expect(Object.keys(test[0] ?? {})).toEqual(['test_mean'])
        expect((module as Ending).seen).toContainEqual([[16 / ranks, 1], ['part'], [1]])
        expect((module as Ending).seen).toContainEqual(['v'])
      }
    },
  )

  it('joins several parts: tensors on axis 0, scalars one a part, lists of all else', () => {
    const parts = [
      { p: tf.ones([2, 3]), loss: tf.scalar(1), name: 'a', list: [tf.zeros([1])] },
      { p: tf.ones([1, 3]), loss: tf.scalar(2), name: 'b', list: [tf.zeros([2])] },
    ]
    const joined = joinOutputs(parts) as { p: tf.Tensor; loss: tf.Tensor; name: string[]; list: tf.Tensor[] }
    expect(joined.p.shape).toEqual([3, 3])
    expect([...joined.loss.dataSync()]).toEqual([1, 2])
    expect(joined.name).toEqual(['a', 'b'])
    expect(joined.list[0]?.shape).toEqual([3])
  })

  it('names the method that returned no loss', async () => {
    class Empty extends Ending {
      override trainingStepEnd(): never {
        return undefined as never
      }
    }
    await expect(onRanks(1, (trainer) => trainer.fit(new Empty(), lineLoader(4)))).rejects.toThrow(
      /trainingStepEnd returned nothing/,
    )
  })
})

it.each([
  [true, [0, 2]],
  [false, [0]],
])('prepareDataPerNode: %s prepares on ranks %j', async (perNode, wanted) => {
  const prepared: number[] = []
  class Prepared extends Line {
    override prepareDataPerNode = perNode
    override prepareData(): void {
      prepared.push(this.globalRank)
    }
  }
  await onRanks(4, async (trainer, { context }) => {
    // Two nodes of two ranks.
    const { rank } = context.group
    Object.defineProperty(context, 'localRank', { value: rank % 2 })
    await trainer.fit(new Prepared(), lineLoader(8))
  })
  expect(prepared.sort()).toEqual(wanted)
})
