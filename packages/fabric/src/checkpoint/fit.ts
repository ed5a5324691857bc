/**
 * Whether saved tensors fit a model or an optimizer: names, shapes and kinds, all looked at before anything is written.
 */
import { type NamedTensor, type Optimizer, type OptimizerState, type Parameter, writeTensors } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { badFile } from './content.ts'

export interface ModelFit {
  missing: string[]
  unexpected: string[]
  /** Writes what fits into the model. */
  write: () => void
}

/** @throws BAD_FILE naming every tensor of another shape */
export function fitModel(path: string, parameters: readonly Parameter[], tensors: readonly NamedTensor[]): ModelFit {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const found = parameters.flatMap((parameter) => {
    const tensor = byName.get(parameter.name)
    return tensor ? [{ parameter, tensor }] : []
  })
  const wrong = found.filter(({ parameter, tensor }) => parameter.variable.shape.join() !== tensor.shape.join())
  if (wrong.length > 0) {
    const shown = wrong
      .slice(0, 4)
      .map(
        ({ parameter: { name, variable }, tensor }) =>
          `${name} has shape [${tensor.shape.join(', ')}] there and [${variable.shape.join(', ')}] in the model`,
      )
    const more = wrong.length > 4 ? ` and ${wrong.length - 4} more` : ''
    throw badFile(path, shown.join('; ') + more, 'Build the model that was saved. Nothing was changed.')
  }
  const known = new Set(parameters.map(({ name }) => name))
  return {
    missing: parameters.filter(({ name }) => !byName.has(name)).map(({ name }) => name),
    unexpected: tensors.filter(({ name }) => !known.has(name)).map(({ name }) => name),
    write: () =>
      writeTensors(
        found.map(({ parameter }) => parameter.variable),
        found.map(({ parameter, tensor }) => asVariableData(tensor, parameter.variable)),
      ),
  }
}

/** Saved values as the variable's own type; files from elsewhere may hold halves, doubles or 64-bit integers. */
export function asVariableData({ data }: NamedTensor, { dtype }: { dtype: string }): ArrayLike<number> {
  const plain = data instanceof BigInt64Array || data instanceof BigUint64Array ? Array.from(data, Number) : data
  if (dtype === 'int32') return plain instanceof Int32Array ? plain : Int32Array.from(plain)
  if (dtype === 'bool') return plain instanceof Uint8Array ? plain : Uint8Array.from(plain)
  return plain instanceof Float32Array ? plain : Float32Array.from(plain)
}

/**
 * Refuses state of another kind of optimizer, and slots of another shape than the parameter they belong to.
 * @param parameters those that are known; slots of others are not looked at
 */
export function checkOptimizer(
  path: string,
  key: string,
  optimizer: Optimizer,
  { tensors, hyperparameters }: OptimizerState,
  parameters: readonly Parameter[],
): void {
  if (typeof hyperparameters !== 'object' || hyperparameters === null) {
    throw badFile(path, `what it has of ${key} is no state of an optimizer`, 'Save it again. Nothing was changed.')
  }
  const { kind } = hyperparameters
  if (kind !== undefined && kind !== optimizer.kind) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `${path}: ${key} was saved by ${kind}, and the given optimizer is ${optimizer.kind}. Both must be of one kind. Create a ${kind} optimizer, or leave ${key} out of the state. Nothing was changed.`,
    )
  }
  const shapes = new Map(parameters.map(({ name, variable }) => [name, variable.shape.join()]))
  for (const { name, shape } of tensors) {
    const dot = name.lastIndexOf('.')
    const own = shapes.get(name.slice(0, dot))
    const wanted = name.slice(dot + 1) === 'step' ? '' : own
    if (own === undefined || shape.join() === wanted) continue
    throw badFile(
      path,
      `${key}.${name} has shape [${shape.join(', ')}], and the parameter it belongs to [${own}]`,
      'The state belongs to another model. Nothing was changed.',
    )
  }
}

/** For messages: the first eight. */
export function listNames(names: readonly string[]): string {
  if (names.length === 0) return 'nothing'
  return names.slice(0, 8).join(', ') + (names.length > 8 ? ` and ${names.length - 8} more` : '')
}
