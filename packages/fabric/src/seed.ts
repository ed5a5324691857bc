/**
 * Seeding a rank: one number for initialisers, shuffles and generators, the same on every rank. Not for: the
 * generators themselves (engine, data).
 */
import { setShuffleSeed, setWorkerSeed } from '@rondo/data'
import { seedEverything, workerSeeds } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { RankContext } from './context.ts'

/** Used when neither the script nor the environment gives a seed. */
const DEFAULT_SEED = 0
/** Seeds are unsigned 32-bit numbers. */
const MAX_SEED = 0xffff_ffff
/** Rondo reads data in the rank itself, as its worker 0. */
const DATA_WORKER = 0

export interface SeedOptions {
  /**
   * Give data a stream of this rank's own, so that augmentations differ between ranks; default true, unless the
   * environment says PL_SEED_WORKERS=0.
   */
  workers?: boolean
  /** Print rank and seed; default true. */
  verbose?: boolean
}

/** Seeds this rank with `seed`, else PL_GLOBAL_SEED, else 0 with a warning. Returns the seed that was used. */
export function seedRank(
  { env, group }: RankContext,
  seed: number | undefined,
  { workers = env['PL_SEED_WORKERS'] !== '0', verbose = true }: SeedOptions = {},
): number {
  const { rank, worldSize } = group
  // A seed that was given needs no environment, whatever stands there.
  const inherited = seed === undefined ? seedFromEnvironment(env['PL_GLOBAL_SEED']) : undefined
  const wanted = seed ?? inherited ?? DEFAULT_SEED
  if (!isSeed(wanted)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `seedEverything(${String(wanted)}): the seed must be a whole number from 0 to ${MAX_SEED}. Choose one in this range.${worldSize > 1 ? ` (rank ${rank})` : ''}`,
      worldSize > 1 ? { rank } : {},
    )
  }
  const used = seedEverything(wanted)
  setShuffleSeed(used)
  setWorkerSeed(workers ? workerSeeds(used, DATA_WORKER, rank).language : null)
  if (seed === undefined && inherited === undefined) {
    console.warn(`seedEverything(): no seed given and PL_GLOBAL_SEED is not set, so ${DEFAULT_SEED} is used.`)
  }
  if (verbose) console.info(`seed ${used} on rank ${rank}`)
  return used
}

function isSeed(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_SEED
}

function seedFromEnvironment(text: unknown): number | undefined {
  if (text === undefined) return undefined
  const seed = Number(text)
  if (typeof text === 'string' && /^\d+$/.test(text.trim()) && isSeed(seed)) return seed
  throw new RondoError(
    'BAD_ARGUMENT',
    `PL_GLOBAL_SEED is ${JSON.stringify(text)}; it must be a whole number from 0 to ${MAX_SEED}. Correct or unset it.`,
  )
}
