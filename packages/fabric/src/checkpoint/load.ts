/**
 * `fabric.load`: everything is checked before the first tensor is written, so that a checkpoint that does not fit
 * leaves the state as it was. Not for: reading files (checkpoint-io.ts), bare models (load-raw.ts).
 */
import { type NamedTensor, writeTensors } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { badFile, partStrategy, type ReadCheckpoint, readContent, takeTensors } from './content.ts'
import { type CheckpointState, type Entry, entriesOf } from './entries.ts'
import { asVariableData, checkOptimizer, fitModel, listNames } from './fit.ts'
import type { CheckpointHost } from './host.ts'
import { restoreScaler } from './loss-scaler.ts'
import { readOnRankZero } from './rank-zero.ts'
import { loadContent } from './sharded.ts'

export interface LoadOptions {
  /** Refuse names that are missing or unexpected, listed. Default true. */
  strict?: boolean
}

/** What has to be done once all of a state is known to fit. */
type Step = () => unknown

/**
 * Collective. Fills the models, optimizers, variables and stateful objects of `state` in place, replaces its plain
 * values, and returns what of the file is left over: values as they were saved, models as tensors by name, optimizers as
 * their state. Semantics of Lightning Fabric's `load`.
 */
export async function loadCheckpoint(
  context: CheckpointHost,
  path: string,
  state: CheckpointState = {},
  { strict = true }: LoadOptions = {},
): Promise<Record<string, unknown>> {
  const entries = entriesOf('load(path, state)', state)
  const keys = [...entries.keys()]
  const content = await readOnRankZero(context, `load ${path} (${keys.join(', ')})`.slice(0, 200), () =>
    loadContent(context, path),
  )
  const checkpoint = readContent(path, content)
  if (!checkpoint.own && keys.length > 0) {
    throw badFile(
      path,
      'fabric.save did not write it: it has bare tensors alone',
      'Read it with fabric.loadRaw(path, model).',
    )
  }
  const missing: string[] = []
  const unexpected: string[] = []
  const steps: Step[] = []
  const others = [...new Set([...keys, ...Object.keys(checkpoint.kinds)])]
  for (const [key, entry] of entries) {
    const named = (names: readonly string[]): string[] => names.map((name) => `${key}.${name}`)
    const tensors = entry.kind === 'model' || entry.kind === 'optimizer' ? takeTensors(checkpoint, key, others) : []
    switch (entry.kind) {
      case 'model': {
        const { weights, strategy } = partStrategy(tensors)
        const fit = fitModel(path, entry.parameters, weights)
        missing.push(...named(fit.missing))
        unexpected.push(...named(fit.unexpected))
        steps.push(fit.write, () => entry.replica?.restore?.(strategy))
        break
      }
      case 'optimizer':
        if (!Object.hasOwn(checkpoint.values, key)) missing.push(key)
        else steps.push(optimizerStep(path, key, entry, tensors, checkpoint, entries))
        delete checkpoint.values[key]
        break
      case 'tensor':
        steps.push(...tensorSteps(path, key, entry, checkpoint, missing))
        break
      case 'stateful':
      case 'value': {
        if (!Object.hasOwn(checkpoint.values, key)) {
          missing.push(key)
          break
        }
        const saved = checkpoint.values[key]
        delete checkpoint.values[key]
        steps.push(() => {
          if (entry.kind === 'value') state[key] = saved
          return entry.kind === 'stateful' ? entry.restore(saved) : undefined
        })
        break
      }
      default:
        entry satisfies never
    }
  }
  if (strict && (missing.length > 0 || unexpected.length > 0)) {
    throw badFile(
      path,
      `it does not fit the given state: missing ${listNames(missing)}, unexpected ${listNames(unexpected)}`,
      'Build the same model and name the same keys, or pass { strict: false }. Nothing was changed.',
    )
  }
  restoreScaler(path, content, entries, context)
  for (const step of steps) await step()
  return leftOver(checkpoint, others)
}

function optimizerStep(
  path: string,
  key: string,
  { optimizer }: Extract<Entry, { kind: 'optimizer' }>,
  tensors: readonly NamedTensor[],
  checkpoint: ReadCheckpoint,
  entries: ReadonlyMap<string, Entry>,
): Step {
  const parameters = [...entries.values()].flatMap((entry) => (entry.kind === 'model' ? entry.parameters : []))
  const saved = { tensors: [...tensors], hyperparameters: checkpoint.values[key] as Record<string, number> }
  checkOptimizer(path, key, optimizer, saved, parameters)
  return () => optimizer.restore(saved)
}

/** A variable is filled in place; a plain tensor cannot be, so its checkpointed value is refused rather than lost. */
function tensorSteps(
  path: string,
  key: string,
  { tensor }: Extract<Entry, { kind: 'tensor' }>,
  checkpoint: ReadCheckpoint,
  missing: string[],
): Step[] {
  const saved = checkpoint.tensors.get(key)
  checkpoint.tensors.delete(key)
  if (!saved) {
    missing.push(key)
    return []
  }
  if (!('assign' in tensor)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `load(${JSON.stringify(path)}, state): state.${key} is a tensor, and tensors do not change. Allowed are variables there. Pass tf.variable(…), or leave the key out and take it from what load returns.`,
    )
  }
  const variable = tensor as Parameters<typeof writeTensors>[0][number]
  if (variable.shape.join() !== saved.shape.join()) {
    throw badFile(
      path,
      `${key} has shape [${saved.shape.join(', ')}], and the given variable [${variable.shape.join(', ')}]`,
      'Both must be equal. Nothing was changed.',
    )
  }
  return [() => writeTensors([variable], [asVariableData(saved, variable)])]
}

/** Everything that no key of the state took. */
function leftOver(checkpoint: ReadCheckpoint, keys: readonly string[]): Record<string, unknown> {
  const rest = new Map<string, unknown>()
  for (const [key, kind] of Object.entries(checkpoint.kinds)) {
    const tensors = kind === 'model' || kind === 'optimizer' ? takeTensors(checkpoint, key, keys) : []
    if (kind === 'model' && tensors.length > 0) rest.set(key, Object.fromEntries(tensors.map((one) => [one.name, one])))
    if (kind === 'optimizer' && Object.hasOwn(checkpoint.values, key)) {
      rest.set(key, { tensors, hyperparameters: checkpoint.values[key] })
      delete checkpoint.values[key]
    }
  }
  for (const [name, tensor] of checkpoint.tensors) rest.set(name, tensor)
  for (const [key, value] of Object.entries(checkpoint.values)) rest.set(key, value)
  return Object.fromEntries(rest)
}
