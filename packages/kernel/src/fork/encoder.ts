/**
 * Walks a graph of values and writes its table. The walk is a queue, so that long chains don't overflow the stack,
 * and takes place at one moment: only codecs that read from a device are waited for, after everything else is known.
 */

import { ForkError } from './fork-error.ts'
import { type Fields, type Node, pack, type Slot, type Table } from './format.ts'
import {
  ACCESSOR_OBJECTION,
  DETACHED_OBJECTION,
  fieldObjection,
  functionObjection,
  type Objection,
  objectObjection,
  SYMBOL_OBJECTION,
} from './hints.ts'
import {
  type Builtin,
  builtinOf,
  className,
  dataProperty,
  ERROR_TYPES,
  hasBuiltinPrototype,
  isPlain,
  tagName,
  typedArrayName,
  withArticle,
} from './kinds.ts'
import { childPlace, needsOf, type Place, pathOf } from './place.ts'
import { SegmentCollector } from './segments.ts'
import { foreignBase, hasHoles, isArrayIndex, isNumber, mapKey, numberSlot } from './slots.ts'
import type { ValueCodec } from './value-codec.ts'

/** Number arrays from this length on are float64 in a segment instead of JSON. */
const MIN_PACKED_NUMBERS = 16
/** Longer arrays are not searched for properties beside their elements: listing their keys costs too much. */
const MAX_SEARCHED_ARRAY = 10_000

/** What is known about functions, classes and modules, and how they are written. */
export interface Links {
  /** The node for a function, a class or something that a module exports; null where it is none that can cross. */
  resolve(value: object, place: Place, encoder: Encoder): Node | null
  /** Whether a function is a class of the notebook that the other side will know. */
  crosses(maker: object): boolean
  /** Why instances of a class that crosses can't cross themselves; null where nothing is known against them. */
  objectionToInstances(maker: object): Objection | null
}

/** Own properties of a function that it gets from its code. */
const FUNCTION_KEYS: ReadonlySet<string> = new Set(['length', 'name', 'prototype', 'arguments', 'caller'])
const NOTHING: ReadonlySet<string> = new Set()
const ERROR_KEYS: ReadonlySet<string> = new Set(['stack'])
/** Joins property names into one text; unlikely in names. */
const KEY_SEPARATOR = '\u0000'
const ARRAY_KEYS: ReadonlySet<string> = new Set(['length'])

interface Reading {
  id: number
  codec: ValueCodec
  place: Place
  parts: Promise<unknown>
}

export class Encoder {
  readonly #nodes: Node[] = []
  readonly #keys: string[][] = []
  readonly #shapes = new Map<string, number>()
  readonly #ids = new Map<object, number>()
  readonly #segments = new SegmentCollector()
  readonly #queue: Array<{ value: object; id: number; place: Place }> = []
  #readings: Reading[] = []

  /** @param call how the person asked for it, for refusals */
  constructor(
    readonly call: string,
    readonly codecs: readonly ValueCodec[],
    readonly links: Links,
  ) {}

  /** The slot for a value; what it refers to is queued. With a key, the value lies below the place. */
  slot(value: unknown, parent: Place, key?: string | number): Slot {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value
      case 'number':
        return numberSlot(value)
      case 'undefined':
        return { u: 1 }
      case 'bigint':
        return { b: String(value) }
      case 'symbol':
        return this.refuse(below(parent, key), SYMBOL_OBJECTION)
      case 'object':
      case 'function':
        return value === null ? null : { r: this.#ids.get(value) ?? this.#newId(value, below(parent, key)) }
      default:
        throw new Error('invariant violation: a type that JavaScript does not have')
    }
  }

