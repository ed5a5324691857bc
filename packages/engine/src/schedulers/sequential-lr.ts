/**
 * Several schedulers one after the other, for example a warm-up and then a cosine, as torch's SequentialLR: from
 * a milestone on the next one counts from 0. Made of schedulers of the same optimizer.
 */
import { RondoError } from '@rondo/protocol'
import { LrScheduler, type Scheduled } from './scheduler.ts'

export interface SequentialLrOptions {
  schedulers: readonly LrScheduler[]
  /** Count at which the next scheduler begins: one fewer than schedulers, rising. */
  milestones: readonly number[]
}

export class SequentialLR extends LrScheduler {
  private readonly schedulers: readonly LrScheduler[]
  private readonly milestones: readonly number[]

  /** @throws BAD_ARGUMENT when milestones and schedulers do not fit, or belong to another optimizer */
  constructor(optimizer: Scheduled, { schedulers, milestones }: SequentialLrOptions) {
    super(optimizer)
    const rising = milestones.every((at, i) => Number.isSafeInteger(at) && at > (milestones[i - 1] ?? 0))
    if (schedulers.length === 0 || milestones.length !== schedulers.length - 1 || !rising) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `SequentialLR: milestones [${milestones.join(', ')}] with ${schedulers.length} schedulers. There must be one milestone fewer than schedulers, whole numbers above 0 that rise. Correct one of the two.`,
      )
    }
    if (schedulers.some((scheduler) => scheduler.optimizer !== optimizer)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        'SequentialLR: a scheduler belongs to another optimizer. All must set the same one. Make them with the optimizer that is passed here.',
      )
    }
    this.schedulers = schedulers
    this.milestones = milestones
    this.start()
  }

  rateAt(count: number): number {
    const index = this.milestones.filter((milestone) => milestone <= count).length
    return (this.schedulers[index] as LrScheduler).rateAt(count - (this.milestones[index - 1] ?? 0))
  }
}
