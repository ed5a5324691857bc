/**
 * `setup` of models and optimizers: the strategy makes replicas, and wrappers send forward and step through them. Not
 * for: comparing and broadcasting parameters (strategies).
 */
import { adoptOptimizer, type Model, type Optimizer, roundWeights, type tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { Replica } from '@rondo/strategies'
import type { FabricCore } from '../core.ts'
import { FabricModel, FabricOptimizer } from '../fabric-model.ts'
import { settlePrecision } from '../training/settle-precision.ts'

/** The model alone, or a tuple of the model and its optimizers. */
export async function setupModels(
  core: FabricCore,
  model: Model,
  optimizers: ReadonlyArray<Optimizer | tf.Optimizer>,
): Promise<FabricModel | [FabricModel, ...FabricOptimizer[]]> {
  await core.requireLaunch('setup')
  await core.prepareDevice()
  const { context } = core
  if (core.models.some((known) => known.module === model)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      'setup(model): this model is set up already. Set each model up once and keep what setup returned.',
    )
  }
  const precision = await settlePrecision(core)
  if (precision.scaler) for (const optimizer of optimizers) refuseClosures(optimizer, core)
  const replica = await context.during('communication', 'set up model', () =>
    core.options.strategy.setupModel(model, context),
  )
  const fabricModel = new FabricModel(model, replica, precision.halfType) as FabricModel
  const { weightFormat } = precision
  const roundAll = (): void => {
    if (weightFormat) roundWeights(fabricModel.parameters(), weightFormat)
  }
  roundAll()
  core.models.push(fabricModel)
  context.models.push(fabricModel)
  if (optimizers.length === 0) return fabricModel
  const afterStep = (stepped: Replica): void => {
    roundAll()
    reportStep(core, stepped)
  }
  const wrapped = optimizers.map((each) => new FabricOptimizer(adoptOptimizer(each), replica, afterStep))
  context.optimizers.push(...wrapped.map(({ optimizer }) => optimizer))
  core.optimizers.push(...wrapped)
  return [fabricModel, ...wrapped]
}

/** Tells the session of the step that was just made. */
function reportStep({ position, reported, context, lastLoss }: FabricCore, replica: Replica): void {
  const { reporter } = context
  if (position && position !== reported) reporter.startEpoch(position)
  if (replica.lastStep) reporter.step(replica.lastStep, lastLoss)
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
