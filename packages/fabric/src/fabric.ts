/**
 * Fabric: a script's few verbs for training on many ranks, with Lightning Fabric's names and meaning. It
 * resolves what was asked for, then delegates: averaging to the strategy, bytes to the process group, devices
 * to the engine.
 */
import type { Columns, DataLoader } from '@rondo/data'
import { adoptOptimizer, type Model, type Optimizer, selectAccelerator, type tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { type Replica, type Strategy, startsFromFunction } from '@rondo/strategies'
import { type CheckpointState, loadCheckpoint, saveCheckpoint } from './checkpoint.ts'
import { currentRankContext, type RankContext } from './context.ts'
import { FabricDataLoader, type LoaderOptions } from './fabric-loader.ts'
import { FabricModel, FabricOptimizer } from './fabric-model.ts'
import { launchFunction } from './launch/launch.ts'
import { checkBareLaunch, checkNotLaunched, type NotebookPlan, needsFunction, resolveHere } from './launch/plan.ts'
import { gatherLeaves, type ReduceOp, reduceLeaves } from './nested-collectives.ts'
import type { FabricOptions, ResolvedOptions } from './options.ts'
import type { EpochPosition } from './reporter.ts'
import { seedRank } from './seed.ts'
import { sendSetup } from './setup-event.ts'

export interface BackwardOptions {
  /** Which set-up model the loss trains; needed when there are several. */
  model?: FabricModel
  /** Samples behind this loss; default: the leading dimension of the batch last drawn, else 1. */
  samples?: number
}

export class Fabric {
  readonly #context: RankContext
  readonly #options: ResolvedOptions
  /** What is to be launched; null where ranks are there or cannot be. */
  readonly #plan: NotebookPlan | null
  #launched = false
  #models: FabricModel[] = []
  #optimizers: FabricOptimizer[] = []
  #loaders: FabricDataLoader[] = []
  #lastBatchSize: number | null = null
  #position: EpochPosition | null = null
  #reported: EpochPosition | null = null
  #skipSync = false
  #lastLoss = Number.NaN

  /** Throws CONFLICT when an option and a flag disagree, BAD_ARGUMENT for a value that is not allowed. */
  constructor(options: FabricOptions = {}, context: RankContext = currentRankContext()) {
    this.#context = context
    const { resolved, plan } = resolveHere(options, context)
    this.#options = resolved
    this.#plan = plan
    context.resolved = resolved
    if (this.localRank === 0) for (const note of this.#options.notes) console.info(note)
  }

  get globalRank(): number {
    return this.#context.group.rank
  }
  get localRank(): number {
    return this.#context.localRank
  }
  get nodeRank(): number {
    return this.#context.nodeRank
  }
  get worldSize(): number {
    return this.#context.group.worldSize
  }
  get isGlobalZero(): boolean {
    return this.globalRank === 0
  }
  get strategy(): Strategy {
    return this.#options.strategy
  }
  /** Name of the accelerator in use, e.g. `wasm`; null before launch(). */
  get accelerator(): string | null {
    return this.#context.accelerator?.name ?? null
  }
  /** The adapter's description, or the accelerator's name where there is no adapter. */
  get device(): string | null {
    const chosen = this.#context.accelerator
    return chosen?.adapter?.description || chosen?.name || null
  }

  /**
   * Without arguments: waits until every rank is here and the device is ready. Under `rondo run` the ranks exist
   * already, so nothing is started; with one rank it only prepares the device.
   *
   * With a function, in a notebook: runs `fn(fabric, ...args)` on the ranks that this Fabric asks for and resolves
   * with what it returned on rank 0. One device without a strategy that starts ranks runs it right here. May be
   * called again and again. Rejects with the error of the rank that failed first.
   */
  launch(): Promise<void>
  launch<A extends unknown[], R>(fn: (fabric: Fabric, ...args: A) => R | Promise<R>, ...args: A): Promise<R>
  async launch(...call: unknown[]): Promise<unknown> {
    const [context, options, plan] = [this.#context, this.#options, this.#plan]
    if (call.length > 0) {
      const inPlace = async (fn: (...args: never[]) => unknown, args: unknown[]): Promise<unknown> => {
        await this.#prepareDevice()
        this.#launched = true
        return (fn as (...all: unknown[]) => unknown)(this, ...args)
      }
      return launchFunction({ context, plan, options, inPlace }, call[0], call.slice(1))
    }
    if (this.#launched) return undefined
    if (plan) await checkBareLaunch(plan)
    else if (context.job === null && options.strategyName !== null && startsFromFunction(options.strategyName)) {
      throw needsFunction(options.strategyName, 'In a script the ranks are started by "rondo run": use strategy "ddp".')
    }
    await this.#prepareDevice()
    this.#launched = true
    if (this.worldSize > 1) await this.barrier('launch')
    return undefined
  }

  /**
   * Makes model and optimizers ready for many ranks: parameters are compared, then rank 0's are everyone's.
   * Takes `(model, ...optimizers)`; tfjs optimizers (`tf.train.adam(1e-3)`) are adopted with their
   * hyper-parameters. Returns a tuple of the same length, or the model alone.
   */
  async setup<M extends Model>(model: M): Promise<FabricModel<M>>
  async setup<M extends Model, O extends Array<Optimizer | tf.Optimizer>>(
    model: M,
    ...optimizers: O
  ): Promise<[FabricModel<M>, ...{ [K in keyof O]: FabricOptimizer }]>
  async setup(model: Model, ...optimizers: Array<Optimizer | tf.Optimizer>): Promise<unknown> {
    await this.#requireLaunch('setup')
    await this.#prepareDevice()
    if (this.#models.some((known) => known.module === model)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        'setup(model): this model is set up already. Set each model up once and keep what setup returned.',
      )
    }
    const replica = await this.#context.during('communication', 'set up model', () =>
      this.#options.strategy.setupModel(model, this.#context),
    )
    const fabricModel = new FabricModel(model, replica)
    this.#models.push(fabricModel as FabricModel)
    this.#context.models.push(fabricModel as FabricModel)
    if (optimizers.length === 0) return fabricModel
    const afterStep = (stepped: Replica): void => this.#afterStep(stepped)
    const wrapped = optimizers.map((each) => new FabricOptimizer(adoptOptimizer(each), replica, afterStep))
    this.#context.optimizers.push(...wrapped.map(({ optimizer }) => optimizer))
    this.#optimizers.push(...wrapped)
    return [fabricModel, ...wrapped]
  }

  /** Deals each loader's samples to the ranks and turns batches into tensors. One loader in, one out; several, a tuple. */
  async setupDataLoaders<C extends Columns>(
    loader: DataLoader<C>,
    options?: LoaderOptions,
  ): Promise<FabricDataLoader<C>>
  async setupDataLoaders(loaders: readonly DataLoader[], options?: LoaderOptions): Promise<FabricDataLoader[]>
  async setupDataLoaders(loaders: DataLoader | readonly DataLoader[], options: LoaderOptions = {}): Promise<unknown> {
    await this.#requireLaunch('setupDataLoaders')
    await this.#prepareDevice()
    const list = Array.isArray(loaders) ? (loaders as readonly DataLoader[]) : [loaders as DataLoader]
    if (list.length === 0) {
      throw new RondoError('BAD_ARGUMENT', 'setupDataLoaders(): no loader was given. Pass at least one DataLoader.')
    }
    const wrapped = list.map((loader) => {
      if (this.#loaders.some((known) => known.source === loader) || list.indexOf(loader) !== list.lastIndexOf(loader)) {
        throw new RondoError(
          'BAD_ARGUMENT',
          'setupDataLoaders(loader): this loader is set up already. Set each loader up once.',
        )
      }
      return new FabricDataLoader(loader, this.#context, (batch) => this.#observeBatch(batch), options)
    })
    this.#loaders.push(...wrapped)
    return Array.isArray(loaders) ? wrapped : wrapped[0]
  }

  /**
   * Runs `lossFn` forward and backward and averages the gradient over the ranks, weighted by samples. The
   * function returns a scalar tensor, the mean over the batch; the loss of this rank is returned.
   */
  async backward(lossFn: () => tf.Scalar, options: BackwardOptions = {}): Promise<number> {
    await this.#requireLaunch('backward')
    if (typeof lossFn !== 'function') {
      throw new RondoError(
        'BAD_ARGUMENT',
        'backward(loss): got a value that carries no graph; tfjs records gradients only inside a function. Pass () => loss.',
      )
    }
    const model = options.model ?? this.#models[0]
    if (!model || (this.#models.length > 1 && !options.model)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        model
          ? `backward(lossFn): ${this.#models.length} models are set up. Say which one with { model }.`
          : 'backward(lossFn): no model is set up. Call fabric.setup(model, optimizer) first.',
      )
    }
    this.#announce(model)
    const samples = options.samples ?? this.#lastBatchSize ?? 1
    this.#lastLoss = await model.replica.backward(lossFn, samples, !this.#skipSync)
    return this.#lastLoss
  }

  /** Gradients inside `fn` only add up on this rank; the next backward outside it exchanges them. */
  async noBackwardSync<T>(
    model: FabricModel,
    fn: () => T | Promise<T>,
    options: { enabled?: boolean } = {},
  ): Promise<T> {
    if (!this.#models.includes(model)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        'noBackwardSync(model, fn): this model is not set up. Pass what fabric.setup returned.',
      )
    }
    const before = this.#skipSync
    this.#skipSync = options.enabled ?? true
    try {
      return await fn()
    } finally {
      this.#skipSync = before
    }
  }

  /** Reduces numbers, tensors and nested data over the ranks; every rank gets the same new value. */
  async allReduce<T>(data: T, options: { op?: ReduceOp; name?: string } = {}): Promise<T> {
    await this.#requireLaunch('allReduce')
    return reduceLeaves(this.#context, data, options)
  }

  /** Gathers equal-shaped data of all ranks: each leaf gets shape [worldSize, ...shape]; one rank adds no axis. */
  async allGather(data: unknown): Promise<unknown> {
    await this.#requireLaunch('allGather')
    return gatherLeaves(this.#context, data)
  }

  /** The numbers 0 to count−1, and with them the total that progress bars count towards. */
  *epochs(count: number): Generator<number, void, undefined> {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RondoError('BAD_ARGUMENT', `epochs(${count}): the count must be a whole number of at least 0.`)
    }
    this.#context.reporter.epochs = count
    for (let epoch = 0; epoch < count; epoch++) yield epoch
  }

  /** Rank `src`'s value on every rank; anything that collectives' object encoding can carry. */
  async broadcast<T>(value: T, options: { src?: number } = {}): Promise<T> {
    await this.#requireLaunch('broadcast')
    const { group, signal } = this.#context
    return this.#context.during('communication', "script's broadcast", () =>
      group.broadcastObject(value, { src: options.src ?? 0, signal }),
    )
  }

  /** Returns when every rank has arrived. */
  async barrier(name = 'barrier'): Promise<void> {
    await this.#requireLaunch('barrier')
    const { group, signal } = this.#context
    await this.#context.during('barrier', name, () => group.barrier(name, { signal }))
  }

  /** Writes a line on local rank 0 of each node. */
  print(...values: unknown[]): void {
    if (this.localRank === 0) console.log(...values)
  }

  /** Records a metric; rank 0's values reach the run's metrics.csv, its report and every watcher. */
  log(name: string, value: number | tf.Tensor, step: number = this.#context.reporter.steps): void {
    this.logDict({ [name]: value }, step)
  }

  /** Records several metrics of one step. */
  logDict(values: Record<string, number | tf.Tensor>, step: number = this.#context.reporter.steps): void {
    if (!this.isGlobalZero) return
    const numbers: Record<string, number> = {}
    for (const [name, value] of Object.entries(values)) {
      const number = typeof value === 'number' ? value : (value.dataSync()[0] as number)
      if (Number.isFinite(number)) numbers[name] = number
    }
    this.#context.emit({ kind: 'metrics', step, values: numbers })
  }

  /**
   * Seeds initialisers, shuffles and Rondo's generators with the same value on every rank; returns it. Without
   * an argument PL_GLOBAL_SEED counts, else 0 with a warning.
   */
  seedEverything(seed?: number, options: { verbose?: boolean } = {}): number {
    return seedRank(this.#context, seed, options.verbose ?? true)
  }

  /** Collective: stores `state` as one safetensors file in the run's folder; rank 0 writes. */
  async save(path: string, state: CheckpointState): Promise<void> {
    await this.#requireLaunch('save')
    await saveCheckpoint(this.#context, path, state)
  }

  /** Collective: fills the models and optimizers of `state` from a file; returns the values saved beside them. */
  async load(
    path: string,
    state: CheckpointState = {},
    options: { strict?: boolean } = {},
  ): Promise<Record<string, unknown>> {
    await this.#requireLaunch('load')
    return loadCheckpoint(this.#context, path, state, options)
  }

  async #prepareDevice(): Promise<void> {
    const { accelerator } = this.#options
    const chosen = this.#context.accelerator
    if (chosen && (accelerator === 'auto' || chosen.name === accelerator)) return
    this.#context.accelerator = await selectAccelerator(accelerator, {
      localRanks: this.#context.localWorldSize,
      onDeviceLost: (error) => this.#context.deviceLost(error),
    })
  }

  async #requireLaunch(call: string): Promise<void> {
    if (this.#launched || (this.worldSize === 1 && this.#plan === null)) return
    if (this.#plan) {
      await checkNotLaunched(this.#plan, call)
      this.#launched = true
      return
    }
    throw new RondoError(
      'NOT_LAUNCHED',
      `${call}: rank ${this.globalRank} of ${this.worldSize} called it before launch. Call await fabric.launch() first; "rondo run --help" shows how ranks are started.`,
      { rank: this.globalRank },
    )
  }

  #observeBatch(batch: { samples: number; epoch: number; index: number; stepsPerEpoch: number | null }): void {
    this.#lastBatchSize = batch.samples
    const { epoch, stepsPerEpoch } = batch
    if (batch.index === 0) this.#position = { epoch, stepsPerEpoch, startedAt: performance.now() }
  }

  #announce(model: FabricModel): void {
    if (this.#context.announced) return
    sendSetup(this.#context, {
      learningRate: this.#optimizers[0]?.learningRate ?? null,
      batchSize: this.#loaders[0]?.batchSize ?? this.#lastBatchSize,
      parameters: model.parameters().reduce((sum, { variable }) => sum + variable.size, 0),
    })
  }

  #afterStep(replica: Replica): void {
    const position = this.#position
    const { reporter } = this.#context
    if (position && position !== this.#reported) {
      reporter.startEpoch(position)
      this.#reported = position
    }
    if (replica.lastStep) reporter.step(replica.lastStep, this.#lastLoss)
  }
}
