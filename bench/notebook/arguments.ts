/** What `bench notebook` was asked to measure, with every value checked. Not for: measuring. */
import { badFlag, readFlags, readRepetitions } from '../flags.ts'

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

const FLAGS = ['parts', 'repetitions', 'json', 'browser'] as const

/** @throws BAD_ARGUMENT: the flag with the value it got, what is allowed, what to do */
export function parseNotebookPlan(words: readonly string[]): NotebookPlan {
  const { parts, repetitions, json, browser } = readFlags(words, FLAGS)
  return {
    parts: parseParts(parts),
    repetitions: repetitions === undefined ? DEFAULT_REPETITIONS : readRepetitions(repetitions, MAX_REPETITIONS),
    json,
    browser,
  }
}

/** In the order in which they are measured, each once. */
function parseParts(text: string | undefined): NotebookPart[] {
  if (text === undefined) return [...NOTEBOOK_PARTS]
  const words = text.split(',').map((word) => word.trim().toLowerCase())
  const wrong = words.find((word) => !NOTEBOOK_PARTS.some((part) => part === word))
  if (wrong !== undefined) {
    throw badFlag(
      `--parts=${text}`,
      `"${wrong}" is no part; allowed are ${NOTEBOOK_PARTS.join(', ')}. Name one or several of these.`,
    )
  }
  return NOTEBOOK_PARTS.filter((part) => words.includes(part))
}
