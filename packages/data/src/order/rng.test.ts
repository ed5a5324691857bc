import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { permutation, Random, splitMix64 } from './rng.ts'

describe('Random', () => {
  it('gives the published outputs of SplitMix64 and xoshiro128**', () => {
    const stream = splitMix64(1234567)
    expect([stream.next().value, stream.next().value]).toEqual([6457827717110365317n, 3203168211198807973n])
    const random = new Random(1, 2, 3, 4)
    const outputs = Array.from({ length: 6 }, () => random.nextUint32())
    expect(outputs).toEqual([11520, 0, 5927040, 70819200, 2031721883, 1637235492])
  })

  it('draws every number below the bound about equally often', () => {
    const random = Random.fromSeed(7)
    const counts = new Array<number>(6).fill(0)
    for (let i = 0; i < 60_000; i++) {
      const value = random.below(6)
      counts[value] = (counts[value] as number) + 1
    }
    // 10,000 expected, standard deviation 91: the seed is fixed, so this cannot flake.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400)
  })
})

describe('permutation', () => {
  it('holds every index once and depends on nothing but length and seed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.nat(), (length, seed) => {
        const order = permutation(length, seed)
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i))
        expect(permutation(length, seed)).toEqual(order)
      }),
    )
  })

  it('keeps its order from version to version, so that runs can be repeated', () => {
    expect([...permutation(10, 0)]).toEqual([7, 8, 3, 9, 4, 6, 0, 2, 1, 5])
    expect(permutation(100, 1)).not.toEqual(permutation(100, 2))
  })
})
