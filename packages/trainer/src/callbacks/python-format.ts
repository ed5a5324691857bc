/**
 * Numbers by Python's format specification, as templates of file names write it: `02d`, `.3f`, `1.1e`, `.4g`, `.1%`.
 * Rule: Python's "Format Specification Mini-Language" for int and float, with ties rounded to even. Not for: texts,
 * conversions (`!r`) and nested fields.
 */

/** Whether a value is written as Python's int or float where the specification does not say. */
export type NumberKind = 'int' | 'float'

export interface FormatSpec {
  fill: string
  align: '<' | '>' | '=' | '^'
  sign: '-' | '+' | ' '
  alternate: boolean
  width: number
  grouping: '' | ',' | '_'
  precision: number | null
  /** Empty where nothing is given. */
  type: string
}

const SPEC = /^(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([bdeEfFgGnoxX%])?$/u
const RADIX: Readonly<Record<string, number>> = { b: 2, o: 8, x: 16, X: 16 }
/** Types that only whole numbers have. */
const WHOLE = 'bdoxX'
/** What toFixed and toExponential give at most. */
const MAX_DIGITS = 100
/** Digits beyond the wanted ones by which an exact tie is told from a near one: more than any double's neighbour needs. */
const TIE_DIGITS = 30
const DEFAULT_PRECISION = 6
/** From this on Python's repr writes an exponent. */
const REPR_EXPONENT = 16
/** Beyond, toFixed gives up; such doubles are whole. */
const FIXED_LIMIT = 1e21

/** null for what is no specification of a number. */
export function parseFormat(text: string): FormatSpec | null {
  const match = SPEC.exec(text)
  if (match === null) return null
  const [, fill, align, sign, alternate, zero, width, grouping, precision, type] = match
  return {
    fill: fill ?? (zero === undefined ? ' ' : '0'),
    align: (align as FormatSpec['align'] | undefined) ?? (zero === undefined ? '>' : '='),
    sign: (sign as FormatSpec['sign'] | undefined) ?? '-',
    alternate: alternate !== undefined,
    width: Number(width ?? 0),
    grouping: (grouping as FormatSpec['grouping'] | undefined) ?? '',
    precision: precision === undefined ? null : Math.min(Number(precision), MAX_DIGITS - TIE_DIGITS),
    type: type ?? '',
  }
}

/** Whether `value` has a text by `spec`: `d` and the like are for whole numbers. */
export function fits(value: number, { type }: FormatSpec): boolean {
  return type === '' || !WHOLE.includes(type) || Number.isInteger(value)
}

/** The text; call it only where `fits`. */
export function formatNumber(value: number, spec: FormatSpec, kind: NumberKind): string {
  const negative = value < 0 || Object.is(value, -0)
  const sign = negative ? '-' : spec.sign === '-' ? '' : spec.sign
  const { prefix, digits, suffix } = magnitude(Math.abs(value), spec, kind)
  const head = sign + prefix
  const body = grouped(digits, spec.grouping) + suffix
  const missing = spec.width - head.length - body.length
  if (missing <= 0) return head + body
  const padding = spec.fill.repeat(missing)
  switch (spec.align) {
    case '<':
      return head + body + padding
    case '>':
      return padding + head + body
    case '=':
      return head + padding + body
    case '^': {
      const left = missing >> 1
      return spec.fill.repeat(left) + head + body + spec.fill.repeat(missing - left)
    }
    default:
      return spec.align satisfies never
  }
}

function magnitude(
  value: number,
  spec: FormatSpec,
  kind: NumberKind,
): { prefix: string; digits: string; suffix: string } {
  const { type, alternate } = spec
  const upper = type !== '' && type === type.toUpperCase() && type !== '%'
  const cased = (text: string): string => (upper ? text.toUpperCase() : text)
  const radix = RADIX[type]
  if (radix !== undefined) {
    return { prefix: alternate ? `0${type}` : '', digits: cased(value.toString(radix)), suffix: '' }
  }
  if (!Number.isFinite(value)) {
    const word = cased(Number.isNaN(value) ? 'nan' : 'inf')
    return { prefix: '', digits: word, suffix: type === '%' ? '%' : '' }
  }
  const precision = spec.precision ?? DEFAULT_PRECISION
  switch (type) {
    case 'd':
      return { prefix: '', digits: wholeDigits(value), suffix: '' }
    case 'f':
    case 'F':
      return { prefix: '', digits: fixed(value, precision), suffix: '' }
    case '%':
      return { prefix: '', digits: fixed(value * 100, precision), suffix: '%' }
    case 'e':
    case 'E':
      return { prefix: '', digits: cased(scientific(value, precision)), suffix: '' }
    case 'g':
    case 'G':
      return { prefix: '', digits: cased(general(value, precision, { alternate })), suffix: '' }
    case 'n':
      if (kind === 'int') return { prefix: '', digits: wholeDigits(value), suffix: '' }
      return { prefix: '', digits: general(value, precision), suffix: '' }
    default:
      if (kind === 'int' && spec.precision === null) return { prefix: '', digits: wholeDigits(value), suffix: '' }
      return { prefix: '', digits: spec.precision === null ? repr(value) : shortFloat(value, precision), suffix: '' }
  }
}

function wholeDigits(value: number): string {
  return BigInt(value).toString()
}

/** Python's repr of a float: the shortest digits that give it back. */
function repr(value: number): string {
  const [mantissa = '', power = ''] = value.toExponential().split('e')
  const exponent = Number(power)
  if (value !== 0 && (exponent < -4 || exponent >= REPR_EXPONENT)) return `${mantissa}e${powerText(exponent)}`
  const text = fixed(value, Math.max(0, mantissa.replace('.', '').length - 1 - exponent))
  return text.includes('.') ? text : `${text}.0`
}

/** A float with a precision and no type: `g`, with at least one digit behind the point. */
function shortFloat(value: number, precision: number): string {
  const text = general(value, precision, { pointDigits: 1 })
  return /[.e]/.test(text) ? text : `${text}.0`
}

/** @param pointDigits digits that must find room behind the point, else an exponent is written */
function general(value: number, precision: number, { alternate = false, pointDigits = 0 } = {}): string {
  const wanted = precision || 1
  const [mantissa = '', power = ''] = scientific(value, wanted - 1).split('e')
  const exponent = Number(power)
  const trim = (text: string): string => {
    if (alternate) return text.includes('.') ? text : `${text}.`
    return text.includes('.') ? text.replace(/\.?0+$/, '') : text
  }
  if (exponent < -4 || exponent >= wanted - pointDigits) return `${trim(mantissa)}e${powerText(exponent)}`
  return trim(fixed(value, wanted - 1 - exponent))
}

/** `digits` behind the point. */
function fixed(value: number, digits: number): string {
  if (value >= FIXED_LIMIT) return BigInt(value).toString() + (digits > 0 ? `.${'0'.repeat(digits)}` : '')
  const up = value.toFixed(digits)
  return isOddTie(value.toFixed(digits + TIE_DIGITS), up) ? value.toFixed(digits + TIE_DIGITS).slice(0, up.length) : up
}

function scientific(value: number, digits: number): string {
  const [up = '', power = ''] = value.toExponential(digits).split('e')
  const [long = ''] = value.toExponential(digits + TIE_DIGITS).split('e')
  // 9.5 → 10: the exponent has grown and the last digit is even.
  const mantissa = long[0] === up[0] || up[0] !== '1' ? (isOddTie(long, up) ? long.slice(0, up.length) : up) : up
  return `${mantissa}e${powerText(Number(power))}`
}

/** Whether `long` lies exactly between two texts of the length of `up`, and the upper one ends in an odd digit. */
function isOddTie(long: string, up: string): boolean {
  const rest = long.slice(up.includes('.') ? up.length : up.length + 1)
  return /^50*$/.test(rest) && Number(up.at(-1)) % 2 === 1 && long.length > up.length
}

function powerText(exponent: number): string {
  return `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}

function grouped(digits: string, grouping: FormatSpec['grouping']): string {
  if (grouping === '') return digits
  const [whole = '', ...rest] = digits.split(/(?=[.e])/)
  return whole.replace(/\B(?=(\d{3})+$)/g, grouping) + rest.join('')
}
