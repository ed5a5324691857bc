/** The options `callbacks` and `loggers`, one or a list, checked. Not for: calling them. */
import type { Logger } from '@rondo/loggers'
import { RondoError } from '@rondo/protocol'
import { describe } from '../plugins/collect.ts'
import type { FabricCallback } from './callbacks.ts'

/** What a logger must have, so that `log` and the end of a run can rely on it. */
const LOGGER_METHODS = ['logMetrics', 'save', 'finalize'] as const

export function checkCallbacks(value: unknown): readonly FabricCallback[] {
  return oneOrList(value).map((callback, i) => {
    if (typeof callback === 'object' && callback !== null) return callback
    throw new RondoError(
      'BAD_ARGUMENT',
      `callbacks: item ${i} is ${describe(callback)}. Allowed are objects with methods such as onTrainStart. Pass an instance: callbacks: [new MyCallback()].`,
    )
  })
}

export function checkLoggers(value: unknown): readonly Logger[] {
  return oneOrList(value).map((logger, i) => {
    const methods = Object(logger) as Record<string, unknown>
    const missing = LOGGER_METHODS.filter((method) => typeof methods[method] !== 'function')
    if (missing.length === 0) return logger as Logger
    throw new RondoError(
      'BAD_ARGUMENT',
      `loggers: item ${i} is ${describe(logger)}, without ${missing.join(', ')}. Allowed are loggers such as CSVLogger and TensorBoardLogger, one or a list. Pass an instance, or give your class these methods.`,
    )
  })
}

function oneOrList(value: unknown): readonly unknown[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]
}
