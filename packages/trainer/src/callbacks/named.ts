/**
 * Callbacks written as text, for environment variables and command lines: `DeviceStatsMonitor`, or
 * `EarlyStopping({"monitor":"val_loss"})` with options as JSON, several with commas between. Not for: code, which makes
 * them with `new`.
 */
import { RondoError } from '@rondo/protocol'
import type { Callback } from './callback.ts'
import { DeviceStatsMonitor } from './device-stats-monitor.ts'
import { EarlyStopping } from './early-stopping.ts'
import { GradientAccumulationScheduler } from './gradient-accumulation-scheduler.ts'
import { LearningRateMonitor } from './learning-rate-monitor.ts'
import { ModelCheckpoint } from './model-checkpoint.ts'
import { ModelSummary } from './model-summary/model-summary.ts'
import { OnExceptionCheckpoint } from './on-exception-checkpoint.ts'
import { ProgressBar } from './progress-bar.ts'
import { StochasticWeightAveraging } from './swa/stochastic-weight-averaging.ts'
import { Timer } from './timer.ts'

type Make = (options: never) => Callback

const NAMED: Readonly<Record<string, Make>> = {
  DeviceStatsMonitor: () => new DeviceStatsMonitor(),
  EarlyStopping: (options) => new EarlyStopping(options),
  GradientAccumulationScheduler: (options) => new GradientAccumulationScheduler(options),
  LearningRateMonitor: (options) => new LearningRateMonitor(options),
  ModelCheckpoint: (options) => new ModelCheckpoint(options),
  ModelSummary: (options) => new ModelSummary(options),
  OnExceptionCheckpoint: (options) => new OnExceptionCheckpoint(options),
  ProgressBar: (options) => new ProgressBar(options),
  StochasticWeightAveraging: (options) => new StochasticWeightAveraging(options),
  Timer: (options) => new Timer(options),
}

const NAME = /^\s*([A-Za-z]+)\s*(\(?)/

/**
 * The callbacks that a text names.
 * @throws BAD_ARGUMENT for an unknown name or options that are no JSON; what the callback refuses
 */
export function callbacksFromText(text: string): Callback[] {
  const made: Callback[] = []
  let rest = text
  while (rest.trim() !== '') {
    const [head = '', name = '', opens] = NAME.exec(rest) ?? []
    const make = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined
    if (make === undefined) throw bad(text, `"${rest.trim()}" begins with none of these`)
    const { options, after } = opens
      ? readOptions(text, rest.slice(head.length))
      : { options: {}, after: rest.slice(head.length) }
    made.push(make(options as never))
    rest = after.replace(/^\s*,/, '')
  }
  return made
}

/** The JSON up to the first `)` that completes it; nothing between the brackets means no options. */
function readOptions(text: string, from: string): { options: unknown; after: string } {
  for (let end = from.indexOf(')'); end >= 0; end = from.indexOf(')', end + 1)) {
    try {
      const options: unknown = JSON.parse(from.slice(0, end).trim() || '{}')
      return { options, after: from.slice(end + 1) }
    } catch {
      // A `)` inside of a text; a later one may complete it.
    }
  }
  throw bad(text, `"(${from}" holds no JSON that ends in ")"`)
}

function bad(text: string, why: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `callbacks ${JSON.stringify(text)}: ${why}. Allowed are ${Object.keys(NAMED).join(', ')}, with options as JSON, such as EarlyStopping({"monitor":"val_loss"}). Correct it, or give callbacks in code.`,
  )
}
