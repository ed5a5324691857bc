/**
 * Seeds of a data loader's workers, as PyTorch Lightning derives them: rank, worker and base seed are mixed
 * by MurmurHash3's 64-bit finaliser, then a linear congruential generator (Knuth's multiplier) yields four
 * outputs. All arithmetic is unsigned and wraps at 64 bits.
 */
const MASK = 0xffff_ffff_ffff_ffffn
const MIX_1 = 0xff51_afd7_ed55_8ccdn
const MIX_2 = 0xc4ce_b9fe_1a85_ec53n
const MULTIPLIER = 6364136223846793005n
const OUTPUTS = 4

export interface WorkerSeeds {
  /** Output 0: the tensor generator. 64 bits. */
  tensors: bigint
  /** (output 1 · 2³²) | output 2, not wrapped: the language's generator. Up to 96 bits. */
  language: bigint
  /** Low 32 bits of output 3: the array generator. */
  arrays: number
}

/** The four raw outputs. base: 0..2³²−1; worker, rank: 0..65535. */
export function workerSeedStream(base: number, worker: number, rank: number): bigint[] {
  let c = ((BigInt(base) << 32n) | (BigInt(worker) << 16n) | BigInt(rank)) & MASK
  c ^= c >> 33n
  c = (c * MIX_1) & MASK
  c ^= c >> 33n
  c = (c * MIX_2) & MASK
  c ^= c >> 33n
  return Array.from({ length: OUTPUTS }, () => {
    c = (c * MULTIPLIER + 1n) & MASK
    return c
  })
}

/** The seeds of one loader worker of one rank. */
export function workerSeeds(base: number, worker: number, rank: number): WorkerSeeds {
  const [tensors, high, low, arrays] = workerSeedStream(base, worker, rank) as [bigint, bigint, bigint, bigint]
  return { tensors, language: (high << 32n) | low, arrays: Number(arrays & 0xffff_ffffn) }
}
