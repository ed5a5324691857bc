/**
 * One seed for everything random in a rank. tfjs's initialisers, dropout masks and shuffles draw their own
 * seeds from Math.random unless given one (tfjs-core `rand_util`), so the hook is Math.random itself, as
 * Python's `random.seed` is. Not for: names and tokens, which must differ between ranks and use `crypto`.
 */
import { checkSeed, Random, type RandomState } from './random.ts'

const platformRandom = Math.random
let generator: Random | null = null

/**
 * Makes Math.random, and with it all tfjs draws from now on, a function of the seed. Call it with the same
 * seed on every rank, so that initial weights agree.
 * @param seed 0..4294967295; without one, 0 is taken and a warning printed.
 * @returns the seed. @throws RondoError BAD_ARGUMENT outside that range.
 */
export function seedEverything(seed?: number): number {
  if (seed === undefined) {
    console.warn('seedEverything: no seed given, so 0 is used. Pass a number to choose one.')
    return seedEverything(0)
  }
  const seeded = new Random(checkSeed(seed))
  generator = seeded
  Math.random = () => seeded.next()
  return seed
}

/** The generator that `seedEverything` installed, for code that wants integers, normals or shuffles; else null. */
export function seededRandom(): Random | null {
  return generator
}

/** State to put into checkpoints or to hand to launched ranks; null before `seedEverything`. */
export function randomState(): RandomState | null {
  return generator?.state() ?? null
}

/** Goes on from a saved state, here or in another rank. */
export function restoreRandomState(state: RandomState): void {
  if (generator === null) seedEverything(0)
  generator?.setState(state)
}

/** Gives Math.random back to the platform. */
export function unseedEverything(): void {
  Math.random = platformRandom
  generator = null
}
