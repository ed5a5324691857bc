/**
 * One look at the training data without learning from it: what layers keep of each batch comes from the weights of now.
 * Not for: training (train-epoch.ts).
 */
import { tf } from '@rondo/engine'
import { BatchCursor } from '../loaders/batches.ts'
import { giveWay } from './give-way.ts'
import type { Training } from './training.ts'
import { lossOf } from './training-step.ts'

/**
 * Runs `trainingStep` on each batch of this rank's share of the epoch under way; nothing that it logs is kept.
 * @param before called before each batch, with its number from 0
 * @returns the number of batches
 */
export async function passOverTrainData(training: Training, before: (index: number) => void): Promise<number> {
  const { run, loader, limit } = training
  loader.setEpoch(run.trainer.currentEpoch)
  const cursor = new BatchCursor(loader, limit)
  try {
    for (let index = 0; ; index++) {
      run.checkInterrupt()
      const batch = await cursor.next()
      if (batch === null) return index
      run.scope = { stage: 'train', dataloaderIndex: null, batchSize: batch.samples }
      before(index)
      tf.tidy(() => {
        lossOf(run, batch.tensors, index)
      })
      run.trainResults.reset()
      await giveWay()
    }
  } finally {
    await cursor.close()
  }
}
