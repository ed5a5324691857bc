/** Small decisions of the encoder about single values: numbers that JSON loses, holes, names in paths. */

import type { Slot } from './format.ts'
import { type Objection, objectObjection } from './hints.ts'
import { type Builtin, dataProperty, isNative } from './kinds.ts'
import { builtinPath } from './module-index.ts'

/** Characters of a Map's key in a path. */
const MAX_KEY_TEXT = 60

/** Something beneath an instance that only its constructor can make: `class Line extends WebSocket`. */
export function foreignBase(value: object, builtin: Builtin | null): Objection | null {
  for (let at = Object.getPrototypeOf(value) as object | null; at !== null; at = Object.getPrototypeOf(at)) {
    const maker = dataProperty(at, 'constructor')
    if (typeof maker !== 'function' || !(isNative(maker) || builtinPath(maker) !== undefined)) continue
    const isObject = Object.getPrototypeOf(at) === null
    return isObject || builtin !== null ? null : objectObjection(Object.create(at) as object)
  }
  return null
}

export function numberSlot(value: number): Slot {
  if (Object.is(value, -0)) return { n: '-0' }
  if (Number.isFinite(value)) return value
  return { n: Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity' }
}

export const isNumber = (value: unknown): boolean => typeof value === 'number'
export const isArrayIndex = (key: string): boolean => /^(0|[1-9]\d{0,9})$/.test(key)
/** How a Map's value is reached, in a path. */
export function mapKey(key: unknown): string {
  if (typeof key === 'string') return `<.get(${JSON.stringify(key.slice(0, MAX_KEY_TEXT))})>`
  const text = typeof key === 'object' || typeof key === 'function' ? '…' : String(key)
  return `<.get(${text})>`
}

/** `every` skips holes. */
export function hasHoles(value: unknown[]): boolean {
  for (let index = 0; index < value.length; index++) if (!(index in value)) return true
  return false
}
