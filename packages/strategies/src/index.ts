/** How ranks share one training job. */
export { type DdpOptions, DdpStrategy } from './ddp/ddp.ts'
export { parseStrategyName, STRATEGY_NAMES, type StrategyName } from './names.ts'
export type { Replica, StepReport, Strategy, StrategyContext } from './strategy.ts'
