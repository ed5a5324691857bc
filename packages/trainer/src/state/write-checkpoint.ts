/**
 * Writing a checkpoint: brings the ranks together, gathers what each has for itself, and rank 0 writes. Not for: the
 * file's layout (checkpoint.ts) or when to save (callbacks).
 */
import { type OptimizerState, randomState } from '@rondo/engine'
import type { RankContext } from '@rondo/fabric'
import { fromWireError, toWireError } from '@rondo/protocol'
import type { ReplicaState } from '@rondo/strategies'
import type { RondoModule } from '../module/module.ts'
import type { Run } from '../run.ts'
import type { Trainer } from '../trainer.ts'
import { checkpointParts } from './checkpoint.ts'
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
  /** Whether the file is written beside training: it is whole when the next one begins, or fit ends. */
  background: boolean
}

/** Collective. */
export async function writeCheckpoint(trainer: Trainer, plan: Plan): Promise<void> {
  const { module, run, path, weightsOnly, background } = plan
  const { group } = plan.context
  await run?.syncWeights()
  if (run && run.models.length > 0) trainer.kept = run.keptByStrategy()
  const ranks = await trainer.gather(rankProgress(trainer))
  const { replicas, trainsAlone } = weightsOnly ? { replicas: [], trainsAlone: false } : trainer.kept
  const everyone = trainsAlone ? await trainer.gather(await optimizerStates(trainer)) : []
  let store = async (): Promise<void> => {}
  if (group.rank === 0) {
    const rankOptimizers = everyone.slice(1)
    const state = await captureCheckpoint(trainer, module, {
      optimizers: !weightsOnly,
      ranks,
      replicas,
      rankOptimizers,
      lossScaler: weightsOnly ? null : (plan.context.precision?.scaler?.stateDict() ?? null),
    })
    // Taken now: what callbacks and modules gave may change with the next step.
    const parts = checkpointParts(state, weightsOnly)
    store = async () => {
      await trainer.background.begin(path, parts)
      if (!background) await trainer.background.settle()
    }
  }
  await storedByRankZero(trainer, store)
}

/** Does what rank 0 has to do with files; its failure is every rank's. Collective. */
export async function storedByRankZero(trainer: Trainer, store: () => Promise<void>): Promise<void> {
  const problem = await trainer.fromRankZero(async () => {
    try {
      await store()
      return null
    } catch (thrown) {
      return toWireError(thrown, 'STORAGE_FAILED')
    }
  })
  if (problem !== null) throw fromWireError(problem)
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