  /** Own properties with their values, which must not be getters; `extra` ones are hidden. */
  fields(value: object, place: Place, without = NOTHING, extra: ReadonlyArray<[string, Slot]> = []): Fields {
    const keys: string[] = []
    const v: Slot[] = []
    const hidden: number[] = []
    const isArray = Array.isArray(value)
    for (const key of Reflect.ownKeys(value)) {
      if (typeof key === 'string' && (without.has(key) || (isArray && isArrayIndex(key)))) continue
      const property = Object.getOwnPropertyDescriptor(value, key)!
      if (typeof key === 'symbol') {
        if (property.enumerable === true) this.refuse(childPlace(place, key), SYMBOL_OBJECTION)
        continue
      }
      if (!('value' in property)) this.refuse(childPlace(place, key), ACCESSOR_OBJECTION)
      if (property.enumerable !== true) hidden.push(keys.length)
      keys.push(key)
      v.push(this.slot(property.value, place, key))
    }
    for (const [key, slot] of extra) {
      if (keys.includes(key)) continue
      hidden.push(keys.length)
      keys.push(key)
      v.push(slot)
    }
    const fields: Fields = { k: this.#shapeOf(keys), v }
    return hidden.length > 0 ? { ...fields, hidden } : fields
  }

  /** Properties that somebody put onto a function; undefined for none. */
  functionFields(value: object, place: Place, without: ReadonlySet<string>): Fields | undefined {
    const fields = this.fields(value, place, new Set([...FUNCTION_KEYS, ...without]))
    return fields.v.length === 0 ? undefined : fields
  }

  refuse(place: Place, { kind, hint }: Objection, options?: ErrorOptions): never {
    throw new ForkError({ call: this.call, path: pathOf(place), kind, needs: needsOf(place), hint }, options)
  }

  /** Takes everything that was queued apart, now, and starts what must be read from devices. */
  drain(): void {
    try {
      // First come, first served: the path that a refusal names is a shortest one.
      for (let at = 0; at < this.#queue.length; at++) {
        const { value, id, place } = this.#queue[at]!
        const node = this.#node(value, id, place)
        if (node !== null) this.#nodes[id] = node
      }
      this.#queue.length = 0
    } catch (error) {
      // What already reads must not become an unhandled rejection.
      for (const { parts } of this.#readings) parts.catch(() => {})
      throw error
    }
  }

  /** Waits for codecs and writes the bytes. Everything else was taken when drain was called. */
  async finish(root: Slot, program?: unknown): Promise<ArrayBuffer> {
    this.drain()
    if (this.#readings.length > 0) this.#segments.freeze()
    while (this.#readings.length > 0) {
      const readings = this.#readings
      this.#readings = []
      const results = await Promise.allSettled(readings.map(({ parts }) => parts))
      for (const [index, { id, codec, place }] of readings.entries()) {
        const result = results[index]!
        if (result.status === 'rejected') this.#codecRefused(codec, place, result.reason)
        this.#nodes[id] = { t: 'codec', name: codec.name, v: this.slot(result.value, place) }
      }
      this.drain()
    }
    const { segments, views } = this.#segments.finish()
    const sizes = segments.map((bytes) => bytes.byteLength)
    const table: Table = { root, nodes: this.#nodes, keys: this.#keys, views, segments: sizes }
    return pack(program === undefined ? table : { ...table, program }, segments)
  }

  #newId(value: object, place: Place): number {
    const id = this.#nodes.push({ t: 'set', v: [] }) - 1
    this.#ids.set(value, id)
    this.#queue.push({ value, id, place })
    return id
  }

  /** null: a codec reads it, and its node comes later. */
  #node(value: object, id: number, place: Place): Node | null {
    const codec = typeof value === 'object' ? this.codecs.find((one) => one.test(value)) : undefined
    if (codec !== undefined) return this.#codecNode(codec, value, id, place)
    const linked = this.links.resolve(value, place, this)
    if (linked !== null) return linked
    if (typeof value === 'function') return this.refuse(place, functionObjection(value))
    if (isPlain(value)) {
      const bare = Object.getPrototypeOf(value) === null
      if (bare && tagName(value) === 'Module') this.refuse(place, objectObjection(value))
      return { t: 'object', f: this.fields(value, place), ...(bare ? { bare: 1 } : {}) }
    }
    const builtin = builtinOf(value)
    if (builtin !== null && hasBuiltinPrototype(value)) return this.#builtin(builtin, value, place)
    return this.#instance(builtin, value, place)
  }

  #codecNode(codec: ValueCodec, value: object, id: number, place: Place): Node | null {
    let parts: unknown
    try {
      parts = codec.encode(value)
    } catch (error) {
      return this.#codecRefused(codec, place, error)
    }
    if (parts instanceof Promise) {
      this.#readings.push({ id, codec, place, parts })
      return null
    }
    return { t: 'codec', name: codec.name, v: this.slot(parts, place) }
  }

  #codecRefused(codec: ValueCodec, place: Place, error: unknown): never {
    if (error instanceof ForkError) throw error
    const hint = error instanceof Error ? error.message : String(error)
    return this.refuse(place, { kind: withArticle(codec.name), hint }, { cause: error })
  }

