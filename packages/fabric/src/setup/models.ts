/**
 * `setup`, `setupModule` and `setupOptimizers`: the strategy makes replicas, and wrappers send forward and step through
 * them. Not for: comparing and broadcasting parameters (strategies).
 */
import { adoptOptimizer, type Model, type Optimizer, parametersOf, roundWeights, type tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { Replica } from '@rondo/strategies'
import type { FabricCore } from '../core.ts'
import { FabricModel, FabricOptimizer } from '../fabric-model.ts'
import { callCallbacks } from '../logging/callbacks.ts'
import { settlePrecision } from '../training/settle-precision.ts'
import { type SetUpModel, withModuleMethods } from './module-methods.ts'
import { placeParameters } from './place.ts'
import { adoptScheduler, type Schedule } from './scheduler.ts'

/** An optimizer of Rondo's or of tfjs. */
export type AnyOptimizer = Optimizer | tf.Optimizer

export interface SetupModuleOptions {
  /** Move all parameters to the accelerator in use now; default true. False leaves it to their first use. */
  moveToDevice?: boolean
}

/** Options of `fabric.setup`. */
export interface SetupOptions extends SetupModuleOptions {
  /** A learning-rate schedule of one of the optimizers; it comes back at the end of the tuple. */
  scheduler?: Schedule
}

/** What `setup` was called with, its options found. */
export interface SetupRequest {
  optimizers: AnyOptimizer[]
  options: SetupOptions
}

/** Takes the options off the end of the arguments after the model. */
export function readSetup(rest: readonly unknown[]): SetupRequest {
  const last = rest.at(-1)
  const plain = typeof last === 'object' && last !== null && Object.getPrototypeOf(last) === Object.prototype
  const optimizers = (plain ? rest.slice(0, -1) : rest) as AnyOptimizer[]
  const options = (plain ? last : {}) as SetupOptions
  const unknown = Object.keys(options).filter((option) => option !== 'scheduler' && option !== 'moveToDevice')
  if (unknown.length === 0) return { optimizers, options }
  throw new RondoError(
    'BAD_ARGUMENT',
    `setup(model, …, options): there is no option ${unknown.join(', ')}. Known are scheduler and moveToDevice. Correct or remove it.`,
  )
}

/** The model alone, or a tuple of the model, its optimizers and the scheduler. */
export async function setupModels(core: FabricCore, fabric: unknown, model: Model, rest: readonly unknown[]) {
  await core.requireLaunch('setup')
  const { optimizers, options } = readSetup(rest)
  checkNewOptimizers(core, 'setup', optimizers)
  await checkClosures(core, optimizers)
  const setUp = await setupOne(core, fabric, 'setup', model, options)
  if (optimizers.length === 0 && options.scheduler === undefined) return setUp
  const wrapped = wrap(core, optimizers, () => setUp.replica)
  if (options.scheduler === undefined) return [setUp, ...wrapped]
  return [setUp, ...wrapped, adoptScheduler(options.scheduler, optimizers, wrapped)]
}

export async function setupModule(
  core: FabricCore,
  fabric: unknown,
  model: Model,
  options: SetupModuleOptions = {},
): Promise<SetUpModel> {
  await core.requireLaunch('setupModule')
  checkApart(core, 'setupModule')
  return setupOne(core, fabric, 'setupModule', model, options)
}

/** Optimizers of the model that is set up apart; it may come later, before the first step. */
export async function setupOptimizers(
  core: FabricCore,
  optimizers: readonly AnyOptimizer[],
): Promise<FabricOptimizer[]> {
  await core.requireLaunch('setupOptimizers')
  checkApart(core, 'setupOptimizers')
  if (optimizers.length === 0) {
    throw new RondoError(
      'BAD_ARGUMENT',
      'setupOptimizers(): no optimizer was given. Allowed is at least one. Pass it: setupOptimizers(tf.train.adam(1e-3)).',
    )
  }
  checkNewOptimizers(core, 'setupOptimizers', optimizers)
  await checkClosures(core, optimizers)
  return wrap(core, optimizers, () => onlyReplica(core))
}

async function setupOne(
  core: FabricCore,
  fabric: unknown,
  call: string,
  model: Model,
  { moveToDevice = true }: SetupModuleOptions,
): Promise<SetUpModel> {
  const { context } = core
  const known = core.models.findIndex((one) => (one as unknown) === model || one.module === model)
  if (known >= 0) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `${call}(model): this model (${className(core.models[known]?.module)}, number ${known + 1} that was set up) is set up already. Allowed is once. Keep what ${call} returned and use that.`,
    )
  }
  await core.prepareDevice()
  await placeParameters(parametersOf(model), moveToDevice)
  const precision = await settlePrecision(core)
  const replica = await context.during('communication', 'set up model', () =>
    core.options.strategy.setupModel(model, context),
  )
  const setUp = withModuleMethods(new FabricModel(model, replica, precision.halfType))
  if (precision.weightFormat) roundWeights(setUp.parameters(), precision.weightFormat)
  core.models.push(setUp as FabricModel)
  context.models.push(setUp as FabricModel)
  await callCallbacks(core.options.callbacks, 'onAfterSetup', [{ fabric, module: setUp }])
  return setUp as SetUpModel
}

