/**
 * Recognises what comes from modules and from the language itself, so that it is imported again in the rank instead
 * of being copied: `tf`, `tf.layers.dense`, `Math.max`.
 */

import { builtinOf, dataProperty, isPlain } from './kinds.ts'

/** Levels below a namespace that are searched: `tf.layers.dense` lies at two. */
const MAX_DEPTH = 2

export interface ModuleValue {
  specifier: string
  /** Exports on the way; empty for the namespace. */
  path: string[]
}

/** Values that imports brought into the notebook. */
export class ModuleIndex {
  readonly #values = new Map<object, ModuleValue>()

  /** @param imported export's name, `default`, or `*` for the namespace */
  add(specifier: string, imported: string, value: unknown): void {
    if (!isObject(value)) return
    this.#add(value, { specifier, path: imported === '*' ? [] : [imported] }, imported === '*' ? MAX_DEPTH : 1)
  }

  find(value: object): ModuleValue | undefined {
    return this.#values.get(value)
  }

  #add(value: object, at: ModuleValue, depth: number): void {
    if (this.#values.has(value)) return
    const isNamespace = at.path.length === 0
    const members = depth > 0 && (isNamespace || typeof value === 'object') ? membersOf(value, isNamespace) : []
    // An exported object that holds data and no code is data: it crosses as it is now.
    const isCode = typeof value === 'function' || members.some(([, member]) => typeof member === 'function')
    if (!isNamespace && !isCode && (isPlain(value) || builtinOf(value) !== null)) return
    this.#values.set(value, at)
    for (const [key, member] of members) this.#add(member, { ...at, path: [...at.path, key] }, depth - 1)
  }
}

/** Own functions and objects. Namespaces may have getters (bundlers make them so); nothing else is called. */
function membersOf(value: object, isNamespace: boolean): Array<[string, object]> {
  if (!isNamespace && Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null)
    return []
  return Object.keys(value).flatMap((key): Array<[string, object]> => {
    const member = isNamespace ? exportOf(value, key) : dataProperty(value, key)
    return isObject(member) ? [[key, member]] : []
  })
}

function exportOf(namespace: object, key: string): unknown {
  try {
    return (namespace as Record<string, unknown>)[key]
  } catch {
    // An export whose module has not been evaluated yet.
    return undefined
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'function' || (typeof value === 'object' && value !== null)

let builtins: Map<object, string[]> | undefined

/** Path of a function that every worker has (`['Math', 'max']`), or undefined. */
export function builtinPath(value: object): string[] | undefined {
  builtins ??= indexBuiltins()
  return builtins.get(value)
}

function indexBuiltins(): Map<object, string[]> {
  const index = new Map<object, string[]>()
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const value = dataProperty(globalThis, name)
    if (!isObject(value) || value === globalThis || index.has(value)) continue
    const isStandard = /^(Math|JSON|Reflect|Atomics|Intl|console)$/.test(name)
    if (typeof value !== 'function' && !isStandard) continue
    index.set(value, [name])
    for (const key of Object.getOwnPropertyNames(value)) {
      const member = dataProperty(value, key)
      if (typeof member === 'function' && !index.has(member)) index.set(member, [name, key])
    }
  }
  return index
}
