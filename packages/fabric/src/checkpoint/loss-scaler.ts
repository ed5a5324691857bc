/** The loss scaler beside optimizers in a checkpoint: a training that goes on must go on with its scale. */
import type { LossScalerState } from '@rondo/engine'
import type { CheckpointContent } from './checkpoint-io.ts'
import { badFile } from './content.ts'
import type { Entry } from './entries.ts'
import type { CheckpointHost } from './host.ts'

/** Metadata: the scaler's state; JSON. Only where there is a scaler. */
const SCALER_KEY = 'rondo.lossScaler'

/** `content` with the scaler's state, if the saved state has an optimizer and the precision a scaler. */
export function withScaler(
  content: CheckpointContent,
  entries: ReadonlyMap<string, Entry>,
  { precision }: CheckpointHost,
): CheckpointContent {
  if (!precision?.scaler || !hasOptimizer(entries)) return content
  const state = JSON.stringify(precision.scaler.stateDict())
  return { ...content, metadata: { ...content.metadata, [SCALER_KEY]: state } }
}

/**
 * Gives the scaler its saved state back, where an optimizer is loaded; without one on either side nothing happens.
 * @throws BAD_FILE for a state that is damaged
 */
export function restoreScaler(
  path: string,
  { metadata }: CheckpointContent,
  entries: ReadonlyMap<string, Entry>,
  { precision }: CheckpointHost,
): void {
  const saved = metadata[SCALER_KEY]
  if (saved === undefined || !precision?.scaler || !hasOptimizer(entries)) return
  try {
    precision.scaler.loadStateDict(JSON.parse(saved) as LossScalerState)
  } catch (error) {
    throw badFile(path, `its loss scaler is damaged (${String((error as Error).message)})`, 'Load another checkpoint.')
  }
}

function hasOptimizer(entries: ReadonlyMap<string, Entry>): boolean {
  return [...entries.values()].some(({ kind }) => kind === 'optimizer')
}
