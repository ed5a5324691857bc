/** `fabric.save`: rank 0 writes a state as one checkpoint, and every rank hears how that went. Not for: its content. */
import { FabricModel } from '../fabric-model.ts'
import { contentOf } from './content.ts'
import { type CheckpointState, entriesOf } from './entries.ts'
import { checkFilters, type SaveFilters } from './filter.ts'
import type { CheckpointHost } from './host.ts'
import { withScaler } from './loss-scaler.ts'
import { onRankZero } from './rank-zero.ts'
import { saveSharded } from './sharded.ts'

export interface SaveOptions {
  /** By key of the state: which of its tensors (or fields of plain data) are kept. Default: all. */
  filter?: SaveFilters
  /** true: a folder with one shard a rank, each writing its slice of every tensor. Default false: one file. */
  sharded?: boolean
}

/** Collective. Resolves on all ranks when the checkpoint is whole. Errors of rank 0 are thrown on every rank. */
export async function saveCheckpoint(
  context: CheckpointHost,
  path: string,
  state: CheckpointState,
  { filter, sharded = false }: SaveOptions = {},
): Promise<void> {
  const entries = entriesOf('save(path, state)', state)
  const filters = checkFilters(filter, [...entries.keys()])
  for (const value of Object.values(state)) if (value instanceof FabricModel) await value.syncWeights()
  const content = async () => withScaler(await contentOf(entries, filters), entries, context)
  if (sharded) return saveSharded(context, path, await content())
  await onRankZero(context, `save ${path} (${[...entries.keys()].join(', ')})`.slice(0, 200), async () => {
    await context.checkpointIO.saveCheckpoint(await content(), path)
    return null
  })
}
