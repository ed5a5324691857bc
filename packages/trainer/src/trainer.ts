/**
 * Trainer: fit, validate, test and predict on one rank or many, with Lightning's names and meaning. Holds what people
 * read afterwards; delegates the loops. In a notebook a call that needs several devices launches itself there.
 */
import type { Optimizer, RandomState } from '@rondo/engine'
import {
  currentRankContext,
  type FabricOptions,
  type RankContext,
  type RunFiles,
  withRank,
  withRankAtOnce,
} from '@rondo/fabric'
import { RondoError } from '@rondo/protocol'
import type { Callback } from './callbacks/callback.ts'
import { readCallbacks } from './callbacks/callback-list.ts'
import { ModelCheckpoint } from './callbacks/model-checkpoint.ts'
import type { Stage } from './hooks.ts'
import { launchVerb, needsLaunch } from './launch.ts'
import { type DataArgument, type DataOptions, type LoaderSource, readData, type VerbData } from './loaders/source.ts'
import { emptyBoard, type HistoryRow, type MetricBoard, type Metrics } from './logging/metrics.ts'
import { fromValues, type Prediction } from './loops/prediction.ts'
import { runVerb } from './loops/verbs.ts'
import { RondoModule } from './module/module.ts'
import type { ConfiguredOptimizer } from './module/optimizer-config.ts'
import { selectSlots } from './options/auto-select.ts'
import { withDefaults } from './options/environment.ts'
import { checkFabricArguments, fabricOptionsOf } from './options/fabric-options.ts'
import { readArgs } from './options/from-args.ts'
import { type ResolvedTrainerOptions, readTrainerOptions, type TrainerOptions } from './options/options.ts'
import type { FitControls, Run } from './run.ts'
import type { BackgroundFiles } from './state/background-files.ts'
import { backgroundFiles } from './state/checkpoint.ts'
import type { FitProgress } from './state/progress.ts'
import { type KeptByStrategy, writeCheckpoint } from './state/write-checkpoint.ts'

/** Trainers at work in this realm, for whoever has to stop them all. */
const working = new Set<Trainer>()

/**
 * Ends every fit, validate, test and predict of this realm at its next batch, by an ABORTED error: for hosts whose
 * person pressed Stop.
 */
export function interruptTrainers(reason = 'Interrupted.'): void {
  for (const trainer of working) trainer.interruption = new RondoError('ABORTED', reason)
}

/**
 * Runs a RondoModule: fit, validate, test and predict, on one rank or many, each any number of times. Arguments and
 * meaning are those of Lightning's Trainer.
 */
export class Trainer {
  /** As given or set by the environment, in today's spelling and without callbacks. */
  readonly options: Omit<TrainerOptions, 'callbacks'>
  readonly resolved: ResolvedTrainerOptions
  readonly callbacks: Array<Partial<Callback>>
  /** Epochs that are finished; during a fit the number of the current one, from 0. */
  currentEpoch = 0
  /** Batches that make one optimizer step now; callbacks may change it between epochs. */
  accumulateGradBatches = 1
  /** Optimizer steps of the last fit. */
  globalStep = 0
  /** Set it to end training after this step, on all ranks. */
  shouldStop = false
  sanityChecking = false
  /** The optimizers of the last fit, with their state. */
  optimizers: Optimizer[] = []
  /** What the schedule of each optimizer counts; null for one without. */
  scheduleIntervals: Array<'epoch' | 'step' | null> = []
  /** The module of the last fit. */
  module: RondoModule | null = null
  board: MetricBoard = emptyBoard()
  /** Loss of the last batch on this rank. */
  lastLoss = Number.NaN
  /** Why the verb has to end at once; see interruptTrainers. */
  interruption: RondoError | null = null
  /** The rank that this trainer runs on, where it is not this realm's own: many ranks in one thread. */
  context: RankContext | null = null
  /** Where the last fit is, or the one under way; random states aside. */
  progress: Omit<FitProgress, 'ranks'> | null = null
  private run: Run | null = null
  /** Random state when the group of accumulated batches under way was opened; undefined between groups. */
  randomInGroup: RandomState | null | undefined = undefined
  /** What the strategy of the last fit keeps beside weights and optimizers. */
  kept: KeptByStrategy = { replicas: [], trainsAlone: false }
  private ownOptimizers: Optimizer[] = []

  /** Throws BAD_ARGUMENT for a bad value or an unknown argument, UNSUPPORTED for one that is not there yet. */
  constructor(options: TrainerOptions = {}) {
    const context = currentRankContext()
    const given = withRankAtOnce(context, () => {
      const read = readTrainerOptions(options, context.env)
      checkFabricArguments(read.options, read.resolved)
      return read
    })
    const { callbacks = [], ...rest } = given.options
    this.options = rest
    this.resolved = given.resolved
    if (context.group.rank === 0) for (const note of given.notes) console.info(note)
    const switches = given.resolved.barebones ? given.resolved : rest
    this.callbacks = readCallbacks([callbacks].flat() as Array<Partial<Callback>>, switches)
  }

