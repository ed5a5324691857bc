import { expect, it } from 'vitest'
import { PARTS, partsOf } from './moments.ts'

it('splits the way to the first step into parts that add up, by the slowest rank', () => {
  const noted = [
    { what: 'loaded', at: 1_050 },
    { what: 'spawn', at: 1_100 },
    { what: '/join/', at: 1_300 },
    { what: '/join/', at: 1_310 },
    { what: '/runtime/rank-worker.js', at: 1_400 },
    { what: '/runtime/rank-worker.js', at: 1_500 },
  ]
  const ranks = [
    { imported: 1_590, launched: 1_600, data: 1_800, setUp: 1_820, firstStep: 1_900 },
    { imported: 1_590, launched: 1_610, data: 1_790, setUp: 1_830, firstStep: 1_880 },
  ]
  const parts = partsOf(1_000, noted, ranks)
  expect(parts).toEqual([100, 200, 200, 110, 190, 30, 70])
  expect(parts).toHaveLength(PARTS.length)
  expect(parts.reduce((sum, part) => sum + part, 0)).toBe(900)
})

it('has no number for a moment that nobody noted', () => {
  expect(partsOf(0, [], [{ imported: 1, launched: 1, data: 1, setUp: 1, firstStep: 1 }])[1]).toBeNaN()
})
