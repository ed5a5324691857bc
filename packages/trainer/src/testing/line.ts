/** A line to fit, y = 3x, and what tests need around it. For tests only. */
import { column, DataLoader, type DataLoaderOptions, InMemoryDataset } from '@rondo/data'
import type { Optimizer } from '@rondo/engine'
import { sgd, tf } from '@rondo/engine'
import { type RanksOptions, runRanks, type TestRank } from '../../../fabric/src/testing/ranks.ts'
import { RondoModule } from '../module/module.ts'
import type { TrainerOptions } from '../options/options.ts'
import { Trainer } from '../trainer.ts'

export class Line extends RondoModule {
  net = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1, kernelInitializer: 'zeros' })] })

  loss([x, y]: tf.Tensor[]): tf.Scalar {
    return tf.losses.meanSquaredError(y as tf.Tensor, this.forward(x)) as tf.Scalar
  }

  override trainingStep(batch: tf.Tensor[]): tf.Tensor {
    const loss = this.loss(batch)
    this.log('train_loss', loss)
    return loss
  }

  override validationStep(batch: tf.Tensor[]): void {
    this.log('val_loss', this.loss(batch))
  }

  override testStep(batch: tf.Tensor[]): void {
    this.log('test_loss', this.loss(batch))
  }

  override configureOptimizers(): Optimizer {
    return sgd({ learningRate: 0.01 })
  }

  weights(): number[] {
    return this.net.getWeights().flatMap((weight) => [...weight.dataSync()])
  }
}

/** Samples x = 0 … count−1 (scaled down), y = 3x. */
export function lineLoader(count: number, options: DataLoaderOptions = {}): DataLoader {
  const x = Float32Array.from({ length: count }, (_, i) => i / 4)
  const y = x.map((value) => 3 * value)
  return new DataLoader(new InMemoryDataset([column(x, [count, 1]), column(y, [count, 1])]), {
    batchSize: 4,
    ...options,
  })
}

/** A trainer that is this rank's, quiet unless told otherwise. */
export function trainerOn(rank: TestRank, options: TrainerOptions = {}): Trainer {
  const trainer = new Trainer({ enableModelSummary: false, maxEpochs: 1, enableCheckpointing: false, ...options })
  trainer.context = rank.context
  return trainer
}

/** Runs the same program on every rank, each with a trainer of its own. */
export function onRanks<T>(
  worldSize: number,
  program: (trainer: Trainer, rank: TestRank) => Promise<T>,
  options: TrainerOptions = {},
  ranksOptions: RanksOptions = {},
): Promise<T[]> {
  return runRanks(worldSize, (rank) => program(trainerOn(rank, options), rank), ranksOptions)
}
