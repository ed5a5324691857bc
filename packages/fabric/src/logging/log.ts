/** `log` and `logDict`: numbers to the run's own metrics and to every logger, from rank 0. Not for: loggers themselves. */
import type { tf } from '@rondo/engine'
import type { FabricCore } from '../core.ts'

/** What may be logged: a number or a tensor with one element. */
export type LogValue = number | tf.Tensor

export function logValues(
  { context, options, rank }: FabricCore,
  values: Readonly<Record<string, LogValue>>,
  step: number = context.reporter.steps,
): void {
  if (rank !== 0) return
  const numbers: Record<string, number> = {}
  for (const [name, value] of Object.entries(values)) {
    numbers[name] = typeof value === 'number' ? value : (value.dataSync()[0] as number)
  }
  for (const logger of options.loggers) logger.logMetrics(numbers, step)
  const finite = Object.fromEntries(Object.entries(numbers).filter(([, number]) => Number.isFinite(number)))
  context.emit({ kind: 'metrics', step, values: finite })
}
