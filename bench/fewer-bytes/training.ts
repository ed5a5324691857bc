/**
 * One training with one method: ranks in this thread over links in memory, on wasm, with Fabric as in a browser. Real
 * tabs give the same bytes and the same weights, only slower. Not for: the tasks (mnist.ts, char.ts) or times.
 */
import { tf } from '@rondo/engine'
import { Fabric, type FabricModel } from '@rondo/fabric'
import type { Strategy } from '@rondo/strategies'
import { runRanks } from '../../packages/fabric/src/testing/ranks.ts'

export interface Task {
  /** Made on every rank alike: rank 0's weights become everyone's. */
  build(seed: number): { model: object; optimizer: tf.Optimizer }
  steps: number
  /** Loss of rank `rank`'s share of global batch `step`, and its samples. */
  batch(seed: number, step: number, rank: number, ranks: number): { inputs: tf.Tensor[]; samples: number }
  loss(model: FabricModel, inputs: tf.Tensor[]): tf.Scalar
  /** The figure that methods are compared by, on the weights at the end. */
  score(model: FabricModel): Promise<number>
}

export interface TrainingResult {
  score: number
  /** Sent by rank 0, headers aside, per step, from the first step to equal weights at the end. */
  bytesPerStep: number
  /** Mean training loss of the last tenth of the steps, all ranks. */
  trainLoss: number
  seconds: number
}

/** @throws Error when replicas differ where the strategy says that they are equal */
export async function trainOnce(
  task: Task,
  strategy: () => Strategy,
  seed: number,
  ranks: number,
): Promise<TrainingResult> {
  const began = performance.now()
  const results = await runRanks(
    ranks,
    async ({ context }) => {
      const fabric = new Fabric({ strategy: strategy() }, context)
      await fabric.launch()
      fabric.seedEverything(seed, { verbose: false })
      const built = task.build(seed)
      const [model, optimizer] = await fabric.setup(built.model as never, built.optimizer)
      const { group } = context
      const before = group.payloadBytesSent
      let lossSum = 0
      let losses = 0
      for (let step = 0; step < task.steps; step++) {
        const { inputs, samples } = task.batch(seed, step, group.rank, ranks)
        optimizer.zeroGrad()
        const loss = await fabric.backward(() => task.loss(model as FabricModel, inputs), { samples })
        await optimizer.step()
        tf.dispose(inputs)
        if (step < 0.9 * task.steps) continue
        lossSum += loss
        losses += 1
      }
      await model.syncWeights()
      const bytes = group.payloadBytesSent - before
      const score = group.rank === 0 ? await task.score(model as FabricModel) : 0
      return { hash: await model.weightsHash(), score, bytes, loss: lossSum / losses }
    },
    { accelerator: 'wasm', stepTimeoutMs: 120_000 },
  )
  const [first] = results
  if (results.some(({ hash }) => hash !== first?.hash)) throw new Error('the ranks ended with different weights')
  const mean = results.reduce((sum, { loss }) => sum + loss, 0) / ranks
  tf.disposeVariables()
  return {
    score: first?.score ?? Number.NaN,
    bytesPerStep: (first?.bytes ?? 0) / task.steps,
    trainLoss: mean,
    seconds: (performance.now() - began) / 1_000,
  }
}
