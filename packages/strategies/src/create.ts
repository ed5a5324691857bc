/** From a strategy's name to the strategy with its default options. Options go into the classes. */
import { DdpStrategy } from './ddp/ddp.ts'
import { DiLoCoStrategy } from './diloco/diloco.ts'
import { LocalSGDStrategy } from './local-sgd/local-sgd.ts'
import { PostLocalSGDStrategy } from './local-sgd/post-local-sgd.ts'
import { findsUnusedParameters, type StrategyName } from './names.ts'
import type { Strategy } from './strategy.ts'

/**
 * @param as what the strategy calls itself; by default the name of its class of strategies
 * @throws BAD_ARGUMENT where a strategy needs an option, saying which
 */
export function createStrategy(name: StrategyName, as?: string): Strategy {
  switch (name) {
    case 'local_sgd':
      return new LocalSGDStrategy()
    case 'post_local_sgd':
      return new PostLocalSGDStrategy()
    case 'diloco':
      return new DiLoCoStrategy()
    default:
      return new DdpStrategy({ findUnusedParameters: findsUnusedParameters(name) }, as)
  }
}