  #instance(builtin: Builtin | null, value: object, place: Place): Node {
    const prototype = Object.getPrototypeOf(value) as object
    const maker = dataProperty(prototype, 'constructor')
    const isClass = typeof maker === 'function' && dataProperty(maker, 'prototype') === prototype
    if (!isClass || !this.links.crosses(maker)) {
      // Libraries' errors and Node's Buffer keep what they carry and lose their class.
      if (builtin === 'error' || builtin === 'typed') return this.#builtin(builtin, value, place)
      return this.refuse(place, objectObjection(value))
    }
    const objection = this.links.objectionToInstances(maker) ?? foreignBase(value, builtin)
    if (objection !== null) this.refuse(place, objection)
    this.#refuseFunctionFields(value, place)
    const of: Node =
      builtin === null ? { t: 'object', f: this.fields(value, place) } : this.#builtin(builtin, value, place, true)
    return { t: 'instance', class: this.slot(maker, place), name: className(value), of }
  }

  /** `step = (x) => …` in a class: the function belongs to this one object. */
  #refuseFunctionFields(value: object, place: Place): void {
    for (const key of Object.keys(value)) {
      const field = dataProperty(value, key)
      if (typeof field !== 'function' || this.links.resolve(field, childPlace(place, key), this) !== null) continue
      this.refuse(childPlace(place, key), fieldObjection(field, className(value)))
    }
  }

  #builtin(builtin: Builtin, value: object, place: Place, ofClass = false): Node {
    const extra = (without: ReadonlySet<string> = NOTHING): { f?: Fields } => {
      const fields = this.fields(value, place, without)
      return fields.v.length === 0 ? {} : { f: fields }
    }
    switch (builtin) {
      case 'array':
        return this.#array(value as unknown[], place, ofClass)
      case 'map': {
        const entries = [...(Map.prototype.entries.call(value) as Iterable<[unknown, unknown]>)]
        const k = entries.map(([key]) => this.slot(key, childPlace(place, '<.keys()>')))
        const v = entries.map(([key, item]) => this.slot(item, childPlace(place, mapKey(key))))
        return { t: 'map', k, v, ...extra() }
      }
      case 'set': {
        const items = [...(Set.prototype.values.call(value) as Iterable<unknown>)]
        return { t: 'set', v: items.map((item) => this.slot(item, childPlace(place, '<.values()>'))), ...extra() }
      }
      case 'date': {
        const time = Date.prototype.getTime.call(value)
        return { t: 'date', v: Number.isNaN(time) ? null : time, ...extra() }
      }
      case 'regexp': {
        const { source, flags, lastIndex } = value as RegExp
        return { t: 'regexp', source, flags, last: lastIndex }
      }
      case 'error':
        return this.#error(value, place)
      case 'buffer':
        return { t: 'buffer', v: this.#view(value as ArrayBuffer, 0, (value as ArrayBuffer).byteLength, place) }
      case 'typed':
      case 'view': {
        const { buffer, byteOffset, byteLength } = value as ArrayBufferView
        return {
          t: 'typed',
          type: typedArrayName(value) ?? 'DataView',
          v: this.#view(buffer, byteOffset, byteLength, place),
        }
      }
      default:
        throw new Error(`invariant violation: ${builtin satisfies never}`)
    }
  }

  #array(value: unknown[], place: Place, ofClass: boolean): Node {
    const holes = hasHoles(value)
    const isPlainList = !holes && Reflect.ownKeys(value).length === value.length + 1
    const fields =
      (ofClass || value.length <= MAX_SEARCHED_ARRAY) && !isPlainList ? this.fields(value, place, ARRAY_KEYS) : null
    const extra = fields === null || fields.v.length === 0 ? {} : { f: fields }
    if (value.length >= MIN_PACKED_NUMBERS && !holes && extra.f === undefined && value.every(isNumber)) {
      const numbers = Float64Array.from(value as number[])
      return { t: 'numbers', v: this.#segments.add(numbers.buffer, 0, numbers.byteLength) }
    }
    const v: Slot[] = []
    for (let index = 0; index < value.length; index++) {
      v.push(holes && !(index in value) ? { h: 1 } : this.slot(value[index], place, index))
    }
    return { t: 'array', v, ...extra }
  }

  #error(value: object, place: Place): Node {
    const own = className(value)
    const { stack, name } = value as Error
    const isKnown = ERROR_TYPES.includes(own)
    // A library's class is lost; its name stays readable.
    const extra: Array<[string, Slot]> = isKnown || typeof name !== 'string' ? [] : [['name', name]]
    const f = this.fields(value, place, ERROR_KEYS, extra)
    return { t: 'error', type: isKnown ? own : 'Error', stack: String(stack ?? ''), f }
  }

  #shapeOf(keys: string[]): number {
    const text = keys.join(KEY_SEPARATOR)
    const known = this.#shapes.get(text)
    // Names may hold the separator: the list itself decides.
    const same = known === undefined ? undefined : this.#keys[known]
    if (known !== undefined && same?.length === keys.length && same.every((key, index) => key === keys[index])) {
      return known
    }
    const index = this.#keys.push(keys) - 1
    this.#shapes.set(text, index)
    return index
  }

  #view(buffer: ArrayBufferLike, start: number, length: number, place: Place): number {
    if (typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer) {
      this.refuse(place, objectObjection(buffer))
    }
    try {
      new Uint8Array(buffer as ArrayBuffer)
    } catch {
      this.refuse(place, DETACHED_OBJECTION)
    }
    return this.#segments.add(buffer as ArrayBuffer, start, length)
  }
}

const below = (parent: Place, key: string | number | undefined): Place =>
  key === undefined ? parent : childPlace(parent, key)
