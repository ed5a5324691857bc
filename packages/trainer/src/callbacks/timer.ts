/**
 * Measures how long the loops take, and ends training when its time is over; time spent before a checkpoint counts.
 * Semantics are Lightning's `Timer`. Not for: `maxTime` of the Trainer, which starts again with every fit.
 */
import { RondoError } from '@rondo/protocol'
import { type Duration, parseDuration } from '../options/duration.ts'
import type { Trainer } from '../trainer.ts'
import { Callback } from './callback.ts'
import { checkKnown } from './known-options.ts'

export interface TimerOptions {
  /** How long training may take: "DD:HH:MM:SS" or its parts; default no end. */
  duration?: Duration | null
  /** Look after each step or each epoch; default `step`. */
  interval?: 'step' | 'epoch'
  /** Say on rank 0 when time is over; default true. */
  verbose?: boolean
}

type Loop = 'train' | 'validate' | 'test'

const MS_PER_SECOND = 1_000

export class Timer extends Callback {
  readonly options: TimerOptions
  private readonly limitMs: number
  private readonly spentMs: Record<Loop, number> = { train: 0, validate: 0, test: 0 }
  private readonly since: Partial<Record<Loop, number>> = {}

  /** @throws BAD_ARGUMENT for a duration or an interval that is none */
  constructor(options: TimerOptions = {}) {
    super()
    checkKnown('Timer', options, ['duration', 'interval', 'verbose'])
    const { duration = null, interval = 'step' } = options
    if (interval !== 'step' && interval !== 'epoch') {
      throw new RondoError(
        'BAD_ARGUMENT',
        `Timer({ interval: ${JSON.stringify(interval)} }): allowed are "step" and "epoch". Choose one.`,
      )
    }
    this.options = { ...options }
    this.limitMs = duration === null ? Number.POSITIVE_INFINITY : parseDuration(duration, 'Timer({ duration })')
  }

  /** Seconds that a loop has taken so far. */
  timeElapsed(loop: Loop = 'train'): number {
    const since = this.since[loop]
    return (this.spentMs[loop] + (since === undefined ? 0 : performance.now() - since)) / MS_PER_SECOND
  }

  /** Seconds of training that are left; Infinity without a duration. */
  timeRemaining(): number {
    return this.limitMs / MS_PER_SECOND - this.timeElapsed('train')
  }

  override onTrainStart(): void {
    this.since.train = performance.now()
  }
  override onTrainEnd(): void {
    this.pause('train')
  }
  override onValidationStart(): void {
    this.since.validate = performance.now()
  }
  override onValidationEnd(): void {
    this.pause('validate')
  }
  override onTestStart(): void {
    this.since.test = performance.now()
  }
  override onTestEnd(): void {
    this.pause('test')
  }

  override onTrainBatchEnd(trainer: Trainer): void {
    if (this.options.interval !== 'epoch') this.check(trainer)
  }

  override onTrainEpochEnd(trainer: Trainer): void {
    if (this.options.interval === 'epoch') this.check(trainer)
  }

  override stateDict(): Record<string, unknown> {
    const ms = (loop: Loop): number => this.timeElapsed(loop) * MS_PER_SECOND
    return { train: ms('train'), validate: ms('validate'), test: ms('test') }
  }

  override loadStateDict(state: Record<string, unknown>): void {
    for (const loop of ['train', 'validate', 'test'] as const) {
      const ms = state[loop]
      if (typeof ms === 'number') this.spentMs[loop] = ms
    }
  }

  /** One rank whose time is over ends training on all: the trainer asks every rank after each step. */
  private check(trainer: Trainer): void {
    if (this.timeRemaining() > 0 || trainer.shouldStop) return
    trainer.shouldStop = true
    if (this.options.verbose !== false && trainer.globalRank === 0) {
      console.info(`Timer: training has taken ${this.timeElapsed().toFixed(1)} s and ends here.`)
    }
  }

  private pause(loop: Loop): void {
    this.spentMs[loop] = this.timeElapsed(loop) * MS_PER_SECOND
    delete this.since[loop]
  }
}