  /**
   * A trainer made of a command line, such as `env.argv`: every argument is a flag, `--max_epochs 3`, `--max-epochs=3` or
   * `--maxEpochs 3`.
   * @param options arguments in code; they win over flags, and flags over PL_TRAINER_*
   * @returns the trainer, and the words that are no argument of it, in order
   * @throws as the constructor does; BAD_ARGUMENT names the flag
   */
  static fromArgs(argv: readonly string[], options: TrainerOptions = {}): { trainer: Trainer; rest: string[] } {
    const { options: flags, rest } = readArgs(argv)
    return { trainer: new Trainer(withDefaults(options, flags)), rest }
  }

  /** Latest value of everything logged, by name. */
  get callbackMetrics(): Metrics {
    return this.board.callbackMetrics
  }
  /** What loggers got last. */
  get loggedMetrics(): Metrics {
    return this.board.loggedMetrics
  }
  /** What was logged with `progBar`. */
  get progressBarMetrics(): Metrics {
    return this.board.progressBarMetrics
  }
  /** Logged values by step, for plots. */
  get history(): HistoryRow[] {
    return this.board.history
  }
  /** This rank's number in the world; 0 where there is one. */
  get globalRank(): number {
    return this.ranks.group.rank
  }
  /** Ranks that train together. */
  get worldSize(): number {
    return this.ranks.group.worldSize
  }
  /** Whether this is rank 0. */
  get isGlobalZero(): boolean {
    return this.globalRank === 0
  }
  /** Whether this is a trial run of a few batches. */
  get fastDevRun(): boolean {
    return this.resolved.fastDevRun > 0
  }
  /** Whether a fit is under way. */
  get fitting(): boolean {
    return this.run?.stage === 'fit'
  }
  /** What callbacks may reach into; null when no fit is under way. */
  get fitControls(): FitControls | null {
    return this.run?.fitControls ?? null
  }
  /** Whether the fit under way has validation data and a step for it. */
  get validates(): boolean {
    return this.run?.validates ?? false
  }
  /** Whether validation ran to its end in the fit under way. */
  get hasValidated(): boolean {
    return this.run?.hasValidated ?? false
  }
  /** The first ModelCheckpoint. */
  get checkpointCallback(): ModelCheckpoint | null {
    return this.callbacks.find((callback): callback is ModelCheckpoint => callback instanceof ModelCheckpoint) ?? null
  }

  /** Trains `module`. `data` is a train loader, a data module, or options; see DataOptions. */
  async fit(module: RondoModule, data?: DataArgument, validation?: LoaderSource | DataOptions): Promise<void> {
    await this.perform('fit', module, withResume(readData('fit', data, validation), this.resolved.resumeFromCheckpoint))
  }

  /** Runs validation; returns the metrics of each loader. */
  async validate(module: RondoModule, data?: DataArgument, options?: DataOptions): Promise<Metrics[]> {
    return (await this.perform('validate', module, readData('validate', data, options))) as Metrics[]
  }

  /** Runs the test loop; returns the metrics of each loader. */
  async test(module: RondoModule, data?: DataArgument, options?: DataOptions): Promise<Metrics[]> {
    return (await this.perform('test', module, readData('test', data, options))) as Metrics[]
  }

  /**
   * What `predictStep` returned for each batch, in the data set's order; for several loaders a list of such lists.
   * Tensors are the caller's to dispose of.
   */
  async predict(module: RondoModule, data?: DataArgument, options?: DataOptions): Promise<unknown[]> {
    const outputs = (await this.perform('predict', module, readData('predict', data, options))) as Prediction[][]
    const tensors = outputs.map((batches) => batches.map(fromValues))
    return tensors.length === 1 ? (tensors[0] as unknown[]) : tensors
  }

