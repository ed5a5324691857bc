/**
 * Local SGD: every rank trains alone for H steps, then the weights are averaged (McMahan et al. 2017; Stich 2019). A
 * run sends 1/H of DDP's bytes. Not for: the average itself (weight-average.ts).
 */
import type { Model } from '@rondo/engine'
import type { StepClock } from '../ddp/step-clock.ts'
import { equalStart } from '../equal-start.ts'
import { refuseLossScale } from '../loss-scale.ts'
import { BOOLEAN, checkOptions, wholeNumber } from '../options.ts'
import type { Replica, Strategy, StrategyContext } from '../strategy.ts'
import { LocalReplica, type Meeting } from './local-replica.ts'
import { timed } from './timed.ts'
import { WeightAverage } from './weight-average.ts'

/** Steps between averages when nobody says: measured in docs/benchmarks/fewer-bytes.md. */
const DEFAULT_STEPS = 64

/** Options of LocalSGDStrategy. */
export interface LocalSGDOptions {
  /** H: optimizer steps between averages of the weights. */
  steps?: number
  /** Leaves parameters without gradient alone instead of refusing the step. */
  findUnusedParameters?: boolean
}

/**
 * Ranks train alone and take the mean of their weights every `steps` optimizer steps, each counting by its samples
 * (Stich 2019). Throws BAD_ARGUMENT for an option it does not have.
 */
export class LocalSGDStrategy implements Strategy {
  readonly name = 'local_sgd'
  readonly options: Required<LocalSGDOptions>

  /** Throws BAD_ARGUMENT for an option that is not allowed. */
  constructor(options: LocalSGDOptions = {}) {
    checkOptions('LocalSGDStrategy', options, { steps: wholeNumber(1), findUnusedParameters: BOOLEAN })
    this.options = {
      steps: options.steps ?? DEFAULT_STEPS,
      findUnusedParameters: options.findUnusedParameters ?? false,
    }
  }

  async setupModel(model: Model, context: StrategyContext): Promise<Replica> {
    refuseLossScale('strategy "local_sgd"', context)
    const { all, trainable } = await equalStart(model, context)
    const { steps, findUnusedParameters } = this.options
    const average = new WeightAverage(all, context)
    return new LocalReplica({
      parameters: trainable,
      findUnusedParameters,
      meeting: everySteps(average, steps),
      rank: context.group.rank,
    })
  }
}

function everySteps(average: WeightAverage, steps: number): Meeting {
  let done = 0
  return {
    wire: `weights as f32, every ${steps} steps`,
    async afterStep(samples: number, clock: StepClock): Promise<void> {
      average.count(samples)
      done += 1
      if (done % steps === 0) await timed(clock, 'average weights', () => average.average())
    },
    async syncWeights(): Promise<void> {
      done = 0
      if (average.due) await average.average()
    },
    async restore(): Promise<void> {
      done = 0
      average.forget()
    },
  }
}
