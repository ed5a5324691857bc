/**
 * One call of fit, validate, test or predict on this rank: what all loops share. Knows the ranks, calls hooks, keeps
 * what modules log and publishes it. Not for: what happens when (loops).
 */
import type { tf } from '@rondo/engine'
import {
  attachLoggers,
  currentRankContext,
  Fabric,
  type FabricModel,
  type FabricOptions,
  type RankContext,
} from '@rondo/fabric'
import type { Logger } from '@rondo/loggers'
import { type RankEvent, RondoError } from '@rondo/protocol'
import type { Callback } from './callbacks/callback.ts'
import { monitored } from './callbacks/monitor.ts'
import { callNow, callOn, type HookName, type Stage } from './hooks.ts'
import type { VerbData } from './loaders/source.ts'
import { logCall } from './logging/log-call.ts'
import type { LogPlace } from './logging/log-options.ts'
import { addToHistory, type Metrics } from './logging/metrics.ts'
import { Results } from './logging/results.ts'
import type { LrSchedule } from './module/lr-schedule.ts'
import type { RondoModule } from './module/module.ts'
import { attachRuntime, type ModuleRuntime } from './module/runtime.ts'
import type { ResolvedTrainerOptions } from './options/options.ts'
import { type Profiler, profiled } from './profilers/profiler.ts'
import { profilerOf } from './profilers/resolve.ts'
import type { KeptByStrategy } from './state/write-checkpoint.ts'
import type { Trainer } from './trainer.ts'

/** Where the run is, for `log`. */
export interface Scope {
  stage: LogPlace['stage'] | 'sanity' | 'predict'
  /** Position of the loader; null unless there are several. */
  dataloaderIndex: number | null
  batchSize: number
  /** Leading dimensions of the batch's tensors, where they disagree. */
  leading?: readonly number[] | null
}

/** What callbacks may reach into while a fit is under way. */
export interface FitControls {
  /** By optimizer; a callback may put another one into its place. */
  readonly schedules: Array<LrSchedule | null>
  /** Whether the module steps by itself, and moves its schedules. */
  readonly manual: boolean
  /** Tells everyone who watches the run. */
  tell(event: RankEvent): void
  /** Makes the weights of all ranks equal, where a strategy lets them differ. Collective. */
  syncWeights(): Promise<void>
  /**
   * Runs `trainingStep` on each batch of this rank's training data, without gradients and steps.
   * @param before called before each batch with its number from 0
   * @returns the number of batches
   */
  passOverTrainData(before: (index: number) => void): Promise<number>
}

export class Run {
  readonly trainer: Trainer
  readonly module: RondoModule
  readonly data: VerbData
  readonly stage: Stage
  readonly options: ResolvedTrainerOptions
  readonly context: RankContext
  readonly fabric: Fabric
  readonly loggers: readonly Logger[]
  readonly trainResults = new Results()
  evaluationResults = new Results()
  readonly runtime: ModuleRuntime
  /** The module as it is trained, in a part for each optimizer; none outside of fit. */
  models: readonly FabricModel[] = []
  scope: Scope = { stage: 'train', dataloaderIndex: null, batchSize: 1 }
  /** null outside of a fit. */
  fitControls: FitControls | null = null
  /** Names for which the hint about syncDist was given. */
  readonly hinted = new Set<string>()
  /** What was warned of once. */
  readonly noted = new Set<string>()
  /** Whether there is validation data and a step for it. */
  validates = false
  /** Whether validation ran to its end, the sanity check aside. */
  hasValidated = false
  /** Called when the verb is over, however it ends. */
  readonly atEnd: Array<() => void> = []
  /** null unless the trainer has one. */
  readonly profiler: Profiler | null
  /** Name of the hook or step that runs now. */
  place = 'setup'

  constructor(trainer: Trainer, module: RondoModule, stage: Stage, data: VerbData, fabricOptions: FabricOptions) {
    this.trainer = trainer
    this.module = module
    this.stage = stage
    this.data = data
    this.options = trainer.resolved
    this.context = trainer.context ?? currentRankContext()
    this.fabric = new Fabric(fabricOptions, this.context)
    this.loggers = Array.isArray(this.options.logger) ? this.options.logger : []
    attachLoggers(this.context, this.loggers)
    this.runtime = {
      trainer,
      training: false,
      manual: null,
      batchSize: () => this.scope.batchSize,
      log: (name, value, options) => logCall(this, name, value, options),
    }
    this.profiler = profilerOf(this.options.profiler)
    attachRuntime(module, this.runtime)
  }

  get worldSize(): number {
    return this.context.group.worldSize
  }

  get rank(): number {
    return this.context.group.rank
  }

  get hasLogger(): boolean {
    return this.options.logger !== false
  }

  /** Writes a line on rank 0. */
  print(line: string): void {
    if (this.rank === 0) console.info(line)
  }

  /** Calls a hook: callbacks first, then the module, then the callbacks that watch metrics. */
  async hook(name: HookName, ...args: unknown[]): Promise<void> {
    await this.epochEnd(name, args, async () => {})
  }

  /**
   * A hook at whose end metrics are published: callbacks and the module may still log in it, and callbacks that watch
   * metrics (early stopping, checkpoints) come after they are there.
   */
  async epochEnd(name: HookName, args: readonly unknown[], publish: () => Promise<void>): Promise<void> {
    await this.hookBeforePublishing(name, ...args)
    await publish()
    await this.hookWatchers(name, ...args)
  }

