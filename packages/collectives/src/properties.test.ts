/**
 * Properties of every collective: any world of 1 to 9 ranks, any length, dtype, op, message size and delay
 * over links that lend their memory or not, gives what the plain reference gives, with the same bits on every rank.
 */
import { FRAME_HEADER_BYTES } from '@rondo/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CODECS } from './codecs/codec.ts'
import { ALL_REDUCE_ALGORITHMS, type AllReduceAlgorithm } from './cost-model.ts'
import { bytesOf, type NumericArray } from './dtype.ts'
import { REDUCE_OPS } from './reduce.ts'
import { referenceAllGather, referenceAllReduce, referenceAllToAll, referenceReduceScatter } from './reference.ts'
import { placesOn, type TestWorld, testWorld } from './testing/groups.ts'

const TYPES = { Float32Array, Float64Array, Int8Array, Uint8Array, Int32Array, Uint32Array, BigInt64Array }
const RUNS = 40
/** Fewer, since each runs seven operations at once. */
const OVERLAPPING_RUNS = 15
/** Milliseconds; a deadline against hangs, far above what a busy machine needs. */
const PATIENCE = 120_000

/** Values that all dtypes hold and whose float sums and products are exact in any order. */
function fill(type: keyof typeof TYPES, length: number, rank: number, seed: number): NumericArray {
  const x = new TYPES[type](length)
  let state = (seed ^ (rank * 0x9e3779b9)) >>> 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const value = (state >>> 24) % 5
    x[i] = (x instanceof BigInt64Array ? BigInt(value) : value) as never
  }
  return x
}

const shape = fc.record({
  ranks: fc.integer({ min: 1, max: 9 }),
  length: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 300 })),
  type: fc.constantFrom(...(Object.keys(TYPES) as Array<keyof typeof TYPES>)),
  seed: fc.integer(),
  messageBytes: fc.constantFrom(8, 24, 104, 1024, 65_536),
  lends: fc.boolean(),
  // Machine of each rank: runs of one letter, letters that alternate, and ranks of their own.
  machines: fc.array(fc.constantFrom(...'abcd'), { minLength: 9, maxLength: 9 }),
  delays: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 6 }),
})

type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never

/** Two-level where the ranks do form groups, else the ring. */
function possible(algorithm: string, { ranks, machines }: Shape): AllReduceAlgorithm | 'auto' {
  const groups = new Set(machines.slice(0, ranks)).size
  if (algorithm === 'two-level' && (groups === 1 || groups === ranks)) return 'ring'
  return algorithm as AllReduceAlgorithm
}

async function inWorld(
  { ranks, messageBytes, lends, delays, machines }: Shape,
  work: (world: TestWorld) => Promise<void>,
): Promise<void> {
  const frame = FRAME_HEADER_BYTES + messageBytes
  const world = await testWorld(ranks, {
    maxFrameBytes: frame,
    places: placesOn(machines.slice(0, ranks).join('')),
    watermarks: { high: 3 * frame, low: frame },
    lends,
    // Rare: real timers make a run slow.
    delayMs: delays.length > 5 ? 1 : 0,
  })
  delays.forEach((ms, i) => {
    const [a, b] = [i % ranks, (i * 7 + 1) % ranks]
    if (a !== b && delays.length > 5) world.mesh.setDelay(a, b, ms)
  })
  try {
    await work(world)
  } finally {
    await world.close()
  }
}

function sameBits(results: readonly NumericArray[]): void {
  for (const result of results) expect(Buffer.compare(bytesOf(result), bytesOf(results[0]!))).toBe(0)
}

