/**
 * Seeding a rank: one number for initialisers, shuffles and generators, the same on every rank. Not for: the
 * generators themselves (engine, data).
 */
import { setShuffleSeed } from '@rondo/data'
import { seedEverything } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { RankContext } from './context.ts'

/** Used when neither the script nor the environment gives a seed. */
const DEFAULT_SEED = 0

/** Seeds this rank with `seed`, else PL_GLOBAL_SEED, else 0 with a warning. Returns the seed that was used. */
export function seedRank(context: RankContext, seed: number | undefined, verbose: boolean): number {
  const inherited = seedFromEnvironment(context.env['PL_GLOBAL_SEED'])
  const used = seedEverything(seed ?? inherited ?? DEFAULT_SEED)
  setShuffleSeed(used)
  if (seed === undefined && inherited === undefined) {
    console.warn(`seedEverything(): no seed given and PL_GLOBAL_SEED is not set, so ${DEFAULT_SEED} is used.`)
  }
  if (verbose) console.info(`Global seed set to ${used} on rank ${context.group.rank}`)
  return used
}

function seedFromEnvironment(text: unknown): number | undefined {
  if (text === undefined) return undefined
  const seed = Number(text)
  if (typeof text === 'string' && /^\d+$/.test(text.trim()) && seed <= 0xffff_ffff) return seed
  throw new RondoError(
    'BAD_ARGUMENT',
    `PL_GLOBAL_SEED is ${JSON.stringify(text)}; it must be a whole number from 0 to 4294967295. Correct or unset it.`,
  )
}
