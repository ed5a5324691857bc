/**
 * Writing a checkpoint: brings the ranks together, gathers what each has for itself, and rank 0 writes. Not for: the
 * file's layout (checkpoint.ts) or when to save (callbacks).
 */
import { type OptimizerState, randomState } from '@rondo/engine'
import type { RankContext } from '@rondo/fabric'
import type { ReplicaState } from '@rondo/strategies'
import type { RondoModule } from '../module/module.ts'
import type { Run } from '../run.ts'
import type { Trainer } from '../trainer.ts'
import { encodeCheckpoint } from './checkpoint.ts'
import type { RankProgress } from './progress.ts'
import { captureCheckpoint } from './state.ts'

/** What a strategy has beside weights and optimizers. */
export interface KeptByStrategy {
  replicas: ReplicaState[]
  /** Whether each rank steps by its own gradients, so that its optimizer's state is its own too. */
  trainsAlone: boolean
}

interface Plan {
  module: RondoModule
  /** The run under way, if there is one. */
  run: Run | null
  context: RankContext
  path: string
  weightsOnly: boolean
}

/** Collective. */
export async function writeCheckpoint(trainer: Trainer, plan: Plan): Promise<void> {
  const { module, run, path, weightsOnly } = plan
  const { group, signal } = plan.context
  await run?.syncWeights()
  if (run && run.models.length > 0) trainer.kept = run.keptByStrategy()
  const ranks = await trainer.gather(rankProgress(trainer))
  const { replicas, trainsAlone } = weightsOnly ? { replicas: [], trainsAlone: false } : trainer.kept
  const everyone = trainsAlone ? await trainer.gather(await optimizerStates(trainer)) : []
  if (group.rank === 0) {
    const rankOptimizers = everyone.slice(1)
    const state = await captureCheckpoint(trainer, module, {
      optimizers: !weightsOnly,
      ranks,
      replicas,
      rankOptimizers,
    })
    await trainer.files.write(path, encodeCheckpoint(state, weightsOnly))
  }
  if (group.worldSize > 1) await group.barrier('checkpoint', { signal })
}

/** What this rank would go on with from here. */
export function rankProgress({ progress, currentEpoch, randomInGroup }: Trainer): RankProgress {
  const { batches = 0, batchSize = 0, shuffleSeed = 0 } = progress ?? {}
  return {
    sampler: { seed: shuffleSeed, epoch: currentEpoch, position: batches * batchSize },
    random: randomInGroup === undefined ? randomState() : randomInGroup,
  }
}

function optimizerStates({ optimizers }: Trainer): Promise<OptimizerState[]> {
  return Promise.all(optimizers.map((optimizer) => optimizer.state()))
}