  /**
   * Writes the state of the last fit, or the one under way, as a checkpoint of the run. Collective.
   * @param path relative to the run's folder, or after `opfs:`, `indexeddb:` or `download:`
   * @param options background: true returns as soon as the state is copied; the file is whole when the next one is begun,
   * when it is read through the trainer, or when fit ends. A failure is told then.
   */
  async saveCheckpoint(
    path: string,
    { weightsOnly = false, background = false }: { weightsOnly?: boolean; background?: boolean } = {},
  ): Promise<void> {
    const module = this.run?.module ?? this.module
    if (module === null) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `trainer.saveCheckpoint("${path}"): nothing was trained yet. Call it in or after fit.`,
      )
    }
    await writeCheckpoint(this, { module, run: this.run, context: this.ranks, path, weightsOnly, background })
  }

  /** Deletes checkpoints that are no longer wanted, once those that were begun are whole; on rank 0. */
  async forgetCheckpoints(paths: readonly string[]): Promise<void> {
    if (this.globalRank !== 0) return
    for (const path of paths) {
      this.background.after(path, async (files) => {
        await files.remove?.(path).catch((error: unknown) => {
          console.warn(`${path} is no longer wanted, and could not be removed: ${String(error)}`)
        })
      })
    }
  }

  /** Every rank's value, by rank; errors and the flight recorder say `name`. Collective. */
  async gather<T>(value: T, name = 'gather'): Promise<T[]> {
    const { group, signal } = this.ranks
    return group.worldSize === 1 ? [value] : group.allGatherObject(value, { name, signal })
  }

  /** What `decide` gives on rank 0, on every rank. Collective. */
  async fromRankZero<T>(decide: () => T | Promise<T>): Promise<T> {
    const { group, signal } = this.ranks
    const mine = group.rank === 0 ? await decide() : (undefined as T)
    return group.worldSize === 1 ? mine : group.broadcastObject(mine, { src: 0, signal })
  }

  /** Whether a wish to stop counts already: not before minEpochs and minSteps. */
  mayStop(): boolean {
    const { minEpochs, minSteps } = this.resolved
    return this.shouldStop && this.currentEpoch >= minEpochs && this.globalStep >= minSteps
  }

  /** Keeps the optimizers of a fit, and frees the last one's state if nobody else holds them. */
  takeOptimizers(taken: readonly ConfiguredOptimizer[]): void {
    for (const own of this.ownOptimizers) own.dispose()
    this.ownOptimizers = taken.flatMap(({ optimizer, adopted }) => (adopted ? [optimizer] : []))
    this.optimizers = taken.map(({ optimizer }) => optimizer)
    this.scheduleIntervals = taken.map(({ schedule }) => schedule?.interval ?? null)
  }

  /** Ties the trainer to the run under way. */
  begin(run: Run | null): void {
    this.run = run
  }

  /** Where this rank's checkpoints are. */
  get files(): RunFiles {
    return this.background.files
  }

  /** Writes of checkpoints that go on beside training. */
  get background(): BackgroundFiles {
    return backgroundFiles(this.ranks)
  }

  /** Whether a run with a folder for files is around. */
  get hasRun(): boolean {
    return this.ranks.config !== null
  }

  /** Options for the Fabric of a verb. */
  fabricOptions(): FabricOptions {
    return fabricOptionsOf(this.options, this.resolved, this.ranks.config !== null)
  }

  private get ranks(): RankContext {
    return this.run?.context ?? this.context ?? currentRankContext()
  }

  private async perform(stage: Stage, module: RondoModule, data: VerbData): Promise<unknown> {
    checkModule(stage, module)
    if (working.has(this)) {
      throw new RondoError(
        'CONFLICT',
        `trainer.${stage}(): this trainer is at work already. One call at a time is allowed. Await the one before, or make another Trainer.`,
      )
    }
    working.add(this)
    this.interruption = null
    try {
      const { autoSelect } = this.resolved
      if (autoSelect !== null && this.context === null) this.options.devices = await selectSlots(autoSelect)
      if (this.context === null && (await needsLaunch(this))) return await launchVerb(this, stage, module, data)
      return await withRank(this.ranks, () => runVerb(this, stage, module, data))
    } finally {
      working.delete(this)
    }
  }
}

/** `resumeFromCheckpoint` of 1.x, where fit was told no path of its own. */
function withResume(data: VerbData, path: string | null): VerbData {
  if (path === null) return data
  if (data.ckptPath === undefined) return { ...data, ckptPath: path }
  throw new RondoError(
    'CONFLICT',
    `Trainer({ resumeFromCheckpoint: "${path}" }) and fit(…, { ckptPath: "${data.ckptPath}" }): both say where to go on. Allowed is one of the two. Remove resumeFromCheckpoint.`,
  )
}

function checkModule(stage: Stage, module: unknown): asserts module is RondoModule {
  if (module instanceof RondoModule) return
  const got =
    typeof module === 'object' && module !== null ? `a ${module.constructor?.name ?? 'plain object'}` : String(module)
  throw new RondoError(
    'BAD_ARGUMENT',
    `trainer.${stage}(module): got ${typeof module === 'function' ? 'a class or function' : got}; allowed is an instance of a class that extends RondoModule. Write class Net extends RondoModule { … } and pass new Net().`,
  )
}
