/** How ranks share one training job. */
export { type DdpOptions, DdpStrategy } from './ddp/ddp.ts'
export {
  findsUnusedParameters,
  parseStrategyName,
  STRATEGY_NAMES,
  type StrategyName,
  startsFromFunction,
} from './names.ts'
export type { DeviceRecovery, Replica, StepReport, Strategy, StrategyContext } from './strategy.ts'
