/**
 * DiLoCo (Douillard et al. 2023): every rank trains alone with an optimizer of its own, usually AdamW; every H steps
 * the change of the weights is averaged and an outer SGD with Nesterov momentum takes it for a gradient. Not for: the
 * fragments and their turns (meeting.ts).
 */
import type { Model } from '@rondo/engine'
import { equalStart } from '../equal-start.ts'
import { LocalReplica } from '../local-sgd/local-replica.ts'
import { refuseLossScale } from '../loss-scale.ts'
import type { Replica, Strategy, StrategyContext } from '../strategy.ts'
import { DiLoCoMeeting } from './meeting.ts'
import { type DiLoCoOptions, type DiLoCoSettings, diLoCoSettings } from './options.ts'

/**
 * Ranks train alone for `syncEvery` steps; the mean change of the weights is the gradient of an outer optimizer with
 * Nesterov momentum (Douillard et al. 2023; fragments and delay as in its streaming form, 2025).
 */
export class DiLoCoStrategy implements Strategy {
  readonly name = 'diloco'
  readonly options: DiLoCoSettings

  /** Throws BAD_ARGUMENT for an option that is not allowed, alone or beside another. */
  constructor(options: DiLoCoOptions = {}) {
    this.options = diLoCoSettings(options)
  }

  async setupModel(model: Model, context: StrategyContext): Promise<Replica> {
    refuseLossScale('strategy "diloco"', context)
    const { all, trainable } = await equalStart(model, context)
    return new LocalReplica({
      parameters: trainable,
      findUnusedParameters: this.options.findUnusedParameters,
      meeting: await DiLoCoMeeting.of(all, context, this.options),
      rank: context.group.rank,
    })
  }
}
