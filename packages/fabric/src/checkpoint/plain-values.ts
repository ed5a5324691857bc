/**
 * Values of a checkpoint that are no tensors, as JSON: what JSON cannot hold is refused by its path, and numbers that
 * it has no word for are wrapped, so that what comes back is what was saved. Not for: tensors (content.ts).
 */
import { RondoError } from '@rondo/protocol'

/** Levels of nesting; beyond it a value is taken for one that contains itself. */
const MAX_DEPTH = 64
/** Key of the wrapping of NaN, Infinity, -Infinity and -0. */
const NUMBER = '$number'

/** @throws BAD_ARGUMENT naming where in `values` something lies that JSON cannot hold */
export function encodeValues(values: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(wrapped(values, '', 0))
}

/** @throws BAD_FILE when the text is no JSON object */
export function decodeValues(path: string, text: string): Record<string, unknown> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text, (_, value: unknown) => unwrapped(value))
  } catch {
    parsed = null
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>
  throw new RondoError(
    'BAD_FILE',
    `${path}: the values beside its tensors are no JSON object, so it is damaged. Allowed are files that fabric.save wrote. Save it again.`,
  )
}

function wrapped(value: unknown, at: string, depth: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { [NUMBER]: numberName(value) }
    case 'object':
      break
    default:
      throw refuse(at, `a ${typeof value}`)
  }
  if (value === null) return null
  if (depth > MAX_DEPTH) throw refuse(at, `nested deeper than ${MAX_DEPTH}, or contains itself`)
  if (Array.isArray(value)) return value.map((item, i) => wrapped(item ?? null, `${at}[${i}]`, depth + 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw refuse(at, `a ${value.constructor?.name ?? 'class'}`)
  const below = at === '' ? '' : `${at}.`
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, wrapped(item, `${below}${key}`, depth + 1)]),
  )
}

function numberName(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function unwrapped(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const keys = Object.keys(value)
  const text = (value as Record<string, unknown>)[NUMBER]
  return keys.length === 1 && typeof text === 'string' ? Number(text) : value
}

function refuse(at: string, what: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `save(path, state): state.${at} is ${what}, which a checkpoint cannot hold. Allowed are models and optimizers, tensors directly in state, objects with stateDict and loadStateDict, and plain data: numbers, texts, booleans, null, lists and plain objects of these. Turn it into one of them, or leave it out.`,
  )
}
