/**
 * Members of a value without running any code of it: own data properties and those of its prototypes. Getters are
 * listed, but never called.
 */
import type { CompletionItem } from '../run/types.ts'

/** Members listed of one value. */
const MAX_MEMBERS = 1_000
const NOTHING = Symbol('nothing')

/** A property's value if reading it runs nothing; NOTHING otherwise. */
export function peek(value: unknown, name: string): unknown {
  for (let at = asObject(value); at !== null; at = Object.getPrototypeOf(at)) {
    const descriptor = Object.getOwnPropertyDescriptor(at, name)
    if (descriptor !== undefined) return 'value' in descriptor ? descriptor.value : NOTHING
  }
  return NOTHING
}

export function isNothing(value: unknown): boolean {
  return value === NOTHING
}

export function membersOf(value: unknown): CompletionItem[] {
  const items = new Map<string, CompletionItem>()
  for (let at = asObject(value); at !== null; at = Object.getPrototypeOf(at)) {
    // What every object has is of no help, unless it is the thing asked about.
    if (at === Object.prototype && asObject(value) !== Object.prototype) break
    for (const name of Object.getOwnPropertyNames(at)) {
      if (items.size >= MAX_MEMBERS) return [...items.values()]
      const isIndex = /^\d/.test(name)
      if (isIndex || items.has(name) || name === 'constructor' || name.startsWith('__')) continue
      if (at === Function.prototype && /^(?:caller|arguments)$/.test(name)) continue
      const descriptor = Object.getOwnPropertyDescriptor(at, name)
      if (descriptor === undefined) continue
      const item = describeValue(name, 'value' in descriptor ? descriptor.value : NOTHING)
      items.set(name, item.type === 'variable' ? { ...item, type: 'property' } : item)
    }
  }
  return [...items.values()]
}

/** How a name and its value look in a list. */
export function describeValue(label: string, value: unknown): CompletionItem {
  if (value === NOTHING) return { label, type: 'property', detail: '' }
  if (typeof value === 'function') {
    const text = safe(() => Function.prototype.toString.call(value)) ?? ''
    if (/^class\b/.test(text)) return { label, type: 'class', detail: '' }
    return { label, type: 'function', detail: parametersOf(text) }
  }
  return { label, type: 'variable', detail: kindOf(value) }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  if (Array.isArray(value)) return `Array(${value.length})`
  const prototype = safe(() => Object.getPrototypeOf(value))
  const maker = prototype === null || prototype === undefined ? undefined : peek(prototype, 'constructor')
  return typeof maker === 'function' && typeof maker.name === 'string' ? maker.name : 'object'
}

/** `(a, b = 1)` of a function's text; nothing where that is not at hand. */
function parametersOf(text: string): string {
  const found = /^[^(=]*\(([^()]*)\)/.exec(text) ?? /^(?:async\s+)?([\w$]+)\s*=>/.exec(text)
  if (found === null || text.includes('[native code]')) return ''
  const parameters = (found[1] ?? '').replace(/\s+/g, ' ').trim()
  return parameters.length > 60 ? `(${parameters.slice(0, 59)}…)` : `(${parameters})`
}

function asObject(value: unknown): object | null {
  if (value === null || value === undefined || value === NOTHING) return null
  return Object(value) as object
}

function safe<T>(call: () => T): T | undefined {
  try {
    return call()
  } catch {
    return undefined
  }
}
