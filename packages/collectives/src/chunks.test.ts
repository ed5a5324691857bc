import fc from 'fast-check'
import { expect, it } from 'vitest'
import { chunkBounds, gatherSendChunk, receivedChunk, reduceSendChunk } from './chunks.ts'

it('cuts as golden vector 10 says', () => {
  expect(chunkBounds(10, 4)).toEqual([0, 2, 5, 7, 10])
})

it('covers everything once, in order, with parts that differ by one at most', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.integer({ min: 1, max: 64 }), (count, parts) => {
      const bounds = chunkBounds(count, parts)
      const sizes = bounds.slice(1).map((end, i) => end - bounds[i]!)
      expect(bounds[0]).toBe(0)
      expect(bounds[parts]).toBe(count)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
    }),
  )
})

it('lets every rank receive what the one before it sends, and end with its own chunk', () => {
  for (let ranks = 1; ranks <= 9; ranks++) {
    const turns = ranks - 1
    for (let rank = 0; rank < ranks; rank++) {
      const before = (rank + ranks - 1) % ranks
      for (let step = 0; step < turns; step++) {
        expect(receivedChunk(rank, step, ranks)).toBe(reduceSendChunk(before, step, ranks))
        expect(receivedChunk(rank, turns + step, ranks)).toBe(gatherSendChunk(before, step, ranks))
        // What arrives in one step is what leaves in the next.
        if (step + 1 < turns) expect(reduceSendChunk(rank, step + 1, ranks)).toBe(receivedChunk(rank, step, ranks))
      }
      if (turns > 0) expect(receivedChunk(rank, turns - 1, ranks)).toBe(rank)
      expect(gatherSendChunk(rank, 0, ranks)).toBe(rank)
    }
  }
})
