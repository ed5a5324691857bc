/**
 * A rank's console, sent to the session as text: what a script prints reaches the terminal and the page with
 * its rank in front. The browser's own console keeps everything too.
 */
import { MAX_CONSOLE_CHARS, type RankEvent } from '@rondo/protocol'

const LEVELS = ['log', 'info', 'warn', 'error', 'debug'] as const

/** Values deeper than this are abbreviated: a line is for reading. */
const MAX_DEPTH = 3
/** Items shown of an array or object. */
const MAX_ITEMS = 20

/** From now on each console call is also an event. */
export function captureConsole(emit: (event: RankEvent) => void): void {
  for (const level of LEVELS) {
    const original = console[level].bind(console)
    console[level] = (...values: unknown[]) => {
      original(...values)
      const text = values.map((value) => (typeof value === 'string' ? value : format(value))).join(' ')
      const note = ` … (${text.length} characters)`
      const cut = text.length > MAX_CONSOLE_CHARS ? text.slice(0, MAX_CONSOLE_CHARS - note.length) + note : text
      emit({ kind: 'console', level, text: cut })
    }
  }
}

/** A value as a person would write it: short, one line, tensors by shape. */
export function format(value: unknown, depth = 0): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return `[function ${value.name || 'anonymous'}]`
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Error) return value.stack ?? `${value.name}: ${value.message}`
  if ('dtype' in value && 'shape' in value && Array.isArray(value.shape)) {
    return `Tensor[${value.shape.join(', ')}] ${String(value.dtype)}`
  }
  if (depth >= MAX_DEPTH) return Array.isArray(value) ? '[…]' : '{…}'
  const isList = Array.isArray(value) || ArrayBuffer.isView(value)
  if (isList) {
    const items = Array.from(value as unknown as ArrayLike<unknown>).slice(0, MAX_ITEMS)
    const total = (value as unknown as ArrayLike<unknown>).length
    const shown = items.map((item) => format(item, depth + 1)).join(', ')
    const name = ArrayBuffer.isView(value) ? `${value.constructor.name} ` : ''
    return `${name}[${shown}${total > MAX_ITEMS ? `, … ${total - MAX_ITEMS} more` : ''}]`
  }
  const entries = value instanceof Map ? [...value.entries()] : Object.entries(value)
  const shown = entries.slice(0, MAX_ITEMS).map(([key, item]) => `${String(key)}: ${format(item, depth + 1)}`)
  if (entries.length > MAX_ITEMS) shown.push(`… ${entries.length - MAX_ITEMS} more`)
  const name = value.constructor?.name
  return `${name && name !== 'Object' ? `${name} ` : ''}{${shown.length > 0 ? ` ${shown.join(', ')} ` : ''}}`
}
