/**
 * One line for any value, as a person would write it. Calls no getter and no method of the value: looking at a
 * variable has no effect. Not for: the tree (inspect.ts).
 */

import { builtinOf, className, dataProperty, functionKind, isPlain, typedArrayName } from '../fork/kinds.ts'
import type { Describer } from './describer.ts'

/** Characters of a string inside of another value's line. */
const MAX_INNER_STRING = 60
/** Entries of an object or array in a line. */
const MAX_INLINE_ENTRIES = 12
/** Characters of a line, about. */
const MAX_LINE = 100
/** Digits of a number: as many as float32 has. */
const FLOAT32_DIGITS = 6

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

export const keyText = (key: string): string => (IDENTIFIER.test(key) ? key : JSON.stringify(key))

/** `0.1` for the float32 that is printed as 0.10000000149011612. */
export const shortNumber = (value: number): string =>
  Number.isInteger(value)
    ? Object.is(value, -0)
      ? '-0'
      : String(value)
    : String(Number(value.toPrecision(FLOAT32_DIGITS)))

export function primitiveText(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
      return `${value}n`
    case 'symbol':
    case 'boolean':
    case 'undefined':
      return String(value)
    default:
      return value === null ? 'null' : null
  }
}

/** `function train(fabric, epochs)`, from the source's first line. */
function functionText(value: object): string {
  const name = dataProperty(value, 'name')
  const label = typeof name === 'string' && name !== '' ? name : '(anonymous)'
  const kind = functionKind(value)
  if (kind.startsWith('a class')) return `class ${label}`
  const parameters = /^[^(=]*\(([^()]*)\)/.exec(Function.prototype.toString.call(value))?.[1]
  const given = kind.startsWith('a built-in') || parameters === undefined ? '…' : parameters.replace(/\s+/g, ' ').trim()
  return `function ${label}(${given})`
}

/** Size and class: `Array(3)`, `Map(2)`, `Model`, `Float32Array(784)`; '' for plain objects. */
export function headOf(value: object): string {
  const builtin = builtinOf(value)
  const name = className(value)
  if (builtin === 'array') return `${name || 'Array'}(${(value as unknown[]).length})`
  if (builtin === 'typed') return `${typedArrayName(value)}(${(value as Uint8Array).length})`
  if (builtin === 'map' || builtin === 'set') return `${name}(${sizeOf(value, builtin)})`
  if (builtin === 'buffer') return `ArrayBuffer(${(value as ArrayBuffer).byteLength})`
  if (builtin === 'view') return `DataView(${(value as DataView).byteLength})`
  return isPlain(value) ? '' : name || 'Object'
}

export function sizeOf(value: object, builtin: 'map' | 'set'): number {
  const prototype = builtin === 'map' ? Map.prototype : Set.prototype
  return Object.getOwnPropertyDescriptor(prototype, 'size')!.get!.call(value) as number
}

/** Objects that are one line whatever they hold. */
export function atomText(value: object, describers: readonly Describer[]): { kind: string; text: string } | null {
  const describer = describers.find((one) => one.test(value))
  if (describer !== undefined) return describer.inline(value)
  if (typeof value === 'function') return { kind: 'function', text: functionText(value) }
  switch (builtinOf(value)) {
    case 'date': {
      const time = Date.prototype.getTime.call(value)
      return { kind: 'date', text: Number.isNaN(time) ? 'Invalid Date' : new Date(time).toISOString() }
    }
    case 'regexp':
      return { kind: 'regexp', text: RegExp.prototype.toString.call(value) }
    case 'error':
      return { kind: 'error', text: errorText(value) }
    default:
      return null
  }
}

function errorText(value: object): string {
  const own = dataProperty(value, 'name')
  const message = dataProperty(value, 'message')
  const name = typeof own === 'string' ? own : className(value) || 'Error'
  return typeof message === 'string' && message !== '' ? `${name}: ${message}` : name
}

/** One line for a value inside of another one. */
export function preview(value: unknown, describers: readonly Describer[], depth = 1): string {
  if (typeof value === 'string' && value.length > MAX_INNER_STRING) {
    return `${JSON.stringify(value.slice(0, MAX_INNER_STRING)).slice(0, -1)}…"`
  }
  const primitive = primitiveText(value)
  if (primitive !== null) return primitive
  const object = value as object
  const atom = atomText(object, describers)
  if (atom !== null) return atom.text
  const head = headOf(object)
  if (depth <= 0) return head === '' ? '{…}' : head
  const { open, close, entries, total } = inlineEntries(object, describers, depth)
  let line = ''
  let shown = 0
  for (const entry of entries) {
    if (line.length + entry.length > MAX_LINE && shown > 0) break
    line += shown === 0 ? entry : `, ${entry}`
    shown++
  }
  const rest = shown < total ? (shown === 0 ? '…' : ', …') : ''
  const label = head === '' || (Array.isArray(object) && object.length <= MAX_INLINE_ENTRIES) ? '' : `${head} `
  return `${label}${open}${line}${rest}${close}`
}

function inlineEntries(value: object, describers: readonly Describer[], depth: number) {
  const inner = (item: unknown): string => preview(item, describers, depth - 1)
  switch (builtinOf(value)) {
    case 'array':
    case 'typed': {
      const list = value as ArrayLike<unknown>
      const isFloat = typedArrayName(value)?.startsWith('Float') === true
      const entries: string[] = []
      for (let index = 0; index < Math.min(list.length, MAX_INLINE_ENTRIES); index++) {
        const item = list[index]
        entries.push(!(index in list) ? 'empty' : isFloat ? shortNumber(item as number) : inner(item))
      }
      return { open: '[', close: ']', entries, total: list.length }
    }
    case 'map': {
      const entries = firstOf(Map.prototype.entries.call(value)).map(([key, item]) => `${inner(key)} → ${inner(item)}`)
      return { open: '{', close: '}', entries, total: sizeOf(value, 'map') }
    }
    case 'set':
      return {
        open: '{',
        close: '}',
        entries: firstOf(Set.prototype.values.call(value)).map(inner),
        total: sizeOf(value, 'set'),
      }
    default: {
      const keys = Object.keys(value)
      const entries = keys.slice(0, MAX_INLINE_ENTRIES).map((key) => {
        const property = Object.getOwnPropertyDescriptor(value, key)!
        return `${keyText(key)}: ${'value' in property ? inner(property.value) : '[getter]'}`
      })
      return { open: '{', close: '}', entries, total: keys.length }
    }
  }
}

function firstOf<T>(items: Iterator<T>): T[] {
  const first: T[] = []
  for (let next = items.next(); next.done !== true && first.length < MAX_INLINE_ENTRIES; next = items.next())
    first.push(next.value)
  return first
}
