/**
 * Puts a table's values together again. Objects are made empty first and filled from a queue, so that cycles close
 * and long chains don't overflow the stack. What arrives is checked, not trusted: it may come from another machine.
 */

import { type Fields, isIndex, malformed, type Node, type Slot, type Table } from './format.ts'
import { BINARY_TYPES, ERROR_TYPES } from './kinds.ts'
import type { ValueCodec } from './value-codec.ts'

/** Where functions, classes and modules come from on this side. */
export interface Origins {
  /** The function or class for a node; undefined where this side has none of that name. Throws where none may come. */
  code(node: Extract<Node, { t: 'named' | 'code' | 'import' | 'global' }>): unknown
  /** Slots that must be there before the code of a unit is evaluated. */
  before(node: Node): readonly Slot[]
}

/** Segments from this size on are not copied: the arrays look into the bytes that came. */
const MIN_SHARED_BYTES = 1 << 20

const EMPTY: readonly Slot[] = []

// Called as they are here: an instance of a class that extends Map may have a `set` of its own.
const setEntry = Map.prototype.set
const addItem = Set.prototype.add

export class Decoder {
  readonly #made = new Map<number, unknown>()
  readonly #fills: Array<() => void> = []
  readonly #buffers: Array<ArrayBuffer | undefined> = []
  /** Segments of which somebody holds the buffer itself. */
  readonly #whole = new Set<number>()

  constructor(
    readonly table: Table,
    readonly segments: readonly Uint8Array<ArrayBuffer>[],
    readonly codecs: readonly ValueCodec[],
    readonly origins: Origins,
  ) {
    for (const node of table.nodes) if (node.t === 'buffer') this.#whole.add(this.#viewOf(node.v)[0])
  }

  /** Makes what codecs must be waited for, parts before the whole. After that, {@link value} never waits. */
  async prepare(): Promise<void> {
    for (const id of this.#codecOrder()) {
      const node = this.table.nodes[id]
      if (node?.t !== 'codec') continue
      const codec = this.codecs.find(({ name }) => name === node.name)
      if (codec === undefined) throw malformed(`no codec "${node.name}" on this side`)
      this.#made.set(id, await codec.decode(this.value(node.v)))
    }
  }