describe('collectives equal their plain reference', { timeout: PATIENCE }, () => {
  it('allReduce', async () => {
    const algorithm = fc.constantFrom(...ALL_REDUCE_ALGORITHMS)
    await fc.assert(
      fc.asyncProperty(shape, fc.constantFrom(...REDUCE_OPS), algorithm, async (given, wanted, algorithm) => {
        const integer = !given.type.startsWith('Float')
        const op = integer && (wanted === 'mean' || wanted === 'avg') ? 'sum' : wanted
        await inWorld(given, async (world) => {
          const inputs = world.groups.map((_, rank) => fill(given.type, given.length, rank, given.seed))
          const before = inputs.map((x) => x.slice())
          const results = await world.all((group, rank) =>
            group.allReduce(inputs[rank]!, { op, algorithm: possible(algorithm, given) }),
          )
          expect(inputs).toEqual(before)
          sameBits(results)
          expect(results[0]).toEqual(referenceAllReduce(inputs, op))
        })
      }),
      { numRuns: RUNS },
    )
  })

  it('allReduce of any floats: same bits everywhere, near the reference', async () => {
    const floats = fc.array(fc.float({ noNaN: true, min: -1000, max: 1000 }), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(shape, floats, fc.constantFrom(...ALL_REDUCE_ALGORITHMS), async (given, values, algorithm) => {
        await inWorld(given, async (world) => {
          const inputs = world.groups.map((_, rank) => Float32Array.from(values, (v) => v * (rank + 1)))
          const results = await world.all((group, rank) =>
            group.allReduce(inputs[rank]!, { op: 'mean', algorithm: possible(algorithm, given) }),
          )
          sameBits(results)
          const reference = referenceAllReduce(inputs, 'mean')
          reference.forEach((value, i) => {
            expect(Math.abs(results[0]![i]! - value)).toBeLessThanOrEqual(1e-5 * (1 + 9 * Math.abs(values[i]!)))
          })
        })
      }),
      { numRuns: RUNS },
    )
  })

  it('allReduce with a codec: same bits everywhere, within its precision', async () => {
    const codec = fc.constantFrom(...(Object.keys(CODECS) as Array<keyof typeof CODECS>))
    const algorithm = fc.constantFrom(...ALL_REDUCE_ALGORITHMS)
    await fc.assert(
      fc.asyncProperty(shape, codec, algorithm, fc.boolean(), async (given, codec, algorithm, mean) => {
        // Every hop of the ring rounds once more; int8's step is 1/127 of the largest value so far.
        const tolerance =
          { f32: 1e-6, f16: 1e-3, bf16: 8e-3, int8: 8e-3, 'int8-stochastic': 16e-3 }[codec] * (given.ranks + 1)
        await inWorld(given, async (world) => {
          const inputs = world.groups.map((_, rank) => {
            const x = fill('Float32Array', given.length, rank, given.seed) as Float32Array
            return x.map((value) => value / 7)
          })
          const op = mean ? 'mean' : 'sum'
          const results = await world.all((group, rank) =>
            group.allReduce(inputs[rank]!, { op, codec, algorithm: possible(algorithm, given) }),
          )
          sameBits(results)
          const reference = referenceAllReduce(inputs, op)
          const largest = (4 / 7) * (mean ? 1 : given.ranks)
          reference.forEach((value, i) => {
            expect(Math.abs(results[0]![i]! - value)).toBeLessThanOrEqual(tolerance * largest)
          })
        })
      }),
      { numRuns: RUNS },
    )
  })

  it('reduceScatter, allGather, allToAll, broadcast, gather and scatter, all overlapping', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.nat(), async (drawn, pick) => {
        const given = { ...drawn, length: drawn.length % 50 }
        await inWorld(given, async (world) => {
          const root = pick % given.ranks
          const make = (length: number): NumericArray[] =>
            world.groups.map((_, rank) => fill(given.type, length, rank, given.seed))
          const inputs = make(given.length)
          const wide = make(given.length * given.ranks)
          const results = await world.all((group, rank) =>
            Promise.all([
              group.reduceScatter(inputs[rank]!),
              group.allGather(inputs[rank]!),
              group.allToAll(wide[rank]!),
              group.broadcast(inputs[rank]!.slice(), { src: root }),
              group.gather(inputs[rank]!, { dst: root }),
              group.scatter(inputs[rank]!.slice(), { src: root, ...(rank === root ? { values: wide[root]! } : {}) }),
              group.allGatherV(inputs[rank]!.slice(0, Math.floor((given.length * rank) / given.ranks))),
            ]),
          )
          const scattered = referenceReduceScatter(inputs, 'sum')
          const gathered = referenceAllGather(inputs)
          const exchanged = referenceAllToAll(wide)
          results.forEach(([reduced, all, swapped, sent, collected, part, uneven], rank) => {
            expect(reduced).toEqual(scattered[rank])
            expect(all).toEqual(gathered)
            expect(swapped).toEqual(exchanged[rank])
            expect(sent).toEqual(inputs[root])
            expect(collected).toEqual(rank === root ? gathered : null)
            expect(part).toEqual(wide[root]!.slice(rank * given.length, (rank + 1) * given.length))
            expect(uneven).toEqual(inputs.map((x, r) => x.slice(0, Math.floor((given.length * r) / given.ranks))))
          })
        })
      }),
      { numRuns: OVERLAPPING_RUNS },
    )
  })
})
