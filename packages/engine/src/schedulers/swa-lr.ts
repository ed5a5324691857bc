/**
 * From the learning rate of now to a fixed one, along half a cosine or a line, and then constant: the schedule of
 * stochastic weight averaging (Izmailov et al. 2018), as torch.optim.swa_utils.SWALR. Not for: averaging (trainer).
 */
import { RondoError } from '@rondo/protocol'
import {
  checkOption,
  isFiniteNumber,
  LrScheduler,
  type Scheduled,
  type SchedulerState,
  savedNumber,
} from './scheduler.ts'

export interface SwaLrOptions {
  /** Where the learning rate goes. */
  swaLr: number
  /** Counts until it is there; 0 at once; default 10. */
  annealEpochs?: number
  annealStrategy?: 'cos' | 'linear'
}

export class SWALR extends LrScheduler {
  private readonly swaLr: number
  private readonly annealEpochs: number
  private readonly annealStrategy: 'cos' | 'linear'
  /** Unlike others it does not begin at the first learning rate, but where an earlier scheduler left it. */
  private from: number

  constructor(optimizer: Scheduled, { swaLr, annealEpochs = 10, annealStrategy = 'cos' }: SwaLrOptions) {
    super(optimizer)
    this.from = optimizer.learningRate
    this.swaLr = checkOption(
      'SWALR',
      'swaLr',
      swaLr,
      'a finite number of at least 0',
      (n) => isFiniteNumber(n) && n >= 0,
    )
    const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
    this.annealEpochs = checkOption('SWALR', 'annealEpochs', annealEpochs, 'a whole number of at least 0', isWhole)
    if (annealStrategy !== 'cos' && annealStrategy !== 'linear') {
      throw new RondoError(
        'BAD_ARGUMENT',
        `SWALR({ annealStrategy: ${JSON.stringify(annealStrategy)} }): allowed are "cos" and "linear". Choose one.`,
      )
    }
    this.annealStrategy = annealStrategy
    this.start()
  }

  rateAt(count: number): number {
    const share = this.annealEpochs === 0 ? 1 : Math.min(1, count / this.annealEpochs)
    const alpha = this.annealStrategy === 'linear' ? share : (1 - Math.cos(Math.PI * share)) / 2
    return this.swaLr * alpha + this.from * (1 - alpha)
  }

  override state(): SchedulerState {
    return { ...super.state(), from: this.from }
  }

  override restore(state: SchedulerState): void {
    this.from = savedNumber(state, 'from')
    super.restore(state)
  }
}
