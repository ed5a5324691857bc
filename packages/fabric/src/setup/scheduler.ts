/** The scheduler that is set up with its optimizer: from then on it moves the set-up one. Not for: the curves. */
import { type LrScheduler, Optimizer, type ReduceLROnPlateau } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { FabricOptimizer } from '../fabric-model.ts'
import type { AnyOptimizer } from './models.ts'

/** Anything that moves a learning rate. */
export type Schedule = LrScheduler | ReduceLROnPlateau

/** @throws BAD_ARGUMENT for what is no scheduler, or one of another optimizer */
export function adoptScheduler(
  scheduler: Schedule,
  given: readonly AnyOptimizer[],
  wrapped: readonly FabricOptimizer[],
): Schedule {
  const { step, optimizer } = Object(scheduler) as { step?: unknown; optimizer?: unknown }
  if (typeof step !== 'function') {
    throw new RondoError(
      'BAD_ARGUMENT',
      `setup(…, { scheduler }): scheduler is ${scheduler?.constructor?.name ?? typeof scheduler}, which has no step(). Allowed are schedulers such as StepLR. Pass new StepLR(optimizer, { stepSize: 10 }).`,
    )
  }
  const at = given.findIndex((one, i) => one === optimizer || wrapped[i] === optimizer)
  if (at < 0) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `setup(…, { scheduler }): the ${scheduler.constructor.name} moves an optimizer that is not set up here. Allowed is a scheduler of one of the ${given.length} given. Make it of the optimizer that is passed.`,
    )
  }
  // A tfjs optimizer was replaced by one of ours: the scheduler has to move that.
  if (!(optimizer instanceof Optimizer)) Object.assign(scheduler, { optimizer: wrapped[at] })
  return scheduler
}
