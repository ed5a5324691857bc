/** The learning rate as the first one times a function of the count, as torch's LambdaLR. */
import { RondoError } from '@rondo/protocol'
import { LrScheduler, type Scheduled } from './scheduler.ts'

/** Factor on the first learning rate, by count from 0. */
export type LrLambda = (count: number) => number

export class LambdaLR extends LrScheduler {
  private readonly factor: LrLambda

  constructor(optimizer: Scheduled, factor: LrLambda) {
    super(optimizer)
    this.factor = factor
    this.start()
  }

  /** @throws BAD_ARGUMENT when the function returns no number of at least 0 */
  rateAt(count: number): number {
    const factor = this.factor(count)
    if (typeof factor === 'number' && Number.isFinite(factor) && factor >= 0) return this.base * factor
    throw new RondoError(
      'BAD_ARGUMENT',
      `LambdaLR: the function returned ${String(factor)} for ${count}; it must return a finite number of at least 0. The learning rate is the first one times it. Correct the function, for example (epoch) => 0.9 ** epoch.`,
    )
  }
}
