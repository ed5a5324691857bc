/**
 * What `configureOptimizers` may return, made into one optimizer and, if wanted, its schedule. Not for: the formulas
 * (engine) or when to step (loops).
 */
import { adoptOptimizer, Optimizer, type tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'

/** Factor on the first learning rate, by epoch or step number from 0 (torch's LambdaLR). */
export type LrLambda = (count: number) => number

export interface LrSchedulerConfig {
  scheduler: LrLambda
  /** What the schedule counts; default `epoch`. */
  interval?: 'epoch' | 'step'
  /** Look at it every so many epochs or steps; default 1. */
  frequency?: number
}

export interface OptimizerWithScheduler {
  optimizer: Optimizer | tf.Optimizer
  lrScheduler?: LrLambda | LrSchedulerConfig
}

export type OptimizerConfig = Optimizer | tf.Optimizer | OptimizerWithScheduler

export interface ConfiguredOptimizer {
  optimizer: Optimizer
  /** Made here out of a tfjs optimizer, so that nobody else holds it. */
  adopted: boolean
  schedule: LrSchedule | null
}

/** Sets an optimizer's learning rate from a function. */
export class LrSchedule {
  readonly interval: 'epoch' | 'step'
  private readonly optimizer: Optimizer
  private readonly factor: LrLambda
  private readonly frequency: number
  private readonly base: number
  private count = 0

  constructor(optimizer: Optimizer, { scheduler, interval = 'epoch', frequency = 1 }: LrSchedulerConfig) {
    if (interval !== 'epoch' && interval !== 'step') {
      throw badScheduler(`interval is ${String(interval)}; allowed are "epoch" and "step"`)
    }
    if (!(Number.isSafeInteger(frequency) && frequency >= 1)) {
      throw badScheduler(`frequency is ${String(frequency)}; it must be a whole number of at least 1`)
    }
    this.optimizer = optimizer
    this.factor = scheduler
    this.interval = interval
    this.frequency = frequency
    this.base = optimizer.learningRate
    this.apply()
  }

  /** One epoch or step is over. */
  advance(): void {
    this.count += 1
    if (this.count % this.frequency === 0) this.apply()
  }

  private apply(): void {
    const factor = this.factor(this.count)
    if (typeof factor !== 'number' || !Number.isFinite(factor) || factor < 0) {
      throw badScheduler(
        `the function returned ${String(factor)} for ${this.count}; it must return a number of at least 0`,
      )
    }
    this.optimizer.learningRate = this.base * factor
  }
}

/**
 * Reads what `configureOptimizers` returned.
 * @throws BAD_ARGUMENT for nothing or something else, UNSUPPORTED for forms that are not there yet
 */
export function readOptimizerConfig(returned: unknown): ConfiguredOptimizer {
  const allowed =
    'Allowed are one optimizer (tf.train.adam(1e-3), or adam, adamw, sgd, rmsprop from rondo) and { optimizer, lrScheduler: epoch => factor }'
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
  const config = typeof lrScheduler === 'function' ? { scheduler: lrScheduler } : lrScheduler
  if (typeof config?.scheduler !== 'function') {
    throw badScheduler(
      `it is ${typeof lrScheduler}; allowed is a function epoch => factor, or { scheduler, interval, frequency }`,
    )
  }
  return { optimizer, adopted, schedule: new LrSchedule(optimizer, config) }
}

function isConfig(value: unknown): value is OptimizerWithScheduler {
  return typeof value === 'object' && value !== null && !(value instanceof Optimizer) && 'optimizer' in value
}

function badScheduler(why: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `configureOptimizers(): lrScheduler: ${why}. The learning rate is the first one times the factor. Correct it, for example lrScheduler: (epoch) => 0.9 ** epoch.`,
  )
}
