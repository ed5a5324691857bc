/**
 * What every learning-rate scheduler shares: a count of steps, the first learning rate, and setting the
 * optimizer's. Semantics are torch.optim.lr_scheduler's; what counts (steps or epochs) is the caller's
 * choice. Not for: the curves (one file each) or when to call `step` (Trainer, scripts).
 */
import { RondoError } from '@rondo/protocol'

/** What a scheduler needs of an optimizer; Rondo's optimizers and Fabric's wrappers have it. */
export interface Scheduled {
  learningRate: number
  /** Momentum of SGD and RMSProp, β₁ of Adam; only OneCycleLR sets it. */
  momentum?: number | undefined
}

/** Everything a scheduler needs to go on after a restart. Plain data. */
export type SchedulerState = Readonly<Record<string, number | null>>

/** The learning rate before the first scheduler of an optimizer touched it (torch's `initial_lr`). */
const INITIAL = new WeakMap<Scheduled, number>()

/** A scheduler whose learning rate follows from the count alone. */
export abstract class LrScheduler {
  readonly optimizer: Scheduled
  /** The optimizer's learning rate before any scheduler set it (torch's `base_lrs`). */
  protected base: number
  private counted = 0

  /** Subclasses call `start` at the end of their constructor: it sets the learning rate of count 0. */
  protected constructor(optimizer: Scheduled) {
    this.optimizer = optimizer
    this.base = INITIAL.get(optimizer) ?? optimizer.learningRate
    INITIAL.set(optimizer, this.base)
  }

  /** Learning rate after `count` calls of `step`. */
  abstract rateAt(count: number): number

  /** Calls of `step` so far (torch's `last_epoch`). */
  get count(): number {
    return this.counted
  }

  /** The learning rate that was set last. */
  get lastLearningRate(): number {
    return this.rateAt(this.counted)
  }

  /** One step or epoch is over: sets the learning rate of the next. */
  step(): void {
    this.counted += 1
    this.apply()
  }

  /** What `restore` needs to go on from here. */
  state(): SchedulerState {
    return { count: this.counted, base: this.base }
  }

  /** Takes over saved state and sets the learning rate that belongs to it. */
  restore(state: SchedulerState): void {
    this.counted = savedNumber(state, 'count')
    this.base = savedNumber(state, 'base')
    this.apply()
  }

  /** Sets the learning rate of count 0. */
  protected start(): void {
    this.apply()
  }

  /** Sets the learning rate of the present count. */
  protected apply(): void {
    this.optimizer.learningRate = this.rateAt(this.counted)
  }
}

/** A number of a saved state. Throws BAD_ARGUMENT naming it when it is not there. */
export function savedNumber(state: SchedulerState, name: string): number {
  const value = state[name]
  if (typeof value === 'number') return value
  throw new RondoError(
    'BAD_ARGUMENT',
    `Scheduler state has ${name} ${String(value)}; it must be a number. Restore the state of a scheduler of the same kind.`,
  )
}

/** @throws BAD_ARGUMENT naming scheduler, option, value and what is allowed */
export function checkOption(
  scheduler: string,
  option: string,
  value: unknown,
  allowed: string,
  ok: (value: number) => boolean,
): number {
  if (typeof value === 'number' && ok(value)) return value
  throw new RondoError(
    'BAD_ARGUMENT',
    `${scheduler}({ ${option}: ${String(value)} }): ${option} must be ${allowed}. Correct it where the scheduler is made.`,
  )
}

export const isFiniteNumber = (value: number): boolean => Number.isFinite(value)
export const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1
