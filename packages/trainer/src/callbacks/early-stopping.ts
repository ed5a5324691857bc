/**
 * Stops training when a metric no longer gets better, or is not finite. Semantics are Lightning's `EarlyStopping`;
 * any rank stops all.
 */
import { RondoError } from '@rondo/protocol'
import type { Trainer } from '../trainer.ts'
import { Callback } from './callback.ts'
import { checkKnown } from './known-options.ts'
import { checkMode, checksOnEpochEnd, type Mode, refuseAbsent, viewOf } from './monitor.ts'

/** Options of EarlyStopping; names and defaults are Lightning's. */
export interface EarlyStoppingOptions {
  monitor: string
  /** By how much a value must beat the best one; default 0. Its sign does not matter. */
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

const KNOWN = [
  'monitor',
  'minDelta',
  'patience',
  'mode',
  'strict',
  'checkFinite',
  'stoppingThreshold',
  'divergenceThreshold',
  'checkOnTrainEpochEnd',
  'logRankZeroOnly',
  'verbose',
] as const satisfies ReadonlyArray<keyof EarlyStoppingOptions>
const NUMBERS = ['minDelta', 'stoppingThreshold', 'divergenceThreshold'] as const

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
  private toldAbsent = false

  constructor(options: EarlyStoppingOptions) {
    super()
    if (typeof options?.monitor !== 'string' || options.monitor === '') {
      throw new RondoError(
        'BAD_ARGUMENT',
        `EarlyStopping({ monitor: ${String(options?.monitor)} }): monitor must be the name of a logged value. Pass one, such as "val_loss".`,
      )
    }
    checkKnown('EarlyStopping', options, KNOWN)
    const { patience = 3, mode = 'min' } = options
    for (const name of NUMBERS) {
      const value: unknown = options[name]
      if (value === undefined || (typeof value === 'number' && !Number.isNaN(value))) continue
      throw new RondoError(
        'BAD_ARGUMENT',
        `EarlyStopping({ ${name}: ${String(value)} }): allowed is a number. Correct it, or leave it out.`,
      )
    }
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
  override get watchesMetrics(): boolean {
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

  /** Each rank looks at its own value; the first rank that has a reason stops all. Collective. */
  private async check(trainer: Trainer): Promise<void> {
    if (trainer.sanityChecking || trainer.fastDevRun || trainer.fitting === false) return
    const { monitor, strict = true } = this.options
    const view = viewOf(trainer, 'EarlyStopping', monitor)
    const before = this.bestScore
    const verdict = 'value' in view ? this.judge(view.value) : null
    const all = await trainer.gather({ view, verdict }, `EarlyStopping ${monitor}`)
    const views = all.map((one) => one.view)
    if (strict) refuseAbsent('EarlyStopping', monitor, views)
    else if (views.some((one) => 'present' in one)) this.tellAbsent(trainer)
    const culprit = all.findIndex((one) => one.verdict !== null)
    const found = all[culprit]?.verdict ?? null
    if (found === null) {
      if (this.bestScore !== before) this.say(trainer, `${monitor} is now at its best: ${this.bestScore}.`)
      return
    }
    const [reason, message] = found
    this.stoppingReason = reason
    this.stoppingReasonMessage = trainer.worldSize > 1 ? `rank ${culprit}: ${message}` : message
    this.stoppedEpoch = trainer.currentEpoch
    trainer.shouldStop = true
    this.say(trainer, this.stoppingReasonMessage)
  }

  private say(trainer: Trainer, line: string): void {
    const { verbose = false, logRankZeroOnly = false } = this.options
    if (verbose && (trainer.globalRank === 0 || !logRankZeroOnly)) console.info(`EarlyStopping: ${line}`)
  }

  private tellAbsent(trainer: Trainer): void {
    if (this.toldAbsent || trainer.globalRank !== 0) return
    this.toldAbsent = true
    console.warn(`EarlyStopping: "${this.options.monitor}" is not there, so this check does not count.`)
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
