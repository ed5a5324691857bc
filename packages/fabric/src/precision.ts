/**
 * The precision names people may type and the canonical name of each. Not for: arithmetic.
 */
import { RondoError } from '@rondo/protocol'

export const PRECISIONS = [
  '32-true',
  '16-mixed',
  'bf16-mixed',
  '16-true',
  'bf16-true',
  '64-true',
  'transformer-engine',
  'transformer-engine-float16',
] as const
export type Precision = (typeof PRECISIONS)[number]

const SHORT: Record<string, Precision> = {
  '64': '64-true',
  '32': '32-true',
  '16': '16-mixed',
  bf16: 'bf16-mixed',
}

/** Short forms that people type, for messages and choices. */
export const SHORT_PRECISIONS = Object.keys(SHORT)

/** Short forms that stand for something else than their name says, and so are told once. */
const TOLD = ['16', 'bf16']

/** The line to print once for a short form whose long name is preferred; null for all others. */
export function shortNameNote(value: string | number): string | null {
  const text = String(value).trim().toLowerCase()
  return TOLD.includes(text) ? `precision "${text}" is short for "${SHORT[text]}"; the long name is preferred.` : null
}

/**
 * Canonical name of a precision given as name, number or short form; `undefined` is the default, 32-true.
 * Throws BAD_ARGUMENT for an unknown one, UNSUPPORTED for one that browsers cannot do.
 */
export function parsePrecision(value: string | number | undefined): Precision {
  if (value === undefined) return '32-true'
  const text = String(value).trim().toLowerCase()
  const precision = SHORT[text] ?? PRECISIONS.find((name) => name === text)
  if (!precision) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `precision "${value}" is not known. Allowed are ${[...PRECISIONS, ...SHORT_PRECISIONS].join(', ')}. Choose one of these; "32-true" is the default.`,
    )
  }
  switch (precision) {
    case '32-true':
    case '16-mixed':
    case 'bf16-mixed':
    case '16-true':
    case 'bf16-true':
      return precision
    case '64-true':
      throw unsupported(
        precision,
        'WebGPU, WebGL and WASM have no 64-bit floats here, and the cpu backend of TensorFlow.js keeps 32 bits too',
        '32-true',
      )
    case 'transformer-engine':
    case 'transformer-engine-float16':
      throw unsupported(precision, 'it needs fp8 units of a GPU, which browsers do not reach', 'bf16-mixed')
    default:
      return precision satisfies never
  }
}

function unsupported(precision: Precision, why: string, instead: Precision): RondoError {
  return new RondoError(
    'UNSUPPORTED',
    `precision "${precision}" cannot be used: ${why}. Allowed are 32-true, 16-mixed, bf16-mixed, 16-true and bf16-true. Use "${instead}".`,
  )
}
