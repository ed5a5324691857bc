/** What a long run costs: nothing is sent while batches accumulate, and neither tensors nor rows pile up. */
import { selectAccelerator, tf } from '@rondo/engine'
import { beforeAll, describe, expect, it } from 'vitest'
import { addToHistory, emptyBoard } from '../logging/metrics.ts'
import { Line, lineLoader, onRanks } from '../testing/line.ts'

beforeAll(async () => {
  await selectAccelerator('cpu')
})

describe('accumulateGradBatches', () => {
  it('communicates only with the k-th batch and the last, which steps; never with the first', async () => {
    const [seen] = await onRanks(
      2,
      async (trainer, { context }) => {
        const sent: boolean[] = []
        const steps: number[] = []
        let before = 0
        class Counting extends Line {
          override onTrainBatchStart(): void {
            before = context.group.payloadBytesSent
          }
          override onTrainBatchEnd(): void {
            sent.push(context.group.payloadBytesSent > before)
            steps.push(this.globalStep)
          }
        }
        await trainer.fit(new Counting(), lineLoader(16, { batchSize: 1 }))
        return { sent, steps }
      },
      { accumulateGradBatches: 3 },
    )
    expect(seen?.steps).toEqual([0, 0, 1, 1, 1, 2, 2, 3])
    expect(seen?.sent).toEqual([false, false, true, false, false, true, false, true])
  })
})

describe('memory', () => {
  it('holds as many tensors after 300 steps as after 10', async () => {
    const counts: number[] = []
    class Counting extends Line {
      override onTrainBatchEnd(): void {
        if (this.globalStep % 10 === 0) counts.push(tf.memory().numTensors)
      }
    }
    const [rows] = await onRanks(
      1,
      async (trainer) => {
        await trainer.fit(new Counting(), lineLoader(40), lineLoader(8))
        return trainer.history.length
      },
      { maxEpochs: -1, maxSteps: 300 },
    )
    expect(counts).toHaveLength(30)
    expect(new Set(counts).size).toBe(1)
    expect(rows).toBeLessThanOrEqual(330)
  })

  it('bounds the history: past 20,000 rows every second old one goes', () => {
    const board = emptyBoard()
    for (let step = 1; step <= 30_001; step++) addToHistory(board, step, 0, { loss: step })
    expect(board.history.length).toBeLessThanOrEqual(20_000)
    expect(board.history.at(-1)).toMatchObject({ step: 30_001 })
  })
})
