/** How ranks share one training job. */
export { createStrategy } from './create.ts'
export { type DdpOptions, DdpStrategy } from './ddp/ddp.ts'
export type { BucketTensor, CommHookContext, GradientBucket } from './ddp/hooks/comm-hook.ts'
export type { OwnCommHook } from './ddp/hooks/own-hook.ts'
export type { CommHookName, CommHookOptions } from './ddp/hooks/resolve.ts'
export { DiLoCoStrategy } from './diloco/diloco.ts'
export type { DiLoCoOptions } from './diloco/options.ts'
export { type LocalSGDOptions, LocalSGDStrategy } from './local-sgd/local-sgd.ts'
export { type PostLocalSGDOptions, PostLocalSGDStrategy } from './local-sgd/post-local-sgd.ts'
export {
  averagesGradients,
  findsUnusedParameters,
  parseStrategyName,
  STRATEGY_NAMES,
  type StrategyName,
  startsFromFunction,
} from './names.ts'

export type {
  AveragedGradients,
  DeviceRecovery,
  Replica,
  ReplicaState,
  StepPrecision,
  StepReport,
  Strategy,
  StrategyContext,
} from './strategy.ts'
