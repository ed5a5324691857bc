/**
 * The random numbers of data: what a data set's own code (a map's function, `get`, `collate`) draws from Math.random
 * comes from a generator of this rank, so that ranks augment differently while their weights start alike. Rondo reads
 * in the rank itself, which stands for upstream's loader worker 0. Not for: shuffles (sampler.ts).
 */
import { Random } from './rng.ts'

const TWO_32 = 0x1_0000_0000

let generator: Random | null = null

/** From now on data draws from this seed's stream; null: from Math.random as everybody. */
export function setWorkerSeed(seed: bigint | null): void {
  generator = seed === null ? null : Random.fromSeed(seed)
}

/** Runs a data set's code; what it draws before it first waits comes from this rank's stream. */
export function asWorker<T>(run: () => T): T {
  const own = generator
  if (own === null) return run()
  const outside = Math.random
  Math.random = () => own.nextUint32() / TWO_32
  try {
    return run()
  } finally {
    Math.random = outside
  }
}