  /** A hook of the callbacks that do not watch metrics, and of the module. */
  async hookBeforePublishing(name: HookName, ...args: unknown[]): Promise<void> {
    await this.hookCallbacks(name, args, (callback) => !isWatcher(callback))
    await this.asAction(this.module, name, () => this.within(name, () => callOn(this.module, name, args)))
  }

  /** A hook of the callbacks that watch metrics, on all ranks alike: they may agree on something. */
  async hookWatchers(name: HookName, ...args: unknown[]): Promise<void> {
    await this.hookCallbacks(name, args, isWatcher)
  }

  /** The loss is there; called inside of the gradient's function, so nobody may wait. @throws BAD_ARGUMENT for who does */
  beforeBackward(loss: tf.Tensor): void {
    const { trainer, module } = this
    const call = (owner: object, args: readonly unknown[]): void => {
      if (!(this.within('onBeforeBackward', () => callNow(owner, 'onBeforeBackward', args)) instanceof Promise)) return
      throw new RondoError(
        'BAD_ARGUMENT',
        `${owner.constructor.name}.onBeforeBackward returned a promise. It is called while operations are recorded, so it must be synchronous. Take async off it; in onAfterBackward waiting is allowed.`,
      )
    }
    for (const callback of trainer.callbacks) call(callback, [trainer, module, loss])
    call(module, [loss])
  }

  private async hookCallbacks(
    name: HookName,
    args: readonly unknown[],
    takes: (callback: Partial<Callback>) => boolean,
  ): Promise<void> {
    const { trainer, module } = this
    for (const callback of trainer.callbacks) {
      if (!takes(callback)) continue
      const call = (): Promise<void> => callOn(callback, name, [trainer, module, ...args])
      await this.asAction(callback, name, () => this.within(name, call))
    }
  }

  /** Tells the profiler of a method that `owner` has; of none that it has not. */
  asAction<T>(owner: object, method: string, fn: () => T): T {
    const { profiler } = this
    if (profiler === null || typeof (owner as Record<string, unknown>)[method] !== 'function') return fn()
    const kind = owner === this.module ? 'RondoModule' : 'Callback'
    return profiled(profiler, `[${kind}]${owner.constructor.name}.${method}`, fn)
  }

  /** Runs `fn` as the place called `name`, so that `log` knows where it is; until its promise settles, if it gives one. */
  within<T>(name: string, fn: () => T): T {
    const { place } = this
    const leave = (): void => {
      this.place = place
    }
    this.place = name
    let result: T
    try {
      result = fn()
    } catch (error) {
      leave()
      throw error
    }
    if (result instanceof Promise) return result.finally(leave) as T
    leave()
    return result
  }

  /** Makes the weights of all ranks equal, where a strategy lets them differ meanwhile. Collective. */
  async syncWeights(): Promise<void> {
    for (const model of this.models) await model.syncWeights()
  }

  /** What the strategy keeps between steps, by model; right after `syncWeights`. */
  keptByStrategy(): KeptByStrategy {
    return {
      replicas: this.models.flatMap(({ replica }) => replica.state?.() ?? []),
      trainsAlone: this.worldSize > 1 && this.models.some(({ replica }) => replica.syncWeights !== undefined),
    }
  }

  /** Whether any rank says so. Collective. */
  async anyRank(flag: boolean, name = 'agree'): Promise<boolean> {
    if (this.worldSize === 1) return flag
    const { group, signal } = this.context
    const agreed = await group.allReduce(Int32Array.of(flag ? 1 : 0), { op: 'max', name, signal })
    return agreed[0] === 1
  }

  /** The metric that a schedule watches: rank 0's value on every rank, so that learning rates stay equal. Collective. */
  async watched({ monitor, strict }: LrSchedule): Promise<number | null> {
    if (monitor === null) return null
    const value = monitored(this.trainer, 'lrScheduler', monitor, strict)
    if (this.worldSize === 1) return value
    const { group, signal } = this.context
    const [given, present] = await group.broadcast(Float64Array.of(value ?? 0, value === null ? 0 : 1), {
      name: `watched ${monitor}`,
      signal,
    })
    return present === 1 ? (given as number) : null
  }

  /** Throws when somebody outside wants this rank to stop at once. */
  checkInterrupt(): void {
    this.context.signal.throwIfAborted()
    if (this.trainer.interruption) throw this.trainer.interruption
  }

  /** Gives values to the loggers and the history, on rank 0. Not finite ones stay out of the run's own metrics. */
  record(values: Metrics, toLoggers: Metrics): void {
    const { trainer } = this
    addToHistory(trainer.board, trainer.globalStep, trainer.currentEpoch, values)
    Object.assign(trainer.board.loggedMetrics, toLoggers)
    if (this.rank !== 0 || !this.hasLogger || Object.keys(toLoggers).length === 0) return
    if (this.options.logger === true) this.fabric.logDict(toLoggers, trainer.globalStep)
    for (const logger of this.loggers)
      logger.logMetrics({ epoch: trainer.currentEpoch, ...toLoggers }, trainer.globalStep)
  }

  end(): void {
    for (const undo of this.atEnd.splice(0)) undo()
    this.trainResults.reset()
    this.evaluationResults.reset()
    attachRuntime(this.module, null)
  }
}

/** Callbacks that look at metrics say so. */
function isWatcher(callback: Partial<Callback> & { watchesMetrics?: boolean }): boolean {
  return callback.watchesMetrics === true
}
