/**
 * Stochastic weight averaging (Izmailov et al. 2018): in the last part of training the learning rate goes to a constant,
 * the weights at the start of each epoch are averaged, and in the end the average takes the place of the weights.
 * Semantics are Lightning's `StochasticWeightAveraging`. Not for: the schedule (engine) or batch norm (batch-norm.ts).
 */
import { type Optimizer, SWALR } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { LrSchedule, type LrScheduleState } from '../../module/lr-schedule.ts'
import type { RondoModule } from '../../module/module.ts'
import type { Trainer } from '../../trainer.ts'
import { Callback } from '../callback.ts'
import { batchNormLayers, renewAverages } from './batch-norm.ts'
import { type ResolvedSwaOptions, resolveSwaOptions, type StochasticWeightAveragingOptions } from './swa-options.ts'
import { type Averages, averaged, writeAverages } from './weight-average.ts'

/** Made anew from this callback's state, and so not part of a checkpoint's schedules. */
class SwaSchedule extends LrSchedule {
  override state(): LrScheduleState | null {
    return null
  }
}

export class StochasticWeightAveraging extends Callback {
  readonly options: StochasticWeightAveragingOptions
  /** Models in the average so far. */
  nAveraged = 0
  private readonly resolved: ResolvedSwaOptions
  private averages: Averages = {}
  private latestUpdateEpoch = -1
  /** Where the schedule began; null before. */
  private begun: { epoch: number; learningRate: number } | null = null
  private scheduled = false

  /** @throws BAD_ARGUMENT */
  constructor(options: StochasticWeightAveragingOptions) {
    super()
    this.resolved = resolveSwaOptions(options)
    this.options = { ...options }
  }

  override onFitStart(trainer: Trainer): void {
    const { maxEpochs } = trainer.resolved
    if (trainer.optimizers.length !== 1 || trainer.fitControls?.manual) {
      throw refuse(
        trainer.fitControls?.manual ? 'automaticOptimization = false' : `${trainer.optimizers.length} optimizers`,
        'one optimizer that the trainer steps',
        'Take the callback away, or average in a callback of your own',
      )
    }
    if (!Number.isFinite(maxEpochs)) {
      throw refuse('no end of epochs', 'maxEpochs', 'Set it: the average is over the last epochs')
    }
    Object.assign(this, { nAveraged: 0, averages: {}, latestUpdateEpoch: -1, begun: null, scheduled: false })
  }

  override async onTrainEpochStart(trainer: Trainer, module: RondoModule): Promise<void> {
    const { currentEpoch } = trainer
    const last = trainer.resolved.maxEpochs - 1
    const first = this.firstEpoch(trainer)
    if (currentEpoch < first || currentEpoch > last) return
    if (!this.scheduled) this.takeOverSchedule(trainer, first)
    if (currentEpoch <= this.latestUpdateEpoch) return
    await trainer.fitControls?.syncWeights()
    this.averages = await averaged(this.averages, module.parameters(), this.nAveraged, this.resolved.avgFn)
    this.nAveraged += 1
    this.latestUpdateEpoch = currentEpoch
  }

  override async onTrainEnd(trainer: Trainer, module: RondoModule): Promise<void> {
    const controls = trainer.fitControls
    if (trainer.currentEpoch !== trainer.resolved.maxEpochs || this.nAveraged === 0 || controls === null) return
    writeAverages(this.averages, module.parameters())
    const layers = batchNormLayers(module)
    if (layers.length === 0) return
    await renewAverages(
      layers,
      (before) => controls.passOverTrainData(before),
      (value) => trainer.gather(value, 'batch norm'),
    )
  }

  override stateDict(): Record<string, unknown> {
    const { nAveraged, averages, latestUpdateEpoch, begun } = this
    return { nAveraged, averages, latestUpdateEpoch, begun }
  }

  /** Epoch, counted from 0, at whose start the first weights are taken. */
  private firstEpoch(trainer: Trainer): number {
    const { swaEpochStart } = this.resolved
    const counted = swaEpochStart < 1 ? Math.trunc(trainer.resolved.maxEpochs * swaEpochStart) : swaEpochStart
    return Math.max(counted - 1, 0)
  }

  private takeOverSchedule(trainer: Trainer, first: number): void {
    const [optimizer] = trainer.optimizers as [Optimizer]
    const { schedules } = trainer.fitControls ?? { schedules: [] }
    const { currentEpoch } = trainer
    if (this.begun === null && currentEpoch !== first && trainer.globalRank === 0) {
      console.warn(
        `StochasticWeightAveraging: it begins in epoch ${currentEpoch} and not in ${first}, since the checkpoint has no averages.`,
      )
    }
    this.begun ??= { epoch: currentEpoch, learningRate: optimizer.learningRate }
    const { swaLr, annealingEpochs, annealingStrategy } = this.resolved
    optimizer.learningRate = this.begun.learningRate
    const scheduler = new SWALR(optimizer, {
      swaLr,
      annealEpochs: annealingEpochs,
      annealStrategy: annealingStrategy,
    })
    for (let epoch = this.begun.epoch; epoch < currentEpoch; epoch++) scheduler.step()
    const replaced = schedules[0]?.scheduler
    if (replaced && trainer.globalRank === 0) {
      console.info(`StochasticWeightAveraging: SWALR takes the place of ${replaced.constructor.name}.`)
    }
    schedules[0] = new SwaSchedule(optimizer, scheduler)
    this.scheduled = true
  }
}

function refuse(got: string, allowed: string, advice: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `StochasticWeightAveraging with ${got}: it needs ${allowed}, and works with nothing else. ${advice}.`,
  )
}
