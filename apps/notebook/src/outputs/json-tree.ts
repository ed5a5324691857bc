/** A JSON value of somebody else's output as a tree for the inspector. Pure; bounded, because files may hold anything. */
import type { InspectNode } from '@rondo/kernel/output'

const MAX_CHILDREN = 100
const MAX_DEPTH = 12
const MAX_TEXT_CHARS = 80

export function jsonTree(value: unknown, key?: string, depth = 0): InspectNode {
  const named = key === undefined ? {} : { key }
  if (typeof value !== 'object' || value === null) {
    return { ...named, kind: value === null ? 'null' : typeof value, text: JSON.stringify(value) ?? String(value) }
  }
  const isArray = Array.isArray(value)
  const entries: Array<[string, unknown]> = isArray
    ? value.slice(0, MAX_CHILDREN).map((item, i) => [String(i), item])
    : Object.entries(value).slice(0, MAX_CHILDREN)
  const total = isArray ? value.length : Object.keys(value).length
  const children = depth >= MAX_DEPTH ? [] : entries.map(([name, item]) => jsonTree(item, name, depth + 1))
  if (total > MAX_CHILDREN) children.push({ kind: 'more', text: `… ${total - MAX_CHILDREN} more` })
  const text = isArray ? `Array(${total})` : short(entries.map(([name]) => name))
  return { ...named, kind: isArray ? 'array' : 'object', text, ...(children.length === 0 ? {} : { children }) }
}

function short(names: readonly string[]): string {
  const text = names.join(', ')
  return text.length > MAX_TEXT_CHARS ? `{${text.slice(0, MAX_TEXT_CHARS)}…}` : `{${text}}`
}
