/** `post_local_sgd`: DDP until a step, local SGD between nodes after it. The same as DDP with the hook `post_localSGD`. */
import type { Model } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { DdpStrategy } from '../ddp/ddp.ts'
import { checkOptions, wholeNumber } from '../options.ts'
import type { Replica, Strategy, StrategyContext } from '../strategy.ts'

/** Options of PostLocalSGDStrategy. */
export interface PostLocalSGDOptions {
  /** Steps with gradients averaged over all ranks; 100 by default. */
  startLocalSGDIter?: number
  /** Steps between averages of the weights after that; has to be given. */
  modelAveragingPeriod?: number
  findUnusedParameters?: boolean
}

/**
 * DDP until a step, then averages inside each node and of all weights every few steps (Lin et al. 2020); PyTorch's
 * post_localSGD hook with its model averager. Throws BAD_ARGUMENT without `modelAveragingPeriod`.
 */
export class PostLocalSGDStrategy implements Strategy {
  readonly name = 'post_local_sgd'
  private readonly ddp: DdpStrategy

  /** Throws BAD_ARGUMENT when modelAveragingPeriod is missing or an option is not allowed. */
  constructor({ startLocalSGDIter, modelAveragingPeriod, ...rest }: PostLocalSGDOptions = {}) {
    checkOptions('PostLocalSGDStrategy', { startLocalSGDIter, modelAveragingPeriod }, RULES)
    if (modelAveragingPeriod === undefined) {
      throw new RondoError(
        'BAD_ARGUMENT',
        'strategy "post_local_sgd" needs modelAveragingPeriod, the number of steps between averages of the weights. Pass the object: strategy: new PostLocalSGDStrategy({ startLocalSGDIter: 100, modelAveragingPeriod: 8 }).',
      )
    }
    this.ddp = new DdpStrategy({
      ...rest,
      ddpCommHook: 'post_localSGD',
      ddpCommState: { startLocalSGDIter },
      modelAveragingPeriod,
    })
  }

  setupModel(model: Model, context: StrategyContext): Promise<Replica> {
    return this.ddp.setupModel(model, context)
  }
}

const RULES = { startLocalSGDIter: wholeNumber(0), modelAveragingPeriod: wholeNumber(1) } as const
