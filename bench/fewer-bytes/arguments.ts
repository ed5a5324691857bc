/** What `bench fewer-bytes` was asked to measure, with every value checked. Not for: measuring. */
import { parseSize } from '../arguments.ts'
import { badFlag, readFlags, readRepetitions } from '../flags.ts'
import { chooseMethods, type Method } from './methods.ts'
import { NETS, type Net } from './mnist.ts'

export const PARTS = ['mnist', 'char', 'time'] as const
export type Part = (typeof PARTS)[number]

export interface FewerBytesPlan {
  parts: Part[]
  methods: Method[]
  /** Ranks of the trainings, in memory. */
  ranks: number
  seeds: number[]
  epochs: number
  /** Of the MNIST task. */
  net: Net
  /** Optimizer steps of the char transformer. */
  steps: number
  /** Bytes of gradients in a timed exchange. */
  bytes: number
  repetitions: number
  json: string | undefined
  browser: string | undefined
}

const FLAGS = [
  'parts',
  'methods',
  'ranks',
  'seeds',
  'epochs',
  'net',
  'steps',
  'size',
  'repetitions',
  'json',
  'browser',
] as const
const MAX_RANKS = 8
const MAX_COUNT = 10_000

/** @throws BAD_ARGUMENT: the flag with the value it got, what is allowed, what to do */
export function parseFewerBytesPlan(words: readonly string[]): FewerBytesPlan {
  const flags = readFlags(words, FLAGS)
  const seeds = whole('seeds', flags.seeds ?? '3', 1, MAX_COUNT)
  return {
    parts: (flags.parts ?? PARTS.join(',')).split(',').map((word) => part(word.trim())),
    methods: chooseMethods(flags.methods),
    ranks: whole('ranks', flags.ranks ?? '2', 2, MAX_RANKS),
    seeds: Array.from({ length: seeds }, (_, i) => i + 1),
    epochs: whole('epochs', flags.epochs ?? '2', 1, MAX_COUNT),
    net: net(flags.net ?? 'cnn'),
    steps: whole('steps', flags.steps ?? '300', 1, MAX_COUNT),
    bytes: parseSize(flags.size ?? '4MiB', `--size=${flags.size}`),
    repetitions: readRepetitions(flags.repetitions ?? '7', MAX_COUNT),
    json: flags.json,
    browser: flags.browser,
  }
}

function part(word: string): Part {
  const known = PARTS.find((name) => name === word.toLowerCase())
  if (known !== undefined) return known
  throw badFlag(`--parts=${word}`, `allowed are ${PARTS.join(', ')}. Name one or several of these.`)
}

function net(word: string): Net {
  const known = NETS.find((name) => name === word.toLowerCase())
  if (known !== undefined) return known
  throw badFlag(`--net=${word}`, `allowed are ${NETS.join(' and ')}. Choose one of these.`)
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw badFlag(`--${flag}=${text}`, `a whole number from ${least} to ${most} is needed. Correct it, or leave it out.`)
}
