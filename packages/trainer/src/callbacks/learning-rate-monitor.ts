/** Logs the learning rate, so that schedules can be seen. Semantics and keys are Lightning's `LearningRateMonitor`. */
import { RondoError } from '@rondo/protocol'
import type { RondoModule } from '../module/module.ts'
import type { Trainer } from '../trainer.ts'
import { Callback } from './callback.ts'

export interface LearningRateMonitorOptions {
  /** `step`, `epoch`, or null for both as the schedule goes; default null. */
  loggingInterval?: 'step' | 'epoch' | null
}

/** Class names as Lightning's keys have them. */
const NAMES: Readonly<Record<string, string>> = { adam: 'Adam', adamw: 'AdamW', sgd: 'SGD', rmsprop: 'RMSprop' }

export class LearningRateMonitor extends Callback {
  readonly options: LearningRateMonitorOptions

  /** @throws BAD_ARGUMENT for an interval that is not known, UNSUPPORTED for logMomentum and logWeightDecay */
  constructor(options: LearningRateMonitorOptions = {}) {
    super()
    const { loggingInterval = null, ...rest } = options
    if (loggingInterval !== null && loggingInterval !== 'step' && loggingInterval !== 'epoch') {
      throw new RondoError(
        'BAD_ARGUMENT',
        `LearningRateMonitor({ loggingInterval: ${JSON.stringify(loggingInterval)} }): allowed are "step", "epoch" and null. Choose one.`,
      )
    }
    const [other] = Object.entries(rest).find(([, value]) => value) ?? []
    if (other !== undefined) {
      throw new RondoError(
        'UNSUPPORTED',
        `LearningRateMonitor({ ${other} }): ${other} is not part of this version. Allowed is loggingInterval. Leave it out.`,
      )
    }
    this.options = { loggingInterval }
  }

  override onTrainStart(trainer: Trainer): void {
    if (trainer.resolved.logger !== false || trainer.fastDevRun) return
    throw new RondoError(
      'BAD_ARGUMENT',
      'LearningRateMonitor with Trainer({ logger: false }): it writes to loggers, and there is none. Remove the callback, or the option.',
    )
  }

  override onTrainBatchStart(trainer: Trainer, module: RondoModule): void {
    if (this.options.loggingInterval !== 'epoch') this.write(trainer, module, true)
  }

  override onTrainEpochStart(trainer: Trainer, module: RondoModule): void {
    if (this.options.loggingInterval === 'epoch') this.write(trainer, module, false)
  }

  override stateDict(): Record<string, unknown> {
    return {}
  }

  private write(trainer: Trainer, module: RondoModule, onStep: boolean): void {
    trainer.optimizers.forEach((optimizer, i) => {
      const name = `lr-${NAMES[optimizer.kind] ?? optimizer.kind}${i === 0 ? '' : `-${i}`}`
      module.log(name, optimizer.learningRate, { onStep, onEpoch: !onStep })
    })
  }
}
