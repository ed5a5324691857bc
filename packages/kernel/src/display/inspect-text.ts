/** A tree of a value as text, for consoles and for readers that know nothing else: on one line where it fits. */

import type { InspectNode } from '../output.ts'

/** Characters of a line. */
const MAX_LINE = 76
/** Levels that are written out; deeper values are one line. */
const MAX_LEVELS = 5

/** The tree as text. */
export function inspectText(node: InspectNode): string {
  return write(node, 0)
}

function write(node: InspectNode, level: number): string {
  const { children, kind } = node
  if (children === undefined || kind === 'error' || level >= MAX_LEVELS) return node.text
  const items = children.map((child) => `${keyOf(child, kind)}${write(child, level + 1)}`)
  const [head, open, close] = bracketsOf(node)
  const line = `${head}${open}${items.join(', ')}${close}`
  const indent = '  '.repeat(level)
  if (line.length + indent.length <= MAX_LINE && !line.includes('\n')) return line
  const isFlat = isList(kind) && children.every((child) => child.children === undefined)
  const lines = isFlat ? filled(items, MAX_LINE - indent.length - 2) : items
  return `${head}${open}\n${lines.map((text) => `${indent}  ${text}`).join(',\n')}\n${indent}${close}`
}

const isList = (kind: string): boolean =>
  kind === 'array' || kind === 'typedarray' || kind === 'set' || kind === 'buffer'

function keyOf(child: InspectNode, parent: string): string {
  if (child.key === undefined) return child.kind === 'more' ? '… ' : ''
  if (isList(parent)) return ''
  return `${child.key}${parent === 'map' ? ' → ' : ': '}`
}

/** `Map(1) `, `Model `; arrays and plain objects have brackets only. */
function bracketsOf({ kind, text }: InspectNode): [head: string, open: string, close: string] {
  const head = /^[\p{ID_Start}$_][\p{ID_Continue}$]*(\(\d+\))? (?=[[{])/u.exec(text)?.[0] ?? ''
  const shown = head.startsWith('Array(') ? '' : head
  return isList(kind) && kind !== 'set' ? [shown, '[', ']'] : [shown, '{', '}']
}

/** Short items several to a line. */
function filled(items: readonly string[], width: number): string[] {
  const lines: string[] = []
  for (const item of items) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + item.length + 2 <= width) lines[lines.length - 1] = `${last}, ${item}`
    else lines.push(item)
  }
  return lines
}
