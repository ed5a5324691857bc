/**
 * What `configureOptimizers` may return, made into one optimizer and, if wanted, its schedule. Not for: the formulas
 * (engine) or when to step (loops).
 */
import { adoptOptimizer, Optimizer, type tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { type AnyLrScheduler, LrSchedule, type LrSchedulerConfig } from './lr-schedule.ts'

export interface OptimizerWithScheduler {
  optimizer: Optimizer | tf.Optimizer
  lrScheduler?: AnyLrScheduler | LrSchedulerConfig
}

export type OptimizerConfig = Optimizer | tf.Optimizer | OptimizerWithScheduler

export interface ConfiguredOptimizer {
  optimizer: Optimizer
  /** Made here out of a tfjs optimizer, so that nobody else holds it. */
  adopted: boolean
  schedule: LrSchedule | null
}

/**
 * Reads what `configureOptimizers` returned.
 * @throws BAD_ARGUMENT for nothing or something else, UNSUPPORTED for forms that are not there yet
 */
export function readOptimizerConfig(returned: unknown): ConfiguredOptimizer {
  const allowed =
    'Allowed are one optimizer (tf.train.adam(1e-3), or adam, adamw, sgd, rmsprop from rondo) and { optimizer, lrScheduler: new StepLR(optimizer, { stepSize: 10 }) }'
  if (returned === undefined || returned === null) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `configureOptimizers() returned ${String(returned)}; fit needs an optimizer. ${allowed}. Return one.`,
    )
  }
  if (Array.isArray(returned)) {
    throw new RondoError(
      'UNSUPPORTED',
      `configureOptimizers() returned a list of ${returned.length}; several optimizers are not part of this version. ${allowed}. Return one of these.`,
    )
  }
  if (!isConfig(returned)) {
    const optimizer = adoptOptimizer(returned as Optimizer)
    return { optimizer, adopted: optimizer !== returned, schedule: null }
  }
  for (const key of Object.keys(returned)) {
    if (key === 'optimizer' || key === 'lrScheduler') continue
    throw new RondoError(
      'UNSUPPORTED',
      `configureOptimizers() returned an object with ${key}; ${key} is not part of this version. ${allowed}. Leave it out.`,
    )
  }
  const optimizer = adoptOptimizer(returned.optimizer)
  const adopted = optimizer !== returned.optimizer
  const { lrScheduler } = returned
  if (lrScheduler === undefined) return { optimizer, adopted, schedule: null }
  return { optimizer, adopted, schedule: new LrSchedule(optimizer, lrScheduler) }
}

function isConfig(value: unknown): value is OptimizerWithScheduler {
  return typeof value === 'object' && value !== null && !(value instanceof Optimizer) && 'optimizer' in value
}
