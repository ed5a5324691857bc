/**
 * A value as a tree that can be unfolded without the kernel: bounded in nodes, depth and width, cycles named,
 * getters shown and not called.
 */

import { builtinOf, typedArrayName } from '../fork/kinds.ts'
import type { InspectNode } from '../output.ts'
import type { Describer } from './describer.ts'
import { atomText, keyText, preview, primitiveText, shortNumber } from './preview.ts'

/** Nodes of one tree. They are given to shallow levels first. */
const MAX_NODES = 1_500
const MAX_DEPTH = 8
/** Children of one node; what is left is counted. */
const MAX_CHILDREN = 100
/** Characters of one string. */
const MAX_STRING = 10_000

interface Entry {
  key: string
  /** A getter: nothing to look into. */
  isGetter: boolean
  value: unknown
}

/** The tree of a value. */
export function inspect(value: unknown, describers: readonly Describer[] = []): InspectNode {
  let left = MAX_NODES
  const root = shallowNode(value, describers)
  const ancestors = (parents: Parents | null, one: object): boolean => {
    for (let at = parents; at !== null; at = at.parent) if (at.value === one) return true
    return false
  }
  let level: Level[] = [{ node: root, value, parents: null, depth: 0 }]
  while (level.length > 0) {
    const next: Level[] = []
    for (const { node, value: parent, parents, depth } of level) {
      if (!isExpandable(parent, describers)) continue
      const { entries, total } = entriesOf(parent as object)
      const shown = depth < MAX_DEPTH ? entries.slice(0, Math.max(0, left)) : []
      left -= shown.length
      const chain: Parents = { value: parent as object, parent: parents }
      node.children = shown.map(({ key, isGetter, value: item }) => {
        if (isGetter) return { kind: 'getter', text: '[getter]', key }
        if (typeof item === 'object' && item !== null && ancestors(chain, item)) {
          return { kind: 'circular', text: '[circular]', key }
        }
        const child = { ...shallowNode(item, describers), key }
        next.push({ node: child, value: item, parents: chain, depth: depth + 1 })
        return child
      })
      if (total > shown.length) node.children.push({ kind: 'more', text: `${total - shown.length} more` })
      if (node.children.length === 0) delete node.children
    }
    level = next
  }
  return root
}

interface Parents {
  value: object
  parent: Parents | null
}

interface Level {
  node: InspectNode
  value: unknown
  parents: Parents | null
  depth: number
}

function isExpandable(value: unknown, describers: readonly Describer[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  return !describers.some((one) => one.test(value)) && !['date', 'regexp'].includes(builtinOf(value) ?? '')
}

function shallowNode(value: unknown, describers: readonly Describer[]): InspectNode {
  if (typeof value === 'string' && value.length > MAX_STRING) {
    return {
      kind: 'string',
      text: `${JSON.stringify(value.slice(0, MAX_STRING)).slice(0, -1)}…" (${value.length} characters)`,
    }
  }
  const primitive = primitiveText(value)
  if (primitive !== null) return { kind: value === null ? 'null' : typeof value, text: primitive }
  const object = value as object
  const atom = atomText(object, describers)
  if (atom !== null) return atom
  const builtin = builtinOf(object)
  const kind = builtin === 'typed' ? 'typedarray' : (builtin ?? 'object')
  return { kind, text: preview(object, describers) }
}

/** The first entries of an object and how many there are. */
function entriesOf(value: object): { entries: Entry[]; total: number } {
  switch (builtinOf(value)) {
    case 'typed':
    case 'array': {
      const list = value as ArrayLike<unknown>
      const isFloat = typedArrayName(value)?.startsWith('Float') === true
      const entries: Entry[] = []
      for (let index = 0; index < Math.min(list.length, MAX_CHILDREN); index++) {
        const item = list[index]
        entries.push({
          key: String(index),
          isGetter: false,
          value: isFloat ? Number(shortNumber(item as number)) : item,
        })
      }
      return { entries, total: list.length }
    }
    case 'map': {
      const pairs = [...(Map.prototype.entries.call(value) as Iterable<[unknown, unknown]>)]
      const entries = pairs
        .slice(0, MAX_CHILDREN)
        .map(([key, item]) => ({ key: preview(key, []), isGetter: false, value: item }))
      return { entries, total: pairs.length }
    }
    case 'set': {
      const items = [...(Set.prototype.values.call(value) as Iterable<unknown>)]
      const entries = items
        .slice(0, MAX_CHILDREN)
        .map((item, index) => ({ key: String(index), isGetter: false, value: item }))
      return { entries, total: items.length }
    }
    case 'buffer':
      return entriesOf(new Uint8Array(value as ArrayBuffer))
    case 'error': {
      const cause = Object.getOwnPropertyDescriptor(value, 'cause')
      const own = properties(value)
      if (cause !== undefined && cause.enumerable !== true)
        own.entries.push({ key: 'cause', isGetter: false, value: cause.value })
      return { entries: own.entries, total: own.entries.length }
    }
    default:
      return properties(value)
  }
}

function properties(value: object): { entries: Entry[]; total: number } {
  const keys = Object.keys(value)
  const entries = keys.slice(0, MAX_CHILDREN).map((key) => {
    const property = Object.getOwnPropertyDescriptor(value, key)!
    return { key: keyText(key), isGetter: !('value' in property), value: property.value as unknown }
  })
  return { entries, total: keys.length }
}
