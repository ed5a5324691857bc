/** A value that is no number on one rank is seen on all, through every codec and algorithm, with the same bits. */
import { afterEach, describe, expect, it } from 'vitest'
import { ALL_REDUCE_ALGORITHMS } from '../cost-model.ts'
import { bytesOf } from '../dtype.ts'
import { placesOn, type TestWorld, testWorld } from '../testing/groups.ts'
import { CODECS, type CodecName } from './codec.ts'

const LENGTH = 3_000
const BAD_AT = 1_500

let world: TestWorld | undefined
afterEach(() => world?.close())

describe.each(Object.keys(CODECS) as CodecName[])('%s', (codec) => {
  it.each(['sum', 'mean'] as const)('in a %s', async (op) => {
    world = await testWorld(4, { places: placesOn('abab') })
    for (const algorithm of ALL_REDUCE_ALGORITHMS) {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const results = await world.all((group, rank) => {
          const x = new Float32Array(LENGTH).fill(rank + 1)
          if (rank === 2) x[BAD_AT] = bad
          return group.allReduce(x, { op, codec, algorithm })
        })
        for (const result of results) {
          expect(Number.isFinite(result[BAD_AT])).toBe(false)
          // int8 loses the block around it, and never more than the chunk of one message.
          expect(result[0]).toBeCloseTo(op === 'sum' ? 10 : 2.5, 1)
          expect(Buffer.compare(bytesOf(result), bytesOf(results[0]!))).toBe(0)
        }
      }
    }
  })
})
