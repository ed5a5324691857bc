/** Trainer, RondoModule and callbacks on top of Fabric. Scripts import from `rondo`, not from here. */
export { Callback } from './callbacks/callback.ts'
export { DeviceStatsMonitor } from './callbacks/device-stats-monitor.ts'
export { EarlyStopping, type EarlyStoppingOptions, type StoppingReason } from './callbacks/early-stopping.ts'
export { GradientAccumulationScheduler } from './callbacks/gradient-accumulation-scheduler.ts'
export { LambdaCallback, type LambdaHooks } from './callbacks/lambda-callback.ts'
export { LearningRateMonitor, type LearningRateMonitorOptions } from './callbacks/learning-rate-monitor.ts'
export { ModelCheckpoint } from './callbacks/model-checkpoint.ts'
export type { ModelCheckpointOptions } from './callbacks/model-checkpoint-options.ts'
export { ModelSummary, type ModelSummaryOptions } from './callbacks/model-summary/model-summary.ts'
export { OnExceptionCheckpoint, type OnExceptionCheckpointOptions } from './callbacks/on-exception-checkpoint.ts'
export { ProgressBar, type ProgressBarOptions } from './callbacks/progress-bar.ts'
export { StochasticWeightAveraging } from './callbacks/swa/stochastic-weight-averaging.ts'
export type { AverageFunction, StochasticWeightAveragingOptions } from './callbacks/swa/swa-options.ts'
export { Timer, type TimerOptions } from './callbacks/timer.ts'
export type { AnyBatch, Stage } from './hooks.ts'
export type { DataArgument, DataOptions, LoaderSource } from './loaders/source.ts'
export type { LogOptions, LogValue } from './logging/log-options.ts'
export type { HistoryRow, Metrics } from './logging/metrics.ts'
export {
  Accuracy,
  AUROC,
  type AveragedOptions,
  type ClassificationOptions,
  ConfusionMatrix,
  F1Score,
  MaxMetric,
  MeanAbsoluteError,
  MeanMetric,
  MeanSquaredError,
  Metric,
  type MetricInput,
  type MetricStates,
  MinMetric,
  Precision,
  Recall,
  SumMetric,
} from './metrics/index.ts'
export { DataModule } from './module/data-module.ts'
export type { LrSchedulerConfig } from './module/lr-schedule.ts'
export type { ManualOptimizer } from './module/manual-optimizer.ts'
export { RondoModule, type StepOutput } from './module/module.ts'
export type { OptimizerConfig } from './module/optimizer-config.ts'
export type { BatchCount } from './options/limits.ts'
export type { TrainerOptions } from './options/options.ts'
export { AdvancedProfiler } from './profilers/advanced.ts'
export { Profiler, type ProfilerOptions } from './profilers/profiler.ts'
export { SimpleProfiler } from './profilers/simple.ts'
export { type TrainerCodec, trainerCodecs } from './state/codecs.ts'
export { interruptTrainers, Trainer } from './trainer.ts'
