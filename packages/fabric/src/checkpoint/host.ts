/** What saving and loading need of a rank, with the CheckpointIO of the Fabric that asked. */
import type { Strategy } from '@rondo/strategies'
import type { RankContext } from '../context.ts'
import type { Plugins } from '../plugins/collect.ts'
import { type CheckpointIO, SafetensorsIO } from './checkpoint-io.ts'

export type CheckpointHost = Pick<RankContext, 'group' | 'signal' | 'files' | 'checkpointIO'> & {
  readonly precision?: RankContext['precision'] | undefined
}

/** The plugin, else what the Strategy object has, else safetensors files at any place. */
export function chosenCheckpointIO(
  { places }: RankContext,
  { plugins, strategy }: { plugins: Plugins; strategy: Strategy },
): CheckpointIO {
  return plugins.CheckpointIO ?? (strategy.checkpointIO as CheckpointIO | undefined) ?? new SafetensorsIO(places)
}

/** As the rank is now; a later Fabric's CheckpointIO does not change it. */
export function checkpointHost(context: RankContext): CheckpointHost {
  const { group, signal, files, checkpointIO } = context
  return {
    group,
    signal,
    files,
    checkpointIO,
    // Decided with the first model that is set up.
    get precision() {
      return context.precision
    },
  }
}
