/**
 * Checkpoints: a state object (models, optimizers, numbers, plain values) as one safetensors file, written by
 * rank 0 and read through it, because other machines do not share its disk. Not for: the file format (engine).
 */
import { decodeSafetensors, encodeSafetensors, type NamedTensor, readTensors, writeTensors } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { ReplicaState } from '@rondo/strategies'
import type { RankContext } from './context.ts'
import { FabricModel, FabricOptimizer } from './fabric-model.ts'

/** What may be saved: set-up models and optimizers by name, and values that JSON can hold. */
export type CheckpointState = Record<string, unknown>

/** Metadata key under which plain values are kept, as JSON. */
const VALUES_KEY = 'rondo.values'

/** Collective: rank 0 writes `path` in the run's folder, then all pass a barrier. */
export async function saveCheckpoint(context: RankContext, path: string, state: CheckpointState): Promise<void> {
  if (typeof state !== 'object' || state === null || Array.isArray(state)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `save(path, state): state is ${Array.isArray(state) ? 'an array' : typeof state}; it must be an object such as { model, optimizer, epoch }.`,
    )
  }
  const { group, signal } = context
  for (const value of Object.values(state)) if (value instanceof FabricModel) await value.syncWeights()
  if (group.rank === 0) await context.files.write(path, await encodeState(state))
  await group.barrier('save', { signal })
}

async function encodeState(state: CheckpointState): Promise<Uint8Array<ArrayBuffer>> {
  const tensors: NamedTensor[] = []
  const values: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(state)) {
    if (value instanceof FabricModel) {
      const parameters = value.parameters()
      const arrays = await readTensors(parameters.map(({ variable }) => variable))
      parameters.forEach(({ name, variable }, i) => {
        tensors.push({ name: `${key}.${name}`, shape: variable.shape, data: arrays[i] as Float32Array<ArrayBuffer> })
      })
      const own = value.replica.state?.()
      for (const tensor of own?.tensors ?? []) {
        tensors.push({ ...tensor, name: `${strategyPrefix(key, own?.strategy ?? '')}${tensor.name}` })
      }
    } else if (value instanceof FabricOptimizer) {
      const saved = await value.optimizer.state()
      for (const tensor of saved.tensors) tensors.push({ ...tensor, name: `${key}.${tensor.name}` })
      values[key] = saved.hyperparameters
    } else {
      values[key] = value
    }
  }
  return encodeSafetensors(tensors, { [VALUES_KEY]: JSON.stringify(values) })
}

/** Beginning of the names under which a model's strategy keeps its own tensors. */
function strategyPrefix(key: string, strategy: string): string {
  return `${key}.strategy.${strategy}.`
}

/**
 * Collective: fills the models and optimizers of `state` in place and returns the plain values of the file.
 * With `strict`, missing and unexpected names are refused, listed.
 */
export async function loadCheckpoint(
  context: RankContext,
  path: string,
  state: CheckpointState = {},
  options: { strict?: boolean } = {},
): Promise<Record<string, unknown>> {
  const { group, signal } = context
  const mine = group.rank === 0 ? await context.files.read(path) : new Uint8Array(0)
  const bytes = await group.broadcastObject(mine, { src: 0, signal })
  const { tensors, metadata } = decodeSafetensors(bytes)
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const missing: string[] = []
  const take = (name: string): NamedTensor | null => {
    const tensor = byName.get(name)
    if (!tensor) missing.push(name)
    byName.delete(name)
    return tensor ?? null
  }
  const values = JSON.parse(metadata[VALUES_KEY] ?? '{}') as Record<string, unknown>
  for (const [key, target] of Object.entries(state)) {
    if (target instanceof FabricModel) {
      const found = target.parameters().flatMap((parameter) => {
        const tensor = take(`${key}.${parameter.name}`)
        return tensor ? [{ parameter, tensor }] : []
      })
      for (const { parameter, tensor } of found)
        checkShape(path, parameter.name, parameter.variable.shape, tensor.shape)
      writeTensors(
        found.map(({ parameter }) => parameter.variable),
        found.map(({ tensor }) => tensor.data as Float32Array),
      )
      const ofStrategy = takeStrategyState(key, byName)
      await target.replica.restore?.(ofStrategy)
    } else if (target instanceof FabricOptimizer) {
      const prefix = `${key}.`
      const own = [...byName.keys()].filter((name) => name.startsWith(prefix))
      const tensorsOfKey = own.flatMap((name) => {
        const tensor = take(name)
        return tensor ? [{ ...tensor, name: name.slice(prefix.length) }] : []
      })
      target.optimizer.restore({ tensors: tensorsOfKey, hyperparameters: (values[key] ?? {}) as never })
      delete values[key]
    }
  }
  if ((options.strict ?? true) && Object.keys(state).length > 0 && (missing.length > 0 || byName.size > 0)) {
    throw new RondoError(
      'BAD_FILE',
      `${path} does not fit the given state: missing ${list(missing)}, unexpected ${list([...byName.keys()])}. Build the same model, name the same keys, or pass strict: false.`,
    )
  }
  return values
}

/**
 * What a strategy saved beside the model `key`, taken off `byName`; null when it saved nothing. The model's strategy
 * judges whether it is its own; another's is of no use and no reason to refuse the weights.
 */
function takeStrategyState(key: string, byName: Map<string, NamedTensor>): ReplicaState | null {
  const start = `${key}.strategy.`
  const names = [...byName.keys()].filter((name) => name.startsWith(start))
  const [strategy] = names[0]?.slice(start.length).split('.') ?? []
  if (strategy === undefined) return null
  const prefix = strategyPrefix(key, strategy)
  const tensors = names.map((name) => ({ ...(byName.get(name) as NamedTensor), name: name.slice(prefix.length) }))
  for (const name of names) byName.delete(name)
  return { strategy, tensors }
}

function checkShape(path: string, name: string, wanted: number[], found: readonly number[]): void {
  if (wanted.join() === found.join()) return
  throw new RondoError(
    'BAD_FILE',
    `${path}: ${name} has shape [${found.join(', ')}], the model's has [${wanted.join(', ')}]. Build the model that was saved.`,
  )
}

function list(names: readonly string[]): string {
  if (names.length === 0) return 'nothing'
  return names.slice(0, 8).join(', ') + (names.length > 8 ? ` and ${names.length - 8} more` : '')
}
