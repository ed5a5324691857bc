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
 * This rank's monitored value; null when it is not there and that is no error (yet).
 * @throws BAD_ARGUMENT for a value that only rank 0 has, or one that is absent although it is required
 */
export function monitored(trainer: Trainer, owner: string, monitor: string, required: boolean): number | null {
  refuseRankZeroOnly(trainer, owner, monitor)
  const value = trainer.callbackMetrics[monitor]
  if (value !== undefined) return value
  if (!required) return null
  throw absent(owner, monitor, Object.keys(trainer.callbackMetrics), '')
}

/** A rank's view of a metric: its value, or the names that are there instead. */
export type MetricView = { value: number } | { present: string[] }

export function viewOf(trainer: Trainer, owner: string, monitor: string): MetricView {
  refuseRankZeroOnly(trainer, owner, monitor)
  const value = trainer.callbackMetrics[monitor]
  return value === undefined ? { present: Object.keys(trainer.callbackMetrics) } : { value }
}

/** @throws BAD_ARGUMENT naming the ranks that lack the metric, if any does */
export function refuseAbsent(owner: string, monitor: string, views: readonly MetricView[]): void {
  const lacking = views.flatMap((view, rank) => ('present' in view ? [{ rank, present: view.present }] : []))
  const [first] = lacking
  if (first === undefined) return
  const some = lacking.length < views.length
  const ranks = lacking.map(({ rank }) => rank).join(', ')
  const where = some ? ` on rank${lacking.length > 1 ? 's' : ''} ${ranks}` : views.length > 1 ? ' on any rank' : ''
  throw absent(owner, monitor, first.present, where)
}

/**
 * The monitored value of rank 0, once every rank has one; null when some rank has none and that is no error (yet).
 * Collective.
 * @throws BAD_ARGUMENT on all ranks alike, naming those that lack it
 */
export async function agreedMetric(
  trainer: Trainer,
  owner: string,
  monitor: string,
  required: boolean,
): Promise<number | null> {
  const views = await trainer.gather(viewOf(trainer, owner, monitor), `${owner} ${monitor}`)
  if (required) refuseAbsent(owner, monitor, views)
  const [first] = views
  return first && 'value' in first && views.every((view) => 'value' in view) ? first.value : null
}

/** Lightning's rule: look when the training epoch ends, unless validation runs at other times than that. */
export function checksOnEpochEnd(trainer: Trainer): boolean {
  const { checkValEveryNEpoch, valCheckInterval } = trainer.resolved
  return checkValEveryNEpoch === 1 && valCheckInterval === 1
}

function refuseRankZeroOnly(trainer: Trainer, owner: string, monitor: string): void {
  if (!trainer.board.rankZeroNames.includes(monitor)) return
  throw new RondoError(
    'BAD_ARGUMENT',
    `${owner}({ monitor: "${monitor}" }): this value is logged with rankZeroOnly, and the other ranks do not have it. Monitored values must be on every rank. Log it without rankZeroOnly.`,
  )
}

function absent(owner: string, monitor: string, present: readonly string[], where: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `${owner}({ monitor: "${monitor}" }): there is no such value${where}. Present are ${present.join(', ') || 'none'}. Was it logged? this.log("${monitor}", value) in validationStep or trainingStep (with onEpoch), on every rank.`,
  )
}
