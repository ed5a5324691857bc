/**
 * Logs what optimizers are set to, so that schedules can be seen. Semantics and keys are Lightning's
 * `LearningRateMonitor`.
 */
import type { Optimizer } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { RondoModule } from '../module/module.ts'
import type { Trainer } from '../trainer.ts'
import { Callback } from './callback.ts'

export interface LearningRateMonitorOptions {
  /** `step`, `epoch`, or null for each schedule's own interval; default null. */
  loggingInterval?: 'step' | 'epoch' | null
  /** Also log `lr-Adam-momentum`: momentum, or β₁ of Adam; 0 where there is none. Default false. */
  logMomentum?: boolean
  /** Also log `lr-Adam-weight_decay`. Default false. */
  logWeightDecay?: boolean
}

type Interval = 'step' | 'epoch'

/** Class names as Lightning's keys have them. */
const NAMES: Readonly<Record<string, string>> = { adam: 'Adam', adamw: 'AdamW', sgd: 'SGD', rmsprop: 'RMSprop' }
const FLAGS = ['logMomentum', 'logWeightDecay'] as const

export class LearningRateMonitor extends Callback {
  readonly options: LearningRateMonitorOptions

  /** @throws BAD_ARGUMENT for an interval or option that is not known */
  constructor(options: LearningRateMonitorOptions = {}) {
    super()
    const { loggingInterval = null } = options
    if (loggingInterval !== null && loggingInterval !== 'step' && loggingInterval !== 'epoch') {
      throw new RondoError(
        'BAD_ARGUMENT',
        `LearningRateMonitor({ loggingInterval: ${JSON.stringify(loggingInterval)} }): allowed are "step", "epoch" and null. Choose one.`,
      )
    }
    for (const [name, value] of Object.entries(options)) {
      const good = name === 'loggingInterval' || (FLAGS as readonly string[]).includes(name)
      if (good && (name === 'loggingInterval' || typeof value === 'boolean' || value === undefined)) continue
      throw new RondoError(
        'BAD_ARGUMENT',
        `LearningRateMonitor({ ${name}: ${JSON.stringify(value)} }): allowed are loggingInterval, and true or false for ${FLAGS.join(' and ')}. Correct it.`,
      )
    }
    this.options = { ...options, loggingInterval }
  }

  override onTrainStart(trainer: Trainer): void {
    if (trainer.resolved.logger === false && !trainer.fastDevRun) {
      throw new RondoError(
        'BAD_ARGUMENT',
        'LearningRateMonitor with Trainer({ logger: false }): it writes to loggers, and there is none. Remove the callback, or the option.',
      )
    }
    const without = trainer.optimizers.filter((optimizer) => optimizer.momentum === undefined)
    if (this.options.logMomentum && without.length > 0 && trainer.globalRank === 0) {
      console.warn(
        `LearningRateMonitor({ logMomentum: true }): ${without.map(({ kind }) => kind).join(', ')} has no momentum, so 0 is logged for it.`,
      )
    }
  }

  override onTrainBatchStart(trainer: Trainer, module: RondoModule): void {
    if (this.options.loggingInterval !== 'epoch') this.write(trainer, module, 'step')
  }

  override onTrainEpochStart(trainer: Trainer, module: RondoModule): void {
    if (this.options.loggingInterval !== 'step') this.write(trainer, module, 'epoch')
  }

  override stateDict(): Record<string, unknown> {
    return {}
  }

  private write(trainer: Trainer, module: RondoModule, now: Interval): void {
    const keys = optimizerKeys(trainer.optimizers)
    trainer.optimizers.forEach((optimizer, i) => {
      const own = this.options.loggingInterval ?? trainer.scheduleIntervals[i] ?? 'step'
      if (own !== now) return
      // Equal on every rank, so the largest is the value itself, where a mean would round.
      const options =
        now === 'step'
          ? { onStep: true, onEpoch: false }
          : ({ onStep: false, onEpoch: true, syncDist: true, reduceFx: 'max' } as const)
      for (const [name, value] of Object.entries(this.figures(keys[i] as string, optimizer))) {
        module.log(name, value, options)
      }
    })
  }

  private figures(key: string, optimizer: Optimizer): Record<string, number> {
    return {
      [key]: optimizer.learningRate,
      ...(this.options.logMomentum ? { [`${key}-momentum`]: optimizer.momentum ?? 0 } : {}),
      ...(this.options.logWeightDecay ? { [`${key}-weight_decay`]: optimizer.weightDecay } : {}),
    }
  }
}

/** `lr-Adam`, and for more of one kind `lr-Adam-1`, `lr-Adam-2` … */
export function optimizerKeys(optimizers: ReadonlyArray<Pick<Optimizer, 'kind'>>): string[] {
  const seen = new Map<string, number>()
  return optimizers.map(({ kind }) => {
    const count = seen.get(kind) ?? 0
    seen.set(kind, count + 1)
    return `lr-${NAMES[kind] ?? kind}${count === 0 ? '' : `-${count}`}`
  })
}
