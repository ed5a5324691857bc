/**
 * A state as a checkpoint's content: tensors named `<key>.<path>`, everything else as JSON beside them. Knows the
 * names of both directions. Not for: where it goes (place.ts), or putting it back (load.ts).
 */
import { type NamedTensor, type NumericArray, readTensors } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { CheckpointContent } from './checkpoint-io.ts'
import type { Entry, EntryKind } from './entries.ts'
import { keeps, type SaveFilters } from './filter.ts'
import { decodeValues, encodeValues } from './plain-values.ts'

/** Metadata: plain values by key, and hyper-parameters of optimizers; JSON. */
export const VALUES_KEY = 'rondo.values'
/** Metadata: kind of each key; JSON. */
const KINDS_KEY = 'rondo.kinds'
/** Between a model's key and what its strategy keeps beside the weights. */
const STRATEGY = 'strategy'

/** Reads everything off the device into fresh arrays. Not collective: replicas are equal. */
export async function contentOf(
  entries: ReadonlyMap<string, Entry>,
  filters: SaveFilters = {},
): Promise<CheckpointContent> {
  const tensors: NamedTensor[] = []
  const values: Record<string, unknown> = {}
  const kinds: Record<string, EntryKind> = {}
  for (const [key, entry] of entries) {
    kinds[key] = entry.kind
    const add = (tensor: NamedTensor): void => {
      if (keeps(filters, key, tensor.name, tensor)) tensors.push({ ...tensor, name: `${key}.${tensor.name}` })
    }
    switch (entry.kind) {
      case 'model':
        for (const tensor of await modelTensors(entry)) add(tensor)
        break
      case 'optimizer': {
        const saved = await entry.optimizer.state()
        for (const tensor of saved.tensors) add(tensor)
        values[key] = saved.hyperparameters
        break
      }
      case 'tensor': {
        const [data] = await readTensors([entry.tensor])
        tensors.push({ name: key, shape: entry.tensor.shape, data: data as NumericArray })
        break
      }
      case 'stateful':
        values[key] = filtered(filters, key, entry.save())
        break
      case 'value':
        values[key] = filtered(filters, key, entry.value)
        break
      default:
        entry satisfies never
    }
  }
  return { tensors, metadata: { [VALUES_KEY]: encodeValues(values), [KINDS_KEY]: JSON.stringify(kinds) } }
}

async function modelTensors({ parameters, replica }: Extract<Entry, { kind: 'model' }>): Promise<NamedTensor[]> {
  const arrays = await readTensors(parameters.map(({ variable }) => variable))
  const tensors = parameters.map(
    ({ name, variable }, i): NamedTensor => ({ name, shape: variable.shape, data: arrays[i] as NumericArray }),
  )
  const own = replica?.state?.()
  for (const tensor of own?.tensors ?? []) {
    tensors.push({ ...tensor, name: `${STRATEGY}.${own?.strategy ?? ''}.${tensor.name}` })
  }
  return tensors
}

/** A filter looks at the fields of plain data; what has no fields is kept, as upstream. */
function filtered(filters: SaveFilters, key: string, value: unknown): unknown {
  if (!Object.hasOwn(filters, key) || typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([name, field]) => keeps(filters, key, name, field)))
}

/** A checkpoint's content taken apart by the keys it was saved with. */
export interface ReadCheckpoint {
  values: Record<string, unknown>
  kinds: Readonly<Record<string, EntryKind>>
  tensors: Map<string, NamedTensor>
  /** Whether fabric.save wrote it; other safetensors files have tensors alone. */
  own: boolean
}

/** @throws BAD_FILE when what lies beside the tensors is damaged */
export function readContent(path: string, { tensors, metadata }: CheckpointContent): ReadCheckpoint {
  const own = metadata[VALUES_KEY] !== undefined
  return {
    own,
    values: decodeValues(path, metadata[VALUES_KEY] ?? '{}'),
    kinds: decodeValues(path, metadata[KINDS_KEY] ?? '{}') as Record<string, EntryKind>,
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
  }
}

/** Takes the tensors of `key` off `checkpoint`, with their names below it. `others` are keys that may begin alike. */
export function takeTensors(checkpoint: ReadCheckpoint, key: string, others: readonly string[]): NamedTensor[] {
  const prefix = `${key}.`
  const longer = others.filter((other) => other !== key && other.startsWith(prefix)).map((other) => `${other}.`)
  const found = [...checkpoint.tensors.values()].filter(
    ({ name }) => name.startsWith(prefix) && !longer.some((other) => name.startsWith(other)),
  )
  for (const { name } of found) checkpoint.tensors.delete(name)
  return found.map((tensor) => ({ ...tensor, name: tensor.name.slice(prefix.length) }))
}

/** Parts a model's tensors from what its strategy keeps; that is null when there is nothing. */
export function partStrategy(tensors: readonly NamedTensor[]): {
  weights: NamedTensor[]
  strategy: { strategy: string; tensors: NamedTensor[] } | null
} {
  const start = `${STRATEGY}.`
  const weights = tensors.filter(({ name }) => !name.startsWith(start))
  const own = tensors.filter(({ name }) => name.startsWith(start))
  const [strategy] = own[0]?.name.slice(start.length).split('.') ?? []
  if (strategy === undefined) return { weights, strategy: null }
  const prefix = `${start}${strategy}.`
  const named = own.map((tensor) => ({ ...tensor, name: tensor.name.slice(prefix.length) }))
  return { weights, strategy: { strategy, tensors: named } }
}

export function badFile(path: string, problem: string, advice: string): RondoError {
  return new RondoError('BAD_FILE', `${path}: ${problem}. ${advice}`)
}
