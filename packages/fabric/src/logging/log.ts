/** `log` and `logDict`: numbers to the run's own metrics and to every logger, from rank 0. Not for: loggers themselves. */
import { tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { FabricCore } from '../core.ts'

/** What may be logged: a number or a tensor with one element. */
export type LogValue = number | tf.Tensor

/** Numbers are recorded before it returns; tensors when they are read. */
export async function logValues(
  core: FabricCore,
  values: Readonly<Record<string, LogValue>>,
  step: number = core.context.reporter.steps,
): Promise<void> {
  const entries = Object.entries(values)
  for (const [name, value] of entries) checkValue(name, value, core)
  if (core.rank !== 0) return
  if (entries.every(([, value]) => typeof value === 'number')) {
    record(core, values as Record<string, number>, step)
    return
  }
  const read = entries.map(async ([name, value]) => {
    return [name, typeof value === 'number' ? value : ((await value.data())[0] as number)] as const
  })
  record(core, Object.fromEntries(await Promise.all(read)), step)
}

/** Loggers get every number; the run's own metrics hold finite ones only. */
function record({ context, options }: FabricCore, values: Record<string, number>, step: number): void {
  for (const logger of options.loggers) logger.logMetrics(values, step)
  const finite = Object.fromEntries(Object.entries(values).filter(([, number]) => Number.isFinite(number)))
  context.emit({ kind: 'metrics', step, values: finite })
}

function checkValue(name: string, value: unknown, { rank, worldSize }: FabricCore): void {
  if (typeof value === 'number' || (value instanceof tf.Tensor && value.size === 1)) return
  const what = value instanceof tf.Tensor ? `a tensor of shape [${value.shape.join(', ')}]` : `of type ${typeof value}`
  throw new RondoError(
    'BAD_ARGUMENT',
    `log("${name}", value): value is ${what}; allowed are numbers and tensors with one element. Reduce it first, such as with mean().${worldSize > 1 ? ` (rank ${rank})` : ''}`,
    worldSize > 1 ? { rank } : {},
  )
}
