/**
 * The callbacks of a trainer: what may be among them, and in which order they are called. Not for: calling them (run.ts).
 */
import { RondoError } from '@rondo/protocol'
import type { Callback } from './callback.ts'
import { ModelCheckpoint } from './model-checkpoint.ts'
import { ModelSummary } from './model-summary/model-summary.ts'
import { ProgressBar } from './progress-bar.ts'

/** A trainer's argument that switches a kind of callback off. */
type Switch = 'enableCheckpointing' | 'enableModelSummary' | 'enableProgressBar'

const SWITCHES: ReadonlyArray<readonly [Switch, new () => Callback, string]> = [
  ['enableCheckpointing', ModelCheckpoint, 'it could never save'],
  ['enableModelSummary', ModelSummary, 'it could never print'],
  ['enableProgressBar', ProgressBar, 'it could never show'],
]

/**
 * Checkpoints come last, so that they save what the others left.
 * @throws BAD_ARGUMENT for what is no object, CONFLICT for a callback that an argument switches off
 */
export function readCallbacks(
  callbacks: ReadonlyArray<Partial<Callback>>,
  options: Readonly<Partial<Record<Switch, boolean>>>,
): Array<Partial<Callback>> {
  const wrong = callbacks.find((callback) => typeof callback !== 'object' || callback === null)
  if (wrong !== undefined) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `Trainer({ callbacks }): one of them is ${typeof wrong === 'function' ? 'a class or function' : String(wrong)}; allowed are objects with hooks. Make an instance: new EarlyStopping({ monitor: "val_loss" }).`,
    )
  }
  for (const [name, Kind, why] of SWITCHES) {
    const found = callbacks.filter((callback) => callback instanceof Kind)
    if (options[name] === false && found.length > 0) {
      throw new RondoError(
        'CONFLICT',
        `Trainer({ ${name}: false }) with a ${Kind.name} in callbacks: ${why}. Allowed is one of the two. Remove the other.`,
      )
    }
    if (Kind !== ProgressBar || found.length < 2) continue
    throw new RondoError(
      'CONFLICT',
      `Trainer({ callbacks }): there are ${found.length} of ${Kind.name}; allowed is one. Keep one of them.`,
    )
  }
  const isCheckpoint = (callback: Partial<Callback>): boolean => callback instanceof ModelCheckpoint
  return [...callbacks.filter((callback) => !isCheckpoint(callback)), ...callbacks.filter(isCheckpoint)]
}
