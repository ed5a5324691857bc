/** What `bench allreduce` was asked to measure, with every value checked. Not for: measuring. */
import { badFlag, readFlags, readRepetitions } from './flags.ts'

export const BENCH_CARRIERS = ['webrtc', 'port', 'shared', 'memory'] as const
export type BenchCarrier = (typeof BENCH_CARRIERS)[number]

export interface AllReducePlan {
  ranks: number[]
  /** Bytes that each rank contributes. */
  sizes: number[]
  carriers: BenchCarrier[]
  /** Where the figures go as JSON. */
  json: string | undefined
  /** Timed pairs of (raw, all-reduce) for each case; undefined lets the time budget decide. */
  repetitions: number | undefined
  /** How many new worlds' first all-reduces are measured for each carrier and number of ranks. */
  firsts: number
  /** Program of the browser; found when undefined. */
  browser: string | undefined
}

/** Of `--ranks`: all tabs share one machine, and their links are a full mesh. */
const MAX_RANKS = 16
/** Bytes. A rank holds the operand and the result, so 16 ranks of the largest need 8 GiB. */
const MAX_BYTES = 268_435_456
/** Operands are float32. */
const ELEMENT_BYTES = 4
const MAX_REPETITIONS = 1_000

const UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 }

const FLAGS = ['ranks', 'sizes', 'carriers', 'json', 'repetitions', 'firsts', 'browser'] as const
const DEFAULT_RANKS = '2,4'
const DEFAULT_SIZES = '4KiB,64KiB,1MiB,16MiB'

/** @throws BAD_ARGUMENT: the flag with the value it got, what is allowed, what to do */
export function parseAllReducePlan(words: readonly string[]): AllReducePlan {
  const { ranks, sizes, carriers, json, repetitions, firsts, browser } = readFlags(words, FLAGS)
  return {
    ranks: list('ranks', ranks ?? DEFAULT_RANKS, parseRanks),
    sizes: list('sizes', sizes ?? DEFAULT_SIZES, parseSize),
    carriers: list('carriers', carriers ?? BENCH_CARRIERS.join(','), parseCarrier),
    json,
    repetitions: repetitions === undefined ? undefined : readRepetitions(repetitions, MAX_REPETITIONS),
    firsts: firsts === undefined ? 0 : readRepetitions(firsts, MAX_REPETITIONS),
    browser,
  }
}

/** `64KiB` is 65536. Bytes of float32 values, so a positive multiple of 4. */
export function parseSize(word: string, given = `--sizes=${word}`): number {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB)$/i.exec(word)
  const unit = Object.keys(UNITS).find((name) => name.toLowerCase() === match?.[2]?.toLowerCase())
  const bytes = match === null || unit === undefined ? Number.NaN : Number(match[1]) * UNITS[unit]!
  if (bytes >= ELEMENT_BYTES && bytes <= MAX_BYTES && bytes % ELEMENT_BYTES === 0) return bytes
  throw badFlag(
    given,
    `"${word}" is no size; allowed are multiples of ${ELEMENT_BYTES}B up to ${formatSize(MAX_BYTES)}. Write sizes like 4KiB,64KiB,1MiB.`,
  )
}

/** As `parseSize` reads it: in the largest unit that gives a whole number. */
export function formatSize(bytes: number): string {
  const name = Object.keys(UNITS).findLast((unit) => bytes % UNITS[unit]! === 0) ?? 'B'
  return `${bytes / UNITS[name]!} ${name}`
}

function parseRanks(word: string, given: string): number {
  const ranks = /^\d+$/.test(word) ? Number(word) : Number.NaN
  if (ranks >= 2 && ranks <= MAX_RANKS) return ranks
  throw badFlag(given, `"${word}" is no number of ranks; allowed are 2 to ${MAX_RANKS}. Write numbers like 2,4.`)
}

function parseCarrier(word: string, given: string): BenchCarrier {
  const carrier = BENCH_CARRIERS.find((name) => name === word.toLowerCase())
  if (carrier !== undefined) return carrier
  throw badFlag(
    given,
    `"${word}" is no carrier; allowed are ${BENCH_CARRIERS.join(', ')}. Name one or several of these.`,
  )
}

/** Each value once, in the order given. */
function list<T>(name: string, text: string, parse: (word: string, given: string) => T): T[] {
  return [...new Set(text.split(',').map((word) => parse(word.trim(), `--${name}=${text}`)))]
}
