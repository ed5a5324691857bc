/**
 * Changes how many batches make one step, by epoch: `{ 0: 8, 4: 4, 8: 1 }`. Semantics are Lightning's
 * `GradientAccumulationScheduler`.
 */
import { RondoError } from '@rondo/protocol'
import type { Trainer } from '../trainer.ts'
import { Callback } from './callback.ts'

export class GradientAccumulationScheduler extends Callback {
  /** Batches a step, by the first epoch in which that holds (from 0). */
  readonly options: Readonly<Record<number, number>>

  /** @throws BAD_ARGUMENT for an empty table, or one with anything but whole numbers */
  constructor(scheduling: Readonly<Record<number, number>>) {
    super()
    const entries = Object.entries(scheduling ?? {})
    const good = entries.every(
      ([epoch, batches]) =>
        Number.isSafeInteger(Number(epoch)) && Number(epoch) >= 0 && Number.isSafeInteger(batches) && batches >= 1,
    )
    if (entries.length === 0 || !good) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `GradientAccumulationScheduler(${JSON.stringify(scheduling)}): allowed is { epoch: batches } with epochs from 0 and at least 1 batch, such as { 0: 8, 4: 1 }. Correct it.`,
      )
    }
    this.options = { ...scheduling }
  }

  override onTrainStart(trainer: Trainer): void {
    if (trainer.fitControls?.manual) {
      throw new RondoError(
        'CONFLICT',
        'GradientAccumulationScheduler with automaticOptimization = false: the module says by itself when its optimizers step. Allowed is one of the two. Count batches in trainingStep.',
      )
    }
    if (trainer.resolved.accumulateGradBatches === 1) return
    throw new RondoError(
      'CONFLICT',
      `GradientAccumulationScheduler with Trainer({ accumulateGradBatches: ${trainer.resolved.accumulateGradBatches} }): both say how many batches make a step. Remove one of the two.`,
    )
  }

  override onTrainEpochStart(trainer: Trainer): void {
    trainer.accumulateGradBatches = this.batchesAt(trainer.currentEpoch)
  }

  /** The table is an option, not state. */
  override stateDict(): Record<string, unknown> {
    return {}
  }

  private batchesAt(epoch: number): number {
    const begun = Object.keys(this.options)
      .map(Number)
      .filter((first) => first <= epoch)
    return begun.length === 0 ? 1 : (this.options[Math.max(...begun)] as number)
  }
}