  /** The value of a slot, complete. */
  value(slot: Slot | undefined): unknown {
    const value = this.#shallow(slot)
    for (let fill = this.#fills.pop(); fill !== undefined; fill = this.#fills.pop()) fill()
    return value
  }

  /** Sets properties without running setters; `__proto__` is a name like any other. */
  setFields(target: object, fields: Fields | undefined): void {
    if (fields === undefined) return
    const keys = this.table.keys[fields.k]
    if (keys?.length !== fields.v.length) throw malformed('names and values differ in number')
    const hidden = fields.hidden === undefined ? null : new Set(fields.hidden)
    // Only these two cases differ from assigning, which is faster.
    const define = Object.getPrototypeOf(target) !== Object.prototype
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index]!
      const value = this.#shallow(fields.v[index])
      if (!define && hidden === null && key !== '__proto__') (target as Record<string, unknown>)[key] = value
      else {
        const enumerable = hidden === null || !hidden.has(index)
        Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true })
      }
    }
  }

  /** The value of a slot; objects may still be empty. */
  #shallow(slot: Slot | undefined): unknown {
    if (slot === null || typeof slot !== 'object') return slot
    if ('r' in slot) return this.#object(slot.r)
    if ('u' in slot || 'h' in slot) return undefined
    if ('n' in slot) return Number(slot.n)
    if ('b' in slot) return BigInt(slot.b)
    throw malformed('unknown kind of value')
  }

  #object(id: number): unknown {
    if (this.#made.has(id)) return this.#made.get(id)
    const node = this.table.nodes[id]
    if (node === undefined) throw malformed('a reference leads nowhere')
    if (node.t === 'codec') throw malformed(`a ${node.name} is part of itself, or a class needs it to be declared`)
    const value = this.#make(node)
    this.#made.set(id, value)
    if (node.t === 'code') this.#fills.push(() => this.setFields(value as object, node.f))
    return value
  }

  #make(node: Node): unknown {
    switch (node.t) {
      case 'object':
        return this.#filled(node.bare === 1 ? Object.create(null) : {}, (target) => this.setFields(target, node.f))
      case 'array':
        return this.#filled(new Array<unknown>(node.v.length), (target) => {
          for (let index = 0; index < node.v.length; index++) {
            const slot = node.v[index]
            if (!isHole(slot)) target[index] = this.#shallow(slot)
          }
          this.setFields(target, node.f)
        })
      case 'numbers':
        return Array.from(this.#typed('Float64Array', node.v) as Float64Array)
      case 'map':
        return this.#filled(new Map<unknown, unknown>(), (target) => {
          for (const [index, key] of node.k.entries())
            setEntry.call(target, this.#shallow(key), this.#shallow(node.v[index]))
          this.setFields(target, node.f)
        })
      case 'set':
        return this.#filled(new Set<unknown>(), (target) => {
          for (const item of node.v) addItem.call(target, this.#shallow(item))
          this.setFields(target, node.f)
        })
      case 'date':
        return this.#filled(new Date(node.v ?? Number.NaN), (target) => this.setFields(target, node.f))
      case 'regexp': {
        const regexp = new RegExp(node.source, node.flags)
        regexp.lastIndex = node.last
        return regexp
      }
      case 'error':
        return this.#error(node)
      case 'buffer':
        return this.#buffer(this.#viewOf(node.v)[0])
      case 'typed':
        return this.#typed(node.type, node.v)
      case 'instance':
        return this.#instance(node)
      case 'named':
      case 'code':
      case 'import':
      case 'global':
        return this.origins.code(node)
      case 'codec':
        throw new Error('invariant violation: codecs are prepared')
      default:
        throw malformed(`unknown kind of node: ${String((node satisfies never as Node).t)}`)
    }
  }

  #filled<T extends object>(target: T, fill: (target: T) => void): T {
    this.#fills.push(() => fill(target))
    return target
  }

  #error(node: Extract<Node, { t: 'error' }>): Error {
    if (!ERROR_TYPES.includes(node.type)) throw malformed(`an error of type ${node.type}`)
    const error = new (globalThis as unknown as Record<string, ErrorConstructor>)[node.type]!()
    Object.defineProperty(error, 'stack', { value: node.stack, enumerable: false, writable: true, configurable: true })
    return this.#filled(error, (target) => this.setFields(target, node.f))
  }

  /** A class that this side doesn't know leaves what lies beneath. */
  #instance(node: Extract<Node, { t: 'instance' }>): unknown {
    const made = this.#make(node.of) as object
    const maker = this.#shallow(node.class)
    if (typeof maker !== 'function') return made
    const prototype: unknown = maker.prototype
    return typeof prototype === 'object' ? Object.setPrototypeOf(made, prototype) : made
  }

  #viewOf(index: number): [segment: number, offset: number, length: number] {
    const view = isIndex(index) ? this.table.views[index] : undefined
    if (view === undefined) throw malformed('a view is missing')
    return view
  }

  #typed(type: string, index: number): unknown {
    if (!BINARY_TYPES.includes(type as (typeof BINARY_TYPES)[number])) throw malformed(`an array of type ${type}`)
    const maker = (globalThis as unknown as Record<string, Float32ArrayConstructor | undefined>)[type]
    if (maker === undefined) throw malformed(`this browser has no ${type}`)
    const [segment, offset, length] = this.#viewOf(index)
    const size = (maker as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1
    if (length % size !== 0) throw malformed('an array ends inside of an element')
    const bytes = this.segments[segment]!
    const inPlace = bytes.byteLength >= MIN_SHARED_BYTES && !this.#whole.has(segment)
    return inPlace
      ? new maker(bytes.buffer, bytes.byteOffset + offset, length / size)
      : new maker(this.#buffer(segment), offset, length / size)
  }

  #buffer(segment: number): ArrayBuffer {
    this.#buffers[segment] ??= this.segments[segment]!.slice().buffer
    return this.#buffers[segment]
  }

  /** Codec nodes that the root and the program reach, parts first. Edges back are left out. */
  #codecOrder(): number[] {
    const { nodes } = this.table
    if (!nodes.some(({ t }) => t === 'codec')) return []
    const order: number[] = []
    const seen = new Set<number>()
    for (let start = 0; start < nodes.length; start++) {
      const path: Array<{ id: number; next: number[] }> = []
      const enter = (id: number): void => {
        const node = nodes[id]
        if (node === undefined || seen.has(id)) return
        seen.add(id)
        path.push({ id, next: [...slotsOf(node), ...this.origins.before(node)].flatMap(reference) })
      }
      enter(start)
      for (let at = path.at(-1); at !== undefined; at = path.at(-1)) {
        const child = at.next.pop()
        if (child !== undefined) enter(child)
        else {
          if (nodes[at.id]?.t === 'codec') order.push(at.id)
          path.pop()
        }
      }
    }
    return order
  }
}

const isHole = (slot: Slot | undefined): boolean => typeof slot === 'object' && slot !== null && 'h' in slot

function reference(slot: Slot): number[] {
  return typeof slot === 'object' && slot !== null && 'r' in slot ? [slot.r] : []
}

/** Everything that a node refers to. */
function slotsOf(node: Node): readonly Slot[] {
  const fields = 'f' in node && node.f !== undefined ? node.f.v : EMPTY
  switch (node.t) {
    case 'map':
      return [...node.k, ...node.v, ...fields]
    case 'array':
    case 'set':
      return [...node.v, ...fields]
    case 'codec':
      return [node.v]
    case 'instance':
      return [node.class, ...slotsOf(node.of)]
    default:
      return fields
  }
}
