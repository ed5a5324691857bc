/** Linear warm-up (or cool-down): the factor goes from `startFactor` to `endFactor` and stays, as torch's LinearLR. */
import { checkOption, isCount, LrScheduler, type Scheduled } from './scheduler.ts'

export interface LinearLrOptions {
  /** Factor at count 0, above 0 and at most 1; default 1/3. */
  startFactor?: number
  /** Factor from `totalIters` on, from 0 to 1; default 1. */
  endFactor?: number
  /** Counts that the way takes; default 5. */
  totalIters?: number
}

export class LinearLR extends LrScheduler {
  private readonly startFactor: number
  private readonly endFactor: number
  private readonly totalIters: number

  constructor(optimizer: Scheduled, { startFactor = 1 / 3, endFactor = 1, totalIters = 5 }: LinearLrOptions = {}) {
    super(optimizer)
    this.startFactor = checkOption(
      'LinearLR',
      'startFactor',
      startFactor,
      'above 0 and at most 1',
      (f) => f > 0 && f <= 1,
    )
    this.endFactor = checkOption('LinearLR', 'endFactor', endFactor, 'from 0 to 1', (f) => f >= 0 && f <= 1)
    this.totalIters = checkOption('LinearLR', 'totalIters', totalIters, 'a whole number of at least 1', isCount)
    this.start()
  }

  rateAt(count: number): number {
    const share = Math.min(count, this.totalIters) / this.totalIters
    return this.base * (this.startFactor + (this.endFactor - this.startFactor) * share)
  }
}
