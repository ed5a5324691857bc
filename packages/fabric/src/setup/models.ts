/**
 * `setup` of models and optimizers: the strategy makes replicas, and wrappers send forward and step through them. Not
 * for: comparing and broadcasting parameters (strategies).
 */
import { adoptOptimizer, type Model, type Optimizer, type tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { Replica } from '@rondo/strategies'
import type { FabricCore } from '../core.ts'
import { FabricModel, FabricOptimizer } from '../fabric-model.ts'

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
  const replica = await context.during('communication', 'set up model', () =>
    core.options.strategy.setupModel(model, context),
  )
  const fabricModel = new FabricModel(model, replica) as FabricModel
  core.models.push(fabricModel)
  context.models.push(fabricModel)
  if (optimizers.length === 0) return fabricModel
  const afterStep = (stepped: Replica): void => reportStep(core, stepped)
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
