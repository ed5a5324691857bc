/** What callbacks that watch a metric share: its value or the refusal, its direction, and when to look. */
import { RondoError } from '@rondo/protocol'
import type { Trainer } from '../trainer.ts'

export type Mode = 'min' | 'max'

/** @throws BAD_ARGUMENT */
export function checkMode(owner: string, mode: unknown): Mode {
  if (mode === 'min' || mode === 'max') return mode
  throw new RondoError(
    'BAD_ARGUMENT',
    `${owner}({ mode: ${JSON.stringify(mode)} }): allowed are "min" and "max". Use "max" for accuracies.`,
  )
}

/**
 * The monitored value; null when it is not there and that is no error (yet).
 * @throws BAD_ARGUMENT for a value that only rank 0 has, or one that is absent although it is required
 */
export function monitored(trainer: Trainer, owner: string, monitor: string, required: boolean): number | null {
  if (trainer.board.rankZeroNames.includes(monitor)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `${owner}({ monitor: "${monitor}" }): this value is logged with rankZeroOnly, and the other ranks do not have it. Monitored values must be on every rank. Log it without rankZeroOnly.`,
    )
  }
  const value = trainer.callbackMetrics[monitor]
  if (value !== undefined) return value
  if (!required) return null
  throw new RondoError(
    'BAD_ARGUMENT',
    `${owner}({ monitor: "${monitor}" }): there is no such value. Present are ${Object.keys(trainer.callbackMetrics).join(', ') || 'none'}. Was it logged? this.log("${monitor}", value) in validationStep or trainingStep (with onEpoch).`,
  )
}

/** Lightning's rule: look when the training epoch ends, unless validation runs at other times than that. */
export function checksOnEpochEnd(trainer: Trainer): boolean {
  const { checkValEveryNEpoch, valCheckInterval } = trainer.resolved
  return checkValEveryNEpoch === 1 && valCheckInterval === 1
}
