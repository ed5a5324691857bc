/**
 * What `configureOptimizers` may return, made into a list of optimizers, each with its schedule and the parameters that
 * it moves. The forms are Lightning's: one optimizer, `{ optimizer, lrScheduler }`, a list of either, or a list of
 * optimizers beside a list of schedulers. Not for: the formulas (engine) or when to step (loops).
 */
import { adoptOptimizer, type Model, Optimizer, parametersOf, tf, type Variables } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { type AnyLrScheduler, LrSchedule, type LrSchedulerConfig } from './lr-schedule.ts'

type AnyOptimizer = Optimizer | tf.Optimizer

export interface OptimizerWithScheduler {
  optimizer: AnyOptimizer
  lrScheduler?: AnyLrScheduler | LrSchedulerConfig
  /** What it moves: a model, a module, or variables. Default: everything that no other optimizer names. */
  parameters?: Model | Variables
}

type Entry = AnyOptimizer | OptimizerWithScheduler

/** What `configureOptimizers` may return: an optimizer, one with its scheduler, or several for a module that steps by hand. */
export type OptimizerConfig =
  | Entry
  | readonly Entry[]
  | readonly [readonly AnyOptimizer[], ReadonlyArray<AnyLrScheduler | LrSchedulerConfig>]

export interface ConfiguredOptimizer {
  optimizer: Optimizer
  /** Made here out of a tfjs optimizer, so that nobody else holds it. */
  adopted: boolean
  schedule: LrSchedule | null
  /** The variables that it moves; null where none were named. */
  parameters: ReadonlySet<tf.Variable> | null
}

const ALLOWED =
  'Allowed are one optimizer (tf.train.adam(1e-3), or adam, adamw, sgd, rmsprop from rondo), { optimizer, lrScheduler, parameters }, a list of these, or [[optimizers], [schedulers]]'

/**
 * Reads what `configureOptimizers` returned.
 * @throws BAD_ARGUMENT for nothing or something else, UNSUPPORTED for keys that are not there
 */
export function readOptimizerConfig(returned: unknown): ConfiguredOptimizer[] {
  if (returned === undefined || returned === null) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `configureOptimizers() returned ${String(returned)}; fit needs an optimizer. ${ALLOWED}. Return one.`,
    )
  }
  if (!Array.isArray(returned)) return [readEntry(returned)]
  if (returned.length === 0) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `configureOptimizers() returned an empty list; fit needs an optimizer. ${ALLOWED}. Return at least one.`,
    )
  }
  const all = isTwoLists(returned) ? readTwoLists(returned[0], returned[1]) : returned.map(readEntry)
  const twice = all.find(({ optimizer }, i) => all.findIndex((other) => other.optimizer === optimizer) !== i)
  if (twice) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `configureOptimizers() returned one ${twice.optimizer.kind} optimizer twice. Each entry of the list must be an optimizer of its own. Make one for each.`,
    )
  }
  return all
}

function readEntry(entry: unknown): ConfiguredOptimizer {
  if (!isConfig(entry)) {
    const optimizer = adoptOptimizer(entry as Optimizer)
    return { optimizer, adopted: optimizer !== entry, schedule: null, parameters: null }
  }
  for (const key of Object.keys(entry)) {
    if (['optimizer', 'lrScheduler', 'parameters'].includes(key)) continue
    const why =
      key === 'frequency'
        ? 'turns of optimizers were taken by Lightning 1.x; take them in a trainingStep with automaticOptimization = false'
        : `${key} is not part of this version`
    throw new RondoError(
      'UNSUPPORTED',
      `configureOptimizers() returned an object with ${key}; ${why}. ${ALLOWED}. Leave it out.`,
    )
  }
  const optimizer = adoptOptimizer(entry.optimizer)
  return {
    optimizer,
    adopted: optimizer !== entry.optimizer,
    schedule: entry.lrScheduler === undefined ? null : new LrSchedule(optimizer, entry.lrScheduler),
    parameters: entry.parameters === undefined ? null : variablesIn(entry.parameters),
  }
}

/** Schedulers say whose they are; functions belong to the optimizer at their place. */
function readTwoLists(optimizers: readonly unknown[], schedulers: readonly unknown[]): ConfiguredOptimizer[] {
  const all = optimizers.map(readEntry)
  schedulers.forEach((given, i) => {
    const scheduler = given as AnyLrScheduler | LrSchedulerConfig
    const inner = typeof scheduler === 'object' && 'scheduler' in scheduler ? scheduler.scheduler : scheduler
    const owner = (inner as { optimizer?: Optimizer } | null)?.optimizer
    const entry = all.find(({ optimizer }) => optimizer === owner) ?? all[i]
    if (!entry || entry.schedule !== null) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `configureOptimizers() returned ${optimizers.length} optimizers and ${schedulers.length} schedulers, and scheduler ${i} has no optimizer of its own. Allowed is at most one for each optimizer. Join several with SequentialLR.`,
      )
    }
    entry.schedule = new LrSchedule(entry.optimizer, scheduler)
  })
  return all
}

function variablesIn(given: Model | Variables): ReadonlySet<tf.Variable> {
  const isModel = typeof (given as Partial<tf.LayersModel>).getWeights === 'function' || 'forward' in given
  const variables = isModel
    ? parametersOf(given as Model).flatMap(({ variable, trainable }) => (trainable ? [variable] : []))
    : Object.values(given as Variables)
  const wrong = variables.find((variable) => !(variable instanceof tf.Variable))
  if (wrong === undefined && variables.length > 0) return new Set(variables as tf.Variable[])
  throw new RondoError(
    'BAD_ARGUMENT',
    `configureOptimizers(): parameters holds ${wrong === undefined ? 'no variable' : `a ${typeof wrong}`}. Allowed are a model, a module with parameters(), or tf.Variable objects. Pass what the optimizer is to move, such as parameters: this.generator.`,
  )
}

function isConfig(value: unknown): value is OptimizerWithScheduler {
  return typeof value === 'object' && value !== null && !(value instanceof Optimizer) && 'optimizer' in value
}

function isTwoLists(value: readonly unknown[]): value is [unknown[], unknown[]] {
  return value.length === 2 && value.every(Array.isArray)
}
