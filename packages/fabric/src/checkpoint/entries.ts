/**
 * What a key of a checkpoint's state stands for: a model, an optimizer, a tensor, an object that keeps its own state, or
 * plain data. Not for: files (content.ts) or putting things back (load.ts).
 */
import { type Model, Optimizer, type Parameter, parametersOf, tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { Replica } from '@rondo/strategies'
import { FabricModel, FabricOptimizer } from '../fabric-model.ts'

/** What may be saved, by names of the script's choosing. */
export type CheckpointState = Record<string, unknown>

export type Entry =
  | { kind: 'model'; parameters: Parameter[]; replica: Replica | null }
  | { kind: 'optimizer'; optimizer: Optimizer }
  | { kind: 'tensor'; tensor: tf.Tensor }
  | { kind: 'stateful'; save: () => unknown; restore: (saved: unknown) => unknown }
  | { kind: 'value'; value: unknown }

export type EntryKind = Entry['kind']

export function entryOf(value: unknown): Entry {
  if (value instanceof FabricModel) return { kind: 'model', parameters: value.parameters(), replica: value.replica }
  if (value instanceof FabricOptimizer) return { kind: 'optimizer', optimizer: value.optimizer }
  if (value instanceof Optimizer) return { kind: 'optimizer', optimizer: value }
  if (value instanceof tf.Tensor) return { kind: 'tensor', tensor: value }
  if (isModel(value)) return { kind: 'model', parameters: parametersOf(value), replica: null }
  const stateful = statefulOf(value)
  return stateful ?? { kind: 'value', value }
}

/** All keys of a state, checked. Throws BAD_ARGUMENT when it is no plain object. */
export function entriesOf(call: string, state: unknown): Map<string, Entry> {
  if (typeof state !== 'object' || state === null || Array.isArray(state) || entryOf(state).kind !== 'value') {
    throw new RondoError(
      'BAD_ARGUMENT',
      `${call}: state is ${describe(state)}; allowed is an object such as { model, optimizer, epoch }. Put what you want to keep under names of your choice.`,
    )
  }
  return new Map(Object.entries(state).map(([key, value]) => [key, entryOf(value)]))
}

/** A tfjs model, or an object with forward and parameters. */
export function isModel(value: unknown): value is Model {
  if (typeof value !== 'object' || value === null) return false
  const candidate = value as Record<string, unknown>
  if (typeof candidate['forward'] === 'function' && typeof candidate['parameters'] === 'function') return true
  return Array.isArray(candidate['layers']) && 'trainableWeights' in candidate
}

/** Lightning's `stateDict` and `loadStateDict`, or the `state` and `restore` of Rondo's own schedulers. */
function statefulOf(value: unknown): Entry | null {
  if (typeof value !== 'object' || value === null) return null
  const candidate = value as Record<string, unknown>
  for (const [save, restore] of [
    ['stateDict', 'loadStateDict'],
    ['state', 'restore'],
  ] as const) {
    if (typeof candidate[save] !== 'function' || typeof candidate[restore] !== 'function') continue
    const owner = value as Record<string, (saved?: unknown) => unknown>
    return { kind: 'stateful', save: () => owner[save]?.(), restore: (saved) => owner[restore]?.(saved) }
  }
  return null
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (value === null) return 'null'
  return typeof value === 'object' ? `a ${value.constructor?.name ?? 'object'}` : typeof value
}
