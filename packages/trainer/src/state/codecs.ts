/**
 * How Rondo's own objects of this room cross to ranks: as constructor options and state, plain data and callbacks. The
 * shape is that of a notebook's value codecs. Modules, data modules and callbacks that people wrote are instances of
 * their own classes and need none of this: their fields are data.
 */
import { Callback } from '../callbacks/callback.ts'
import { DeviceStatsMonitor } from '../callbacks/device-stats-monitor.ts'
import { EarlyStopping, type EarlyStoppingOptions } from '../callbacks/early-stopping.ts'
import { GradientAccumulationScheduler } from '../callbacks/gradient-accumulation-scheduler.ts'
import { LambdaCallback } from '../callbacks/lambda-callback.ts'
import { LearningRateMonitor, type LearningRateMonitorOptions } from '../callbacks/learning-rate-monitor.ts'
import { ModelCheckpoint } from '../callbacks/model-checkpoint.ts'
import type { ModelCheckpointOptions } from '../callbacks/model-checkpoint-options.ts'
import { ModelSummary, type ModelSummaryOptions } from '../callbacks/model-summary/model-summary.ts'
import { OnExceptionCheckpoint, type OnExceptionCheckpointOptions } from '../callbacks/on-exception-checkpoint.ts'
import { ProgressBar, type ProgressBarOptions } from '../callbacks/progress-bar.ts'
import { StochasticWeightAveraging } from '../callbacks/swa/stochastic-weight-averaging.ts'
import type { StochasticWeightAveragingOptions } from '../callbacks/swa/swa-options.ts'
import { Timer, type TimerOptions } from '../callbacks/timer.ts'
import type { MetricBoard } from '../logging/metrics.ts'
import * as metrics from '../metrics/index.ts'
import type { TrainerOptions } from '../options/options.ts'
import { Trainer } from '../trainer.ts'

export interface TrainerCodec {
  readonly name: string
  test(value: object): boolean
  /** What the value consists of: plain data, and other values that cross by themselves. */
  encode(value: object): unknown
  decode(parts: unknown): object
}

interface TrainerParts {
  options: TrainerOptions
  callbacks: Array<Partial<Callback>>
  currentEpoch: number
  globalStep: number
  board: MetricBoard
}

/** Exactly of this class: an instance of a person's subclass crosses with that class. */
function isExactly(value: object, kind: { prototype: object }): boolean {
  return Object.getPrototypeOf(value) === kind.prototype
}

const trainerCodec: TrainerCodec = {
  name: 'rondo.Trainer',
  test: (value) => isExactly(value, Trainer),
  encode(value) {
    const { options, callbacks, currentEpoch, globalStep, board } = value as Trainer
    return { options, callbacks, currentEpoch, globalStep, board } satisfies TrainerParts
  },
  decode(parts) {
    const { options, callbacks, ...state } = parts as TrainerParts
    return Object.assign(new Trainer({ ...options, callbacks }), state)
  },
}

/** A callback of ours: made again from its options, then its state. */
function callbackCodec<O>(
  name: string,
  Kind: { prototype: Callback & { options: O }; new (options: O): Callback & { options: O } },
): TrainerCodec {
  return {
    name: `rondo.${name}`,
    test: (value) => isExactly(value, Kind),
    encode(value) {
      const callback = value as Callback & { options: O }
      return { options: callback.options, state: callback.stateDict() }
    },
    decode(parts) {
      const { options, state } = parts as { options: O; state: Record<string, unknown> }
      const callback = new Kind(options)
      callback.loadStateDict(state)
      return callback
    },
  }
}

/** A bare `Callback` or `LambdaCallback` has hooks as fields at most, which are functions and cross as such. */
function hooksCodec(name: string, Kind: { prototype: Callback; new (): Callback }): TrainerCodec {
  return {
    name: `rondo.${name}`,
    test: (value) => isExactly(value, Kind),
    encode: (value) => ({ ...value }),
    decode: (parts) => Object.assign(new Kind(), parts),
  }
}

/** A metric of ours: its fields are plain data once all updates are read. */
function metricCodec(Kind: { name: string; prototype: object }): TrainerCodec {
  return {
    name: `rondo.${Kind.name}`,
    test: (value) => isExactly(value, Kind),
    async encode(value) {
      await (value as metrics.Metric<unknown>).states()
      return { ...value }
    },
    decode: (parts) => Object.assign(Object.create(Kind.prototype) as object, parts),
  }
}

/** One for each class of ours; order does not matter. */
export const trainerCodecs: readonly TrainerCodec[] = [
  trainerCodec,
  callbackCodec<EarlyStoppingOptions>('EarlyStopping', EarlyStopping),
  callbackCodec<ModelCheckpointOptions>('ModelCheckpoint', ModelCheckpoint as never),
  callbackCodec<LearningRateMonitorOptions>('LearningRateMonitor', LearningRateMonitor),
  callbackCodec<TimerOptions>('Timer', Timer),
  callbackCodec<Readonly<Record<number, number>>>('GradientAccumulationScheduler', GradientAccumulationScheduler),
  callbackCodec<OnExceptionCheckpointOptions>('OnExceptionCheckpoint', OnExceptionCheckpoint as never),
  callbackCodec<object>('DeviceStatsMonitor', DeviceStatsMonitor),
  callbackCodec<ProgressBarOptions>('ProgressBar', ProgressBar),
  callbackCodec<ModelSummaryOptions>('ModelSummary', ModelSummary),
  callbackCodec<StochasticWeightAveragingOptions>('StochasticWeightAveraging', StochasticWeightAveraging),
  hooksCodec('Callback', Callback),
  hooksCodec('LambdaCallback', LambdaCallback),
  ...Object.values(metrics)
    .filter((kind) => kind.prototype instanceof metrics.Metric)
    .map(metricCodec),
]
