/** How every strategy begins: all ranks hold the same parameters, and rank 0's values. Collective. */
import { type Model, type Parameter, parametersOf, readTensors, writeTensors } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { StrategyContext } from './strategy.ts'
import { verifyParameters } from './verify.ts'

export interface EqualStart {
  /** All parameters and buffers, in order. */
  all: Parameter[]
  trainable: Parameter[]
}

/**
 * @param broadcast false leaves each rank its own values
 * @throws BAD_ARGUMENT for a model that trains nothing, PARAMETER_MISMATCH on all ranks when one differs
 */
export async function equalStart(model: Model, context: StrategyContext, broadcast = true): Promise<EqualStart> {
  const { group, signal } = context
  const all = parametersOf(model)
  const trainable = all.filter((parameter) => parameter.trainable)
  if (trainable.length === 0) {
    throw new RondoError(
      'BAD_ARGUMENT',
      'setup(model): the model has no trainable parameter. A model needs at least one; unfreeze a layer or pass the model that is to be trained.',
    )
  }
  await verifyParameters(group, all, signal)
  if (broadcast && group.worldSize > 1) {
    const variables = all.map(({ variable }) => variable)
    const values = await readTensors(variables)
    for (const [i, value] of values.entries()) {
      values[i] = await group.broadcast(value, { src: 0, name: `weights ${all[i]?.name}`, signal })
    }
    writeTensors(variables, values)
  }
  return { all, trainable }
}
