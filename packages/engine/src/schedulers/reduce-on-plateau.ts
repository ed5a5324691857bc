/**
 * Lowers the learning rate when a metric stops getting better, as torch's ReduceLROnPlateau. All ranks must pass
 * the same metric, or their learning rates part. Not for: computing or agreeing on the metric.
 */
import { RondoError } from '@rondo/protocol'
import { checkOption, isFiniteNumber, type Scheduled, type SchedulerState, savedNumber } from './scheduler.ts'

export interface ReduceLrOnPlateauOptions {
  /** Whether lower or higher is better; default `min`. */
  mode?: 'min' | 'max'
  /** Factor of each reduction, below 1; default 0.1. */
  factor?: number
  /** Checks without improvement that are let pass; default 10. */
  patience?: number
  /** What counts as improvement, by `thresholdMode`; default 1e-4. */
  threshold?: number
  /** `rel`: better by that share of the best; `abs`: by that much. Default `rel`. */
  thresholdMode?: 'rel' | 'abs'
  /** Checks after a reduction in which nothing is counted; default 0. */
  cooldown?: number
  /** Lowest learning rate; default 0. */
  minLr?: number
  /** A reduction by less than this is not made; default 1e-8. */
  eps?: number
}

const NAME = 'ReduceLROnPlateau'

/**
 * Multiplies the learning rate by `factor` when a watched value has not become better for more than `patience` calls of
 * `step(value)`; torch.optim.lr_scheduler.ReduceLROnPlateau's rules and defaults.
 */
export class ReduceLROnPlateau {
  readonly optimizer: Scheduled
  private readonly options: Required<ReduceLrOnPlateauOptions>
  private best: number
  private bad = 0
  private coolingDown = 0
  private checks = 0

  constructor(optimizer: Scheduled, options: ReduceLrOnPlateauOptions = {}) {
    const { mode = 'min', thresholdMode = 'rel', patience = 10, cooldown = 0 } = options
    const { factor = 0.1, threshold = 1e-4, minLr = 0, eps = 1e-8 } = options
    oneOf('mode', mode, ['min', 'max'])
    oneOf('thresholdMode', thresholdMode, ['rel', 'abs'])
    checkOption(NAME, 'factor', factor, 'a number from 0 to below 1', (value) => value >= 0 && value < 1)
    for (const [option, value] of Object.entries({ patience, cooldown })) {
      checkOption(NAME, option, value, 'a whole number of at least 0', (v) => Number.isSafeInteger(v) && v >= 0)
    }
    for (const [option, value] of Object.entries({ threshold, minLr, eps })) {
      checkOption(NAME, option, value, 'a finite number of at least 0', (v) => isFiniteNumber(v) && v >= 0)
    }
    this.optimizer = optimizer
    this.options = { mode, factor, patience, threshold, thresholdMode, cooldown, minLr, eps }
    this.best = worst(mode)
  }

  /** Checks so far. */
  get count(): number {
    return this.checks
  }

  /** The learning rate that was set last. */
  get lastLearningRate(): number {
    return this.optimizer.learningRate
  }

  /** Looks at the metric once; NaN counts as no improvement. */
  step(metric: number): void {
    if (typeof metric !== 'number') {
      throw new RondoError(
        'BAD_ARGUMENT',
        `${NAME}.step(${String(metric)}): the metric must be a number. Pass the value that is watched, for example step(valLoss).`,
      )
    }
    this.checks += 1
    if (this.isBetter(metric)) {
      this.best = metric
      this.bad = 0
    } else {
      this.bad += 1
    }
    if (this.coolingDown > 0) {
      this.coolingDown -= 1
      this.bad = 0
    }
    if (this.bad <= this.options.patience) return
    this.reduce()
    this.coolingDown = this.options.cooldown
    this.bad = 0
  }

  /** What `restore` needs to go on from here. */
  state(): SchedulerState {
    const best = Number.isFinite(this.best) ? this.best : null
    return { best, bad: this.bad, coolingDown: this.coolingDown, checks: this.checks }
  }

  /** Takes over saved state; the learning rate itself is the optimizer's to restore. */
  restore(state: SchedulerState): void {
    this.best = state['best'] === null ? worst(this.options.mode) : savedNumber(state, 'best')
    this.bad = savedNumber(state, 'bad')
    this.coolingDown = savedNumber(state, 'coolingDown')
    this.checks = savedNumber(state, 'checks')
  }

  private isBetter(metric: number): boolean {
    const { mode, threshold, thresholdMode } = this.options
    const by = mode === 'min' ? -threshold : threshold
    const bound = thresholdMode === 'rel' ? this.best * (1 + by) : this.best + by
    return mode === 'min' ? metric < bound : metric > bound
  }

  private reduce(): void {
    const { factor, minLr, eps } = this.options
    const before = this.optimizer.learningRate
    const after = Math.max(before * factor, minLr)
    if (before - after > eps) this.optimizer.learningRate = after
  }
}

function worst(mode: 'min' | 'max'): number {
  return mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
}

function oneOf(option: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return
  throw new RondoError(
    'BAD_ARGUMENT',
    `${NAME}({ ${option}: ${String(value)} }): allowed are ${allowed.map((name) => `"${name}"`).join(' and ')}. Choose one.`,
  )
}
