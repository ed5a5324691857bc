/**
 * `save(…, { filter })`: which tensors of a model or optimizer, or which fields of plain data, go into a checkpoint.
 * Semantics of Lightning Fabric's `filter`.
 */
import { RondoError } from '@rondo/protocol'

/** Says whether to keep `value`, which is called `name` below its key: a NamedTensor, or a field of plain data. */
// biome-ignore lint/suspicious/noExplicitAny: a filter knows what it looks at
export type SaveFilter = (name: string, value: any) => boolean

/** By key of the state. */
export type SaveFilters = Readonly<Record<string, SaveFilter>>

/** @throws BAD_ARGUMENT for a filter that is no object, keys that the state has not, and values that are no functions */
export function checkFilters(filter: unknown, known: readonly string[]): SaveFilters {
  if (filter === undefined) return {}
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) {
    const got = Array.isArray(filter) ? 'an array' : filter === null ? 'null' : `a ${typeof filter}`
    throw refuse(
      `filter is ${got}`,
      'an object with a function for some keys of the state',
      'Write { filter: { model: (name) => … } }',
    )
  }
  const unknown = Object.keys(filter).filter((key) => !known.includes(key))
  if (unknown.length > 0) {
    throw refuse(
      `filter has ${unknown.map((key) => JSON.stringify(key)).join(', ')}, which the state has not`,
      `the keys of the state: ${known.join(', ')}`,
      'Correct the name, or add it to the state',
    )
  }
  for (const [key, test] of Object.entries(filter)) {
    if (typeof test === 'function') continue
    throw refuse(
      `filter.${key} is ${test === null ? 'null' : `a ${typeof test}`}`,
      'a function (name, value) => boolean',
      'Write one, or leave the key out to keep all of it',
    )
  }
  return filter as SaveFilters
}

/** Whether the filter of `key`, if there is one, keeps it. */
export function keeps(filters: SaveFilters, key: string, name: string, value: unknown): boolean {
  const filter = Object.hasOwn(filters, key) ? filters[key] : undefined
  if (!filter) return true
  const kept: unknown = filter(name, value)
  if (typeof kept === 'boolean') return kept
  const got = kept instanceof Promise ? 'a promise' : String(kept)
  throw refuse(`filter.${key}(${JSON.stringify(name)}) returned ${got}`, 'true or false', 'Return a boolean at once')
}

function refuse(problem: string, allowed: string, advice: string): RondoError {
  return new RondoError('BAD_ARGUMENT', `save(path, state, { filter }): ${problem}. Allowed is ${allowed}. ${advice}.`)
}
