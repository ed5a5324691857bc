/**
 * A look at a message before any schema: how deep, how many values, which keys, binary or not. Schemas
 * leave some places open (signal data, results, error details), and everything is sent on to others, whose
 * encoders recurse. Iterative, so that no depth can hurt it.
 */
import { RondoError } from '@rondo/protocol'

/** Levels of nesting: a rank's result may be somebody's tree, encoders overflow at thousands. */
const MAX_DEPTH = 64
/** Values in one message: a result of 256 KiB may hold 131,072 numbers. */
const MAX_VALUES = 200_000
/** The one key that changes an object when it is copied by assignment. */
const FORBIDDEN_KEY = '__proto__'

/** Throws BAD_MESSAGE. `binaryAt` is the one top-level key that may hold bytes. */
export function inspect(event: string, payload: unknown, binaryAt: string | null): void {
  const stack: Array<{ value: unknown; depth: number; key: string }> = [{ value: payload, depth: 0, key: '' }]
  let values = 0
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const { value, depth, key } = item
    if (++values > MAX_VALUES) throw refuse(event, `more than ${MAX_VALUES} values`, 'Send less at once')
    if (typeof value !== 'object' || value === null) continue
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      if (depth === 1 && key === binaryAt) continue
      throw refuse(event, `binary data at "${key}"`, 'Send JSON there')
    }
    if (Array.isArray(value) && value.length > MAX_VALUES) {
      throw refuse(event, `an array of ${value.length} values (at most ${MAX_VALUES} in all)`, 'Send less at once')
    }
    if (depth >= MAX_DEPTH) throw refuse(event, `more than ${MAX_DEPTH} levels of nesting`, 'Send flatter data')
    for (const [name, child] of Object.entries(value)) {
      if (name === FORBIDDEN_KEY) throw refuse(event, `the key ${name}`, 'Rename it')
      stack.push({ value: child, depth: depth + 1, key: name })
    }
  }
}

function refuse(event: string, what: string, advice: string): RondoError {
  return new RondoError('BAD_MESSAGE', `${event} has ${what}, which is not allowed. ${advice}.`)
}