function wrap(core: FabricCore, optimizers: readonly AnyOptimizer[], replica: () => Replica): FabricOptimizer[] {
  const afterStep = async (optimizer: FabricOptimizer, stepped: Replica): Promise<void> => {
    const format = core.precision?.weightFormat
    const model = core.models.find(({ replica }) => replica === stepped)
    if (format && model) roundWeights(model.parameters(), format)
    reportStep(core, stepped)
    const { callbacks, strategy } = core.options
    await callCallbacks(callbacks, 'onAfterOptimizerStep', [{ strategy, optimizer }])
  }
  const wrapped = optimizers.map((each) => new FabricOptimizer(adoptOptimizer(each), replica, afterStep))
  core.context.optimizers.push(...wrapped.map(({ optimizer }) => optimizer))
  core.optimizers.push(...wrapped)
  for (const optimizer of optimizers) core.takenOptimizers.add(optimizer)
  return wrapped
}

/** Throws for an optimizer that was set up before, or that stands twice in the call. */
function checkNewOptimizers(core: FabricCore, call: string, optimizers: readonly AnyOptimizer[]): void {
  optimizers.forEach((optimizer, i) => {
    const again = optimizers.indexOf(optimizer) !== i || core.takenOptimizers.has(optimizer)
    if (!again && !(optimizer instanceof FabricOptimizer)) return
    throw new RondoError(
      'BAD_ARGUMENT',
      `${call}: optimizer ${i + 1} (${className(optimizer)}) is set up already. Allowed is once. Keep what ${call} returned and use that.`,
    )
  })
}

/** Throws for strategies that change model and optimizer together. */
function checkApart({ options: { strategy } }: FabricCore, call: string): void {
  if (strategy.jointSetup !== true) return
  throw new RondoError(
    'UNSUPPORTED',
    `${call}: strategy ${strategy.name} deals model and optimizer to the ranks together, so they cannot be set up apart. Use fabric.setup(model, optimizer).`,
  )
}

function onlyReplica({ models }: FabricCore): Replica {
  const [first] = models
  if (first && models.length === 1) return first.replica
  const advice = 'Use fabric.setup(model, optimizer), which says whose optimizer it is.'
  throw new RondoError(
    'BAD_ARGUMENT',
    first
      ? `optimizer.step(): it was set up alone and ${models.length} models are set up; allowed is one then. ${advice}`
      : `optimizer.step(): it was set up alone and no model is set up yet. Call fabric.setupModule(model) before. ${advice}`,
  )
}

function className(value: unknown): string {
  return (value as object | null)?.constructor?.name ?? typeof value
}

/** Tells the session of the step that was just made. */
function reportStep(core: FabricCore, replica: Replica): void {
  const { position, context, lastLoss } = core
  const { reporter } = context
  if (position && position !== core.reported) {
    reporter.startEpoch(position)
    core.reported = position
  }
  if (replica.lastStep) reporter.step(replica.lastStep, lastLoss)
}

async function checkClosures(core: FabricCore, optimizers: readonly AnyOptimizer[]): Promise<void> {
  if (optimizers.length === 0) return
  await core.prepareDevice()
  const { scaler } = await settlePrecision(core)
  if (scaler) for (const optimizer of optimizers) refuseClosures(optimizer, core)
}

/** An optimizer that evaluates the loss several times a step would see several scales, and could not leave a step out. */
function refuseClosures(optimizer: object, { rank, worldSize }: FabricCore): void {
  const { usesClosure, kind } = optimizer as { usesClosure?: unknown; kind?: unknown }
  const name = typeof kind === 'string' ? kind : optimizer.constructor.name
  if (usesClosure !== true && !/l[-_]?bfgs/i.test(name)) return
  throw new RondoError(
    'UNSUPPORTED',
    `setup(model, ${name}) with precision "16-mixed": ${name} calls a closure several times a step, which loss scaling cannot follow. Allowed are optimizers that step once, such as adam or sgd. Use one of them, or precision "bf16-mixed".`,
    worldSize > 1 ? { rank } : {},
  )
}
