/**
 * When a learning-rate scheduler of a module moves: after steps or epochs, every so many of them, or by a metric that
 * is watched. Semantics are Lightning's `lr_scheduler_config`. Not for: the curves (engine).
 */
import {
  LambdaLR,
  type LrLambda,
  LrScheduler,
  type Optimizer,
  ReduceLROnPlateau,
  type SchedulerState,
} from '@rondo/engine'
import { RondoError } from '@rondo/protocol'

/** Any of Rondo's schedulers, or a function of the count that gives a factor on the first learning rate. */
export type AnyLrScheduler = LrScheduler | ReduceLROnPlateau | LrLambda

/** A scheduler with the moments at which it moves; Lightning's dictionary. */
export interface LrSchedulerConfig {
  scheduler: AnyLrScheduler
  /** What is counted; default `epoch`. */
  interval?: 'epoch' | 'step'
  /** The scheduler moves once after so many epochs or steps; default 1. */
  frequency?: number
  /** Logged metric that ReduceLROnPlateau watches; needed by it alone. */
  monitor?: string
  /** Refuses a metric that is not there instead of waiting for it; default true. */
  strict?: boolean
}

const KEYS = ['scheduler', 'interval', 'frequency', 'monitor', 'strict']
const ALLOWED =
  'allowed is a scheduler (new StepLR(optimizer, { stepSize: 10 }), …), a function epoch => factor, or { scheduler, interval, frequency, monitor, strict }'

/** What a schedule needs to go on. Plain data. */
export interface LrScheduleState {
  count: number
  scheduler: SchedulerState
}

export class LrSchedule {
  readonly interval: 'epoch' | 'step'
  /** The metric that moves it, null when counting does. */
  readonly monitor: string | null
  readonly strict: boolean
  readonly scheduler: LrScheduler | ReduceLROnPlateau
  private readonly frequency: number
  private count = 0

  /** @throws BAD_ARGUMENT for what is no scheduler, one of another optimizer, and options that are wrong */
  constructor(optimizer: Optimizer, given: AnyLrScheduler | LrSchedulerConfig) {
    const config = isConfig(given) ? given : { scheduler: given }
    const { interval = 'epoch', frequency = 1, monitor = null, strict = true } = config
    const unknown = Object.keys(config).find((key) => !KEYS.includes(key))
    if (unknown !== undefined) throw bad(`there is no option ${unknown}; ${ALLOWED}`)
    this.scheduler = schedulerOf(optimizer, config.scheduler)
    if (interval !== 'epoch' && interval !== 'step') {
      throw bad(`interval is ${String(interval)}; allowed are "epoch" and "step"`)
    }
    if (!(Number.isSafeInteger(frequency) && frequency >= 1)) {
      throw bad(`frequency is ${String(frequency)}; it must be a whole number of at least 1`)
    }
    const plateau = this.scheduler instanceof ReduceLROnPlateau
    if (plateau !== (monitor !== null)) {
      throw bad(
        plateau
          ? 'ReduceLROnPlateau has no monitor; it must name the logged metric that is watched, for example monitor: "val_loss"'
          : `monitor is "${monitor}", which only ReduceLROnPlateau looks at; leave it out`,
      )
    }
    this.interval = interval
    this.frequency = frequency
    this.monitor = monitor
    this.strict = strict
  }

  /** null for one that is made anew when training goes on from a checkpoint. */
  state(): LrScheduleState | null {
    return { count: this.count, scheduler: this.scheduler.state() }
  }

  /** Takes over saved state, and with it the learning rate of a scheduler that only counts. */
  restore({ count, scheduler }: LrScheduleState): void {
    this.count = count
    this.scheduler.restore(scheduler)
  }

  /**
   * One epoch or step is over. `metric` gives the watched value, the same on all ranks, or null when it is not there
   * yet; it is asked only when the scheduler is due.
   */
  async advance(metric: () => Promise<number | null>): Promise<void> {
    this.count += 1
    if (this.count % this.frequency !== 0) return
    if (this.scheduler instanceof LrScheduler) {
      this.scheduler.step()
      return
    }
    const value = await metric()
    if (value !== null) this.scheduler.step(value)
  }
}

function schedulerOf(optimizer: Optimizer, scheduler: unknown): LrScheduler | ReduceLROnPlateau {
  if (scheduler instanceof LrScheduler || scheduler instanceof ReduceLROnPlateau) {
    if (scheduler.optimizer === optimizer) return scheduler
    throw bad(
      'the scheduler belongs to another optimizer than the one that is returned; both must be the same, and one of TensorFlow.js is taken over into a new one, so make it with adam, adamw, sgd or rmsprop from rondo',
    )
  }
  if (typeof scheduler === 'function') return new LambdaLR(optimizer, scheduler as LrLambda)
  throw bad(`it is ${scheduler === null ? 'null' : typeof scheduler}; ${ALLOWED}`)
}

function isConfig(given: AnyLrScheduler | LrSchedulerConfig): given is LrSchedulerConfig {
  return typeof given === 'object' && given !== null && 'scheduler' in given
}

function bad(why: string): RondoError {
  return new RondoError('BAD_ARGUMENT', `configureOptimizers(): lrScheduler: ${why}. Correct it where it is returned.`)
}
