/** What `bench notebook` was asked to measure, with every value checked. Not for: measuring. */
import { parseArgs } from 'node:util'
import { RondoError } from '@rondo/protocol'

export const NOTEBOOK_PARTS = ['size', 'page', 'keys', 'log', 'launch', 'mnist'] as const
export type NotebookPart = (typeof NOTEBOOK_PARTS)[number]

export interface NotebookPlan {
  parts: NotebookPart[]
  /** Of each figure. */
  repetitions: number
  /** Where the figures go as JSON. */
  json: string | undefined
  /** Program of the browser; found when undefined. */
  browser: string | undefined
}

const DEFAULT_REPETITIONS = 5
/** One of MNIST takes half a minute. */
const MAX_REPETITIONS = 100

const FLAGS = {
  parts: { type: 'string' },
  repetitions: { type: 'string' },
  json: { type: 'string' },
  browser: { type: 'string' },
} as const

/** @throws BAD_ARGUMENT: the flag with the value it got, what is allowed, what to do */
export function parseNotebookPlan(words: readonly string[]): NotebookPlan {
  const { values, positionals } = parseArgs({ args: [...words], options: FLAGS, strict: false, allowPositionals: true })
  const unknown = Object.keys(values).find((name) => !(name in FLAGS))
  if (unknown !== undefined || positionals.length > 0) {
    const word = unknown === undefined ? `"${positionals[0]}"` : `--${unknown}`
    const allowed = Object.keys(FLAGS).map((name) => `--${name}`)
    throw bad(word, `allowed are ${allowed.join(', ')}. Correct it, or see npm run bench -- help.`)
  }
  const text = (name: keyof typeof FLAGS): string | undefined => {
    const value = values[name]
    if (value === undefined || (typeof value === 'string' && value.trim() !== '')) return value
    throw bad(`--${name}`, `a value is missing. Write --${name} VALUE, or see npm run bench -- help.`)
  }
  return {
    parts: parseParts(text('parts')),
    repetitions: parseRepetitions(text('repetitions')),
    json: text('json'),
    browser: text('browser'),
  }
}

/** In the order in which they are measured, each once. */
function parseParts(text: string | undefined): NotebookPart[] {
  if (text === undefined) return [...NOTEBOOK_PARTS]
  const words = text.split(',').map((word) => word.trim().toLowerCase())
  const wrong = words.find((word) => !NOTEBOOK_PARTS.some((part) => part === word))
  if (wrong !== undefined) {
    throw bad(
      `--parts=${text}`,
      `"${wrong}" is no part; allowed are ${NOTEBOOK_PARTS.join(', ')}. Name one or several of these.`,
    )
  }
  return NOTEBOOK_PARTS.filter((part) => words.includes(part))
}

function parseRepetitions(text: string | undefined): number {
  if (text === undefined) return DEFAULT_REPETITIONS
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (count >= 1 && count <= MAX_REPETITIONS) return count
  throw bad(`--repetitions=${text}`, `an integer from 1 to ${MAX_REPETITIONS} is needed. Correct it, or leave it out.`)
}

function bad(given: string, rest: string): RondoError {
  return new RondoError('BAD_ARGUMENT', `${given}: ${rest}`)
}
