/**
 * Kinds of values that arguments take: what each accepts, and how it reads text, as environment variables and flags
 * have it. Not for: which argument is of which kind (arguments.ts).
 */
import { RondoError } from '@rondo/protocol'
import { parseDuration } from './duration.ts'

export interface Kind {
  /** Ends the sentence "allowed is …". */
  readonly allowed: string
  accepts(value: unknown): boolean
  /** What a text means; undefined when it means nothing of this kind. */
  read(text: string): unknown
  /** A flag without a value means true. */
  readonly isSwitch?: boolean
}

/** Texts for true and false, as Lightning's command line reads them. */
const YES = ['y', 'yes', 't', 'true', 'on', '1']
const NO = ['n', 'no', 'f', 'false', 'off', '0']
const NONE = ['none', 'null', '']

/** true or false. */
export const flag: Kind = {
  allowed: 'true or false',
  accepts: (value) => typeof value === 'boolean',
  read: readFlag,
  isSwitch: true,
}

/** A whole number from `least` up. */
export function whole(least: number): Kind {
  return {
    allowed: `a whole number of at least ${least}`,
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= least,
    read: readNumber,
  }
}

/** One of a few names. */
export function oneOf(...names: string[]): Kind {
  const quoted = names.map((name) => `"${name}"`)
  return {
    allowed: `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`,
    accepts: (value) => typeof value === 'string' && names.includes(value),
    read: (text) => text.trim(),
  }
}

/** A kind with further values of its own; tried first, in text too. */
export function either(first: Kind, second: Kind): Kind {
  return {
    allowed: `${first.allowed}, or ${second.allowed}`,
    accepts: (value) => first.accepts(value) || second.accepts(value),
    read(text) {
      const value = first.read(text)
      return first.accepts(value) ? value : second.read(text)
    },
    isSwitch: first.isSwitch === true || second.isSwitch === true,
  }
}

/** null, written `none` or `null`, beside what `kind` takes. */
export function optional(kind: Kind): Kind {
  return {
    ...kind,
    allowed: `${kind.allowed}, or null for none`,
    accepts: (value) => value === null || kind.accepts(value),
    read: (text) => (NONE.includes(text.trim().toLowerCase()) ? null : kind.read(text)),
  }
}

/** Any finite number. */
export const number: Kind = {
  allowed: 'a number',
  accepts: (value) => typeof value === 'number' && Number.isFinite(value),
  read: readNumber,
}

/** Any text. */
export function text(what: string): Kind {
  return { allowed: what, accepts: (value) => typeof value === 'string', read: (given) => given }
}

/** A fraction, or a number of batches. In text a dot makes a fraction: `1.0` is all, `1` is one batch. */
export const batchCount: Kind = {
  allowed: 'a fraction from 0 to 1 (1 is all), a whole number of batches from 2, or { batches: n }',
  accepts(value) {
    const count = typeof value === 'object' && value !== null ? (value as { batches?: unknown }).batches : value
    if (Number.isSafeInteger(count) && (count as number) >= 0) return true
    return typeof value === 'number' && value >= 0 && value <= 1
  },
  read(given) {
    const value = readNumber(given)
    return value === 1 && /^\+?\d+$/.test(given.trim()) ? { batches: 1 } : (value ?? readJson(given))
  },
}

/** `DD:HH:MM:SS`, or its parts. */
export const duration: Kind = {
  allowed:
    '"DD:HH:MM:SS", such as "00:01:30:00" for an hour and a half, or { days, hours, minutes, seconds } with numbers of at least 0',
  accepts(value) {
    try {
      parseDuration(value)
      return true
    } catch {
      return false
    }
  },
  read: (given) => readJson(given) ?? given.trim(),
}

/** A number, a list, or a text that somebody else reads: devices and gpus. */
export const slots: Kind = {
  allowed: 'a count, a list of slot numbers, or a text of one of these',
  accepts: () => true,
  read: (given) => readNumber(given) ?? readJson(given) ?? given.trim(),
}

/** An object, or a list of objects; as text it is read by `named`. */
export function objects(what: string, named: (text: string) => unknown = () => undefined): Kind {
  const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null
  return {
    allowed: what,
    accepts: (value) => (Array.isArray(value) ? value.every(isObject) : isObject(value)),
    read: named,
  }
}

/**
 * Refuses what is not of a kind.
 * @param where names the option and its value, e.g. `Trainer({ maxEpochs: 1.5 })`
 * @throws BAD_ARGUMENT
 */
export function check(where: string, kind: Kind, value: unknown): void {
  if (kind.accepts(value)) return
  throw new RondoError(
    'BAD_ARGUMENT',
    `${where}: allowed is ${kind.allowed}. Correct it, or leave it out for the default.`,
  )
}

/** How an argument and its value look in a message. */
export function given(name: string, value: unknown): string {
  return `Trainer({ ${name}: ${show(value)} })`
}

/** A value as a person would write it, cut short. */
export function show(value: unknown): string {
  if (typeof value === 'function') return 'a class or function'
  if (typeof value === 'object' && value !== null) {
    const plain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
    if (!plain) return `a ${value.constructor?.name ?? 'value'}`
  }
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 200)
  } catch {
    return String(value)
  }
}

function readFlag(given: string): boolean | undefined {
  const word = given.trim().toLowerCase()
  if (YES.includes(word)) return true
  return NO.includes(word) ? false : undefined
}

function readNumber(given: string): number | undefined {
  const word = given.trim()
  return word !== '' && Number.isFinite(Number(word)) ? Number(word) : undefined
}

/** A list or object; undefined for any other text. */
function readJson(given: string): unknown {
  if (!/^\s*[[{]/.test(given)) return undefined
  try {
    return JSON.parse(given) as unknown
  } catch {
    return undefined
  }
}
