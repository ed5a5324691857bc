/**
 * Fabric: a script's few verbs for training on many ranks, with Lightning Fabric's names and meaning. Every verb only
 * delegates: to the folders setup, training, collectives and logging, to checkpoints, and to launch.
 */
import type { Columns, DataLoader } from '@rondo/data'
import { currentRecording, type Model, type tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import {
  type CheckpointHost,
  type CheckpointState,
  checkpointHost,
  chosenCheckpointIO,
  type LoadOptions,
  loadCheckpoint,
  loadRawCheckpoint,
  type SaveOptions,
  saveCheckpoint,
} from './checkpoint/index.ts'
import { isSharedStorage } from './checkpoint/shared-storage.ts'
import {
  type AllGatherOptions,
  type AllReduceOptions,
  allGatherData,
  allReduceData,
  type BroadcastOptions,
  broadcastValue,
  firstOnRankZero,
  passBarrier,
} from './collectives/verbs.ts'
import { currentRankContext, type RankContext } from './context.ts'
import { FabricCore } from './core.ts'
import type { FabricDataLoader, LoaderOptions } from './fabric-loader.ts'
import type { FabricModel, FabricOptimizer } from './fabric-model.ts'
import { FabricProperties } from './fabric-properties.ts'
import { launchFabric } from './launch/launch.ts'
import { resolveHere } from './launch/plan.ts'
import { adoptRunMethod } from './launch/run-method.ts'
import { callCallbacks } from './logging/callbacks.ts'
import { type LogValue, logValues } from './logging/log.ts'
import { attachLoggers } from './logging/logger-host.ts'
import type { FabricOptions } from './options.ts'
import { withRank } from './rank-of-refusal.ts'
import { type SeedOptions, seedRank } from './seed.ts'
import { initOnDevice, toDevice } from './setup/device.ts'
import { setupLoaders } from './setup/loaders.ts'
import {
  type AnyOptimizer,
  type SetupModuleOptions,
  setupModels,
  setupModule,
  setupOptimizers,
} from './setup/models.ts'
import type { SetUpModel } from './setup/module-methods.ts'
import type { Schedule } from './setup/scheduler.ts'
import { runAutocast } from './training/autocast.ts'
import { type BackwardOptions, runBackward, withoutBackwardSync } from './training/backward.ts'
import { type ClipOptions, clipGradients } from './training/clip-gradients.ts'

/** Loaders after setup, one for each. */
type SetUpLoaders<L extends readonly DataLoader[]> = {
  [K in keyof L]: L[K] extends DataLoader<infer C> ? FabricDataLoader<C> : never
}

/**
 * A script's verbs for training on one rank or many: launch, set up, backward, step, save. Made once a script; means what
 * Lightning's Fabric means.
 */
export class Fabric extends FabricProperties {
  /** What save and load work with: this Fabric's own CheckpointIO, whatever a later one has. */
  private readonly checkpoints: CheckpointHost

  /** Throws CONFLICT when an option and a flag disagree, BAD_ARGUMENT for a value that is not allowed. */
  constructor(options: FabricOptions = {}, context: RankContext = currentRankContext()) {
    const { resolved, plan, wanted } = resolveHere(options, context)
    super(new FabricCore(context, resolved, plan, wanted))
    context.resolved = resolved
    context.checkpointIO = chosenCheckpointIO(context, resolved)
    this.checkpoints = checkpointHost(context)
    attachLoggers(context, resolved.loggers)
    if (this.localRank === 0) for (const note of resolved.notes) console.info(note)
    adoptRunMethod(this, this.core)
  }

  /**
   * Without arguments: waits until every rank is here and the device is ready. Under `rondo run` the ranks exist
   * already, so nothing is started; with one rank it only prepares the device. Under `rondo exec` the page that was
   * opened is rank 0, and the other devices are opened now; what stands above this line ran on rank 0 alone before,
   * and runs once on each of the others.
   *
   * With a function, in a notebook: runs `fn(fabric, ...args)` on the ranks that this Fabric asks for and resolves
   * with what it returned on rank 0. One device without a strategy that starts ranks runs it right here. May be
   * called again and again. Rejects with the error of the rank that failed first.
   */
  launch(): Promise<void>
  launch<A extends unknown[], R>(fn: (fabric: Fabric, ...args: A) => R | Promise<R>, ...args: A): Promise<R>
  launch(...call: unknown[]): Promise<unknown> {
    return launchFabric(this.core, this, call)
  }

  /**
   * Makes model and optimizers ready for many ranks: parameters are compared, then rank 0's are everyone's. Takes
   * `(model, ...optimizers, options?)`; tfjs optimizers (`tf.train.adam(1e-3)`) are adopted with their
   * hyper-parameters. Returns a tuple of the same length, the scheduler of the options last, or the model alone.
   * Throws PARAMETER_MISMATCH on all ranks when their models differ, BAD_ARGUMENT for what is set up already.
   */
  setup<M extends Model>(model: M, options?: SetupModuleOptions): Promise<SetUpModel<M>>
  setup<M extends Model, O extends AnyOptimizer[], S extends Schedule>(
    model: M,
    ...rest: [...optimizers: O, options: SetupModuleOptions & { scheduler: S }]
  ): Promise<[SetUpModel<M>, ...{ [K in keyof O]: FabricOptimizer }, S]>
  setup<M extends Model, O extends AnyOptimizer[]>(
    model: M,
    ...optimizers: O
  ): Promise<[SetUpModel<M>, ...{ [K in keyof O]: FabricOptimizer }]>
  setup<M extends Model, O extends AnyOptimizer[]>(
    model: M,
    ...rest: [...optimizers: O, options: SetupModuleOptions]
  ): Promise<[SetUpModel<M>, ...{ [K in keyof O]: FabricOptimizer }]>
  setup(model: Model, ...rest: unknown[]): Promise<unknown> {
    return withRank(this.core.context, () => setupModels(this.core, this, model, rest))
  }

  /** The model without its optimizers; `setupOptimizers` takes those. */
  setupModule<M extends Model>(model: M, options: SetupModuleOptions = {}): Promise<SetUpModel<M>> {
    return withRank(this.core.context, () => setupModule(this.core, this, model, options)) as Promise<SetUpModel<M>>
  }

  /** Optimizers of the one model that is set up by `setupModule`; one in, one out; several, a tuple. */
  setupOptimizers(optimizer: AnyOptimizer): Promise<FabricOptimizer>
  setupOptimizers<O extends AnyOptimizer[]>(...optimizers: O): Promise<{ [K in keyof O]: FabricOptimizer }>
  setupOptimizers(...optimizers: AnyOptimizer[]): Promise<unknown> {
    return withRank(this.core.context, async () => oneOrAll(await setupOptimizers(this.core, optimizers)))
  }

  /** Deals each loader's samples to the ranks and turns batches into tensors. One loader in, one out; several, a tuple. */
  setupDataLoaders<C extends Columns>(loader: DataLoader<C>, options?: LoaderOptions): Promise<FabricDataLoader<C>>
  setupDataLoaders<L extends DataLoader[]>(...loaders: L): Promise<SetUpLoaders<L>>
  setupDataLoaders<L extends DataLoader[]>(...rest: [...loaders: L, options: LoaderOptions]): Promise<SetUpLoaders<L>>
  setupDataLoaders(...rest: unknown[]): Promise<unknown> {
    return withRank(this.core.context, async () => oneOrAll(await setupLoaders(this.core, rest)))
  }

  /**
   * Runs `lossFn` forward and backward and averages the gradient over the ranks, weighted by samples. The
   * function returns a scalar tensor, the mean over the batch; the loss of this rank is returned.
   */
  backward(lossFn: () => tf.Scalar | Promise<tf.Scalar>, options: BackwardOptions = {}): Promise<number> {
    return withRank(this.core.context, () => runBackward(this.core, lossFn, options))
  }

  /** Gradients inside `fn` only add up on this rank; the next backward outside it exchanges them. */
  noBackwardSync<T>(model: FabricModel, fn: () => T | Promise<T>, options: { enabled?: boolean } = {}): Promise<T> {
    return withRank(this.core.context, () => withoutBackwardSync(this.core, model, fn, options))
  }

  /**
   * Limits the averaged gradient that the next `optimizer.step()` uses: by value, each entry to ±clipVal; or by norm,
   * all entries times min(1, maxNorm / (norm + 1e-6)), where norm is over all parameters (torch's clip_grad_norm_). After
   * averaging and unscaling, before the step. Returns the norm before clipping, null for clipVal.
   */
  clipGradients(model: FabricModel, optimizer: FabricOptimizer, options: ClipOptions): Promise<number | null> {
    return clipGradients(this.core, model, optimizer, options)
  }

  /**
   * Runs `fn` in this Fabric's precision, as a set-up model's `forward` runs: for products and layers outside of it. Gives
   * what `fn` gives; of an async function all that happens until it is done.
   */
  autocast<T>(fn: () => T): T {
    return runAutocast(this.core, fn)
  }

  /**
   * `value` with all its tensors on this rank's accelerator: nested arrays and objects, columns of a loader with
   * `moveToDevice: false`, and models, which are moved in place.
   */
  toDevice<T>(value: T): Promise<T> {
    return withRank(this.core.context, () => toDevice(this.core, value))
  }

  /** The tensor that `fn` makes, made on this rank's accelerator. */
  initTensor<T>(fn: () => T | Promise<T>): Promise<T> {
    return withRank(this.core.context, () => initOnDevice(this.core, 'initTensor', fn))
  }

  /** The model that `fn` builds, built on this rank's accelerator. `emptyInit` has no effect in TensorFlow.js. */
  initModule<T>(fn: () => T | Promise<T>, options: { emptyInit?: boolean } = {}): Promise<T> {
    return withRank(this.core.context, () => initOnDevice(this.core, 'initModule', fn, options))
  }

  /**
   * Reduces numbers, tensors and nested data over the ranks; every rank gets the same new value.
   * Throws BAD_ARGUMENT for another op, group or dtype, COLLECTIVE_MISMATCH when ranks pass different things.
   */
  allReduce<T>(data: T, options: AllReduceOptions = {}): Promise<T> {
    return this.collective('allReduce', () => allReduceData(this.core.context, data, options))
  }

  /**
   * Gathers equal-shaped data of all ranks: each leaf gets shape [worldSize, ...shape]; one rank adds no axis. Numbers
   * become tensors. With `syncGrads`, inside an asynchronous loss, the gradient flows back to every rank.
   */
  allGather(data: unknown, options: AllGatherOptions = {}): Promise<unknown> {
    // An asynchronous loss goes on under its tape when it has waited for this.
    const recording = options.syncGrads ? currentRecording() : null
    const gathering = this.collective('allGather', () => allGatherData(this.core.context, data, options, recording))
    return recording ? (recording.resumed(gathering) as Promise<unknown>) : gathering
  }

  /** Rank `src`'s value on every rank; anything that can be cloned, and tensors. */
  broadcast<T>(value: T, options: BroadcastOptions = {}): Promise<T> {
    return this.collective('broadcast', () => broadcastValue(this.core.context, value, options))
  }

  /** Returns when every rank has arrived; after the step time-out it says who has not. */
  barrier(name?: string): Promise<void> {
    return this.collective('barrier', () => passBarrier(this.core.context, name))
  }

  /** Rank 0 (with `local`: of each node) runs `fn` first, the others after it, however long it takes. */
  rankZeroFirst<T>(fn: () => T | Promise<T>, options: { local?: boolean } = {}): Promise<T> {
    return this.collective('rankZeroFirst', () => firstOnRankZero(this.core.context, fn, options))
  }

  /** Whether all ranks see one storage at `path` (default: the run's folder). Collective: rank 0 writes, all look. */
  isSharedFilesystem(path?: string): Promise<boolean> {
    return this.collective('isSharedFilesystem', () => isSharedStorage(this.core.context, path))
  }

  /** The numbers 0 to count−1, and with them the total that progress bars count towards. */
  *epochs(count: number): Generator<number, void, undefined> {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RondoError('BAD_ARGUMENT', `epochs(${count}): the count must be a whole number of at least 0.`)
    }
    this.core.context.reporter.epochs = count
    for (let epoch = 0; epoch < count; epoch++) yield epoch
  }

  /** Runs the method `hook` of every callback that has one, in order, with these arguments. */
  call(hook: string, ...args: unknown[]): Promise<void> {
    return callCallbacks(this.callbacks, hook, args)
  }

  /** Writes a line on local rank 0 of each node. */
  print(...values: unknown[]): void {
    if (this.localRank === 0) console.log(...values)
  }

  /**
   * Records a metric on rank 0: in the run's metrics.csv, its report, every watcher and every logger. Numbers at once,
   * tensors with one element when they are read, which the promise waits for. `step`: optimizer steps so far.
   */
  log(name: string, value: LogValue, step?: number): Promise<void> {
    return logValues(this.core, { [name]: value }, step)
  }

  /** Records several metrics of one step. */
  logDict(values: Record<string, LogValue>, step?: number): Promise<void> {
    return logValues(this.core, values, step)
  }

  /**
   * Seeds initialisers, shuffles and Rondo's generators with the same value on every rank; returns it. Without
   * an argument PL_GLOBAL_SEED counts, else 0 with a warning. With `workers`, data draws from a stream of each rank's
   * own. Throws BAD_ARGUMENT outside 0..4294967295.
   */
  seedEverything(seed?: number, options: SeedOptions = {}): number {
    return seedRank(this.core.context, seed, options)
  }

  /**
   * Collective: stores `state` (models, optimizers, plain values by name) as one safetensors file; see docs/checkpoints.md.
   * A path is relative to the run's folder, or begins with `opfs:`, `indexeddb:` or `download:`.
   */
  async save(path: string, state: CheckpointState, options: SaveOptions = {}): Promise<void> {
    await this.collective('save', () => saveCheckpoint(this.checkpoints, path, state, options))
  }

  /** Collective: fills `state` in place from a file that `save` wrote, at any world size; returns what is left over. */
  async load(path: string, state: CheckpointState = {}, options: LoadOptions = {}): Promise<Record<string, unknown>> {
    return this.collective('load', () => loadCheckpoint(this.checkpoints, path, state, options))
  }

  /** Collective: fills one model or optimizer from a bare safetensors file, by the names of its parameters. */
  async loadRaw(path: string, obj: unknown, options: LoadOptions = {}): Promise<void> {
    await this.collective('loadRaw', () => loadRawCheckpoint(this.checkpoints, path, obj, options))
  }

  private collective<T>(call: string, run: () => Promise<T>): Promise<T> {
    return withRank(this.core.context, async () => {
      await this.core.requireLaunch(call)
      return run()
    })
  }
}

function oneOrAll<T>(list: readonly T[]): T | readonly T[] {
  return list.length === 1 ? (list[0] as T) : list
}
