/**
 * Stops training when a metric no longer gets better, or is not finite. Semantics are Lightning's `EarlyStopping`;
 * any rank stops all.
 */
import { RondoError } from '@rondo/protocol'
import type { Trainer } from '../trainer.ts'
import { Callback } from './callback.ts'
import { checkMode, checksOnEpochEnd, type Mode, monitored } from './monitor.ts'

export interface EarlyStoppingOptions {
  monitor: string
  /** By how much a value must beat the best one; default 0. */
  minDelta?: number
  /** Checks, not epochs, without a new best one before training stops; default 3. */
  patience?: number
  mode?: Mode
  /** Refuse when the metric is not there; default true. */
  strict?: boolean
  /** Stop at NaN and infinity; default true. */
  checkFinite?: boolean
  stoppingThreshold?: number
  divergenceThreshold?: number
  /** Check at the end of a training epoch, not after validation; default by how often validation runs. */
  checkOnTrainEpochEnd?: boolean
  /** Print on rank 0 only. */
  logRankZeroOnly?: boolean
  verbose?: boolean
}

export type StoppingReason =
  | 'not_stopped'
  | 'non_finite'
  | 'stopping_threshold'
  | 'divergence_threshold'
  | 'patience_exhausted'

export class EarlyStopping extends Callback {
  readonly options: EarlyStoppingOptions
  readonly mode: Mode
  readonly patience: number
  /** Best value so far. */
  bestScore: number
  /** Checks since. */
  waitCount = 0
  /** Epoch in which training was stopped; 0 while it was not. */
  stoppedEpoch = 0
  stoppingReason: StoppingReason = 'not_stopped'
  stoppingReasonMessage: string | null = null

  constructor(options: EarlyStoppingOptions) {
    super()
    if (typeof options?.monitor !== 'string' || options.monitor === '') {
      throw new RondoError(
        'BAD_ARGUMENT',
        `EarlyStopping({ monitor: ${String(options?.monitor)} }): monitor must be the name of a logged value. Pass one, such as "val_loss".`,
      )
    }
    const { patience = 3, mode = 'min' } = options
    if (!(Number.isSafeInteger(patience) && patience >= 0)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `EarlyStopping({ patience: ${String(patience)} }): it must be a whole number of at least 0. Correct it.`,
      )
    }
    this.options = { ...options }
    this.mode = checkMode('EarlyStopping', mode)
    this.patience = patience
    this.bestScore = mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
  }

  /** Comes after everything that logs. */
  get watchesMetrics(): boolean {
    return true
  }

  override async onTrainEpochEnd(trainer: Trainer): Promise<void> {
    if (this.checksAfterTraining(trainer)) await this.check(trainer)
  }

  override async onValidationEnd(trainer: Trainer): Promise<void> {
    if (!this.checksAfterTraining(trainer)) await this.check(trainer)
  }

  override stateDict(): Record<string, unknown> {
    const { bestScore, waitCount, stoppedEpoch, stoppingReason, stoppingReasonMessage } = this
    return { bestScore, waitCount, stoppedEpoch, stoppingReason, stoppingReasonMessage }
  }

  private checksAfterTraining(trainer: Trainer): boolean {
    return this.options.checkOnTrainEpochEnd ?? checksOnEpochEnd(trainer)
  }

  private async check(trainer: Trainer): Promise<void> {
    if (trainer.sanityChecking || trainer.fastDevRun || trainer.fitting === false) return
    const { monitor, strict = true, verbose = false, logRankZeroOnly = false } = this.options
    const value = monitored(trainer, 'EarlyStopping', monitor, strict)
    const reason = value === null ? null : this.judge(value)
    const stopped = await trainer.gather(reason === null ? null : { reason: reason[0], message: reason[1] })
    const culprit = stopped.findIndex((entry) => entry !== null)
    if (culprit < 0) return
    const { reason: why, message } = stopped[culprit] as { reason: StoppingReason; message: string }
    this.stoppingReason = why
    this.stoppingReasonMessage = trainer.worldSize > 1 ? `rank ${culprit}: ${message}` : message
    this.stoppedEpoch = trainer.currentEpoch
    trainer.shouldStop = true
    if (verbose && (trainer.globalRank === 0 || !logRankZeroOnly)) console.info(this.stoppingReasonMessage)
  }

  /** Looks at a value; returns why to stop, or null. */
  private judge(value: number): [StoppingReason, string] | null {
    const { monitor, minDelta = 0, checkFinite = true, stoppingThreshold, divergenceThreshold } = this.options
    const sign = this.mode === 'min' ? 1 : -1
    if (checkFinite && !Number.isFinite(value)) {
      return ['non_finite', `${monitor} is ${value}, which is not finite; its best value was ${this.bestScore}.`]
    }
    if (stoppingThreshold !== undefined && sign * value < sign * stoppingThreshold) {
      return ['stopping_threshold', `${monitor} is ${value}, better than the threshold ${stoppingThreshold}.`]
    }
    if (divergenceThreshold !== undefined && sign * value > sign * divergenceThreshold) {
      return ['divergence_threshold', `${monitor} is ${value}, worse than the threshold ${divergenceThreshold}.`]
    }
    if (sign * value < sign * this.bestScore - Math.abs(minDelta)) {
      this.bestScore = value
      this.waitCount = 0
      return null
    }
    this.waitCount += 1
    if (this.waitCount < this.patience) return null
    return [
      'patience_exhausted',
      `${monitor} is ${value} and was not better than ${this.bestScore} in the last ${this.waitCount} checks.`,
    ]
  }
}
