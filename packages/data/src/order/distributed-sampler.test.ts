import { RondoError } from '@rondo/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DistributedSampler, DistributedSamplerWrapper, UnrepeatedDistributedSampler } from './distributed-sampler.ts'
import { RandomSampler, type Sampler } from './sampler.ts'

const ranks = (worldSize: number, make: (rank: number) => Sampler): number[][] =>
  Array.from({ length: worldSize }, (_, rank) => [...make(rank)])

describe('shares without shuffle (golden vectors)', () => {
  const plain = (n: number, r: number, dropLast = false) =>
    ranks(r, (rank) => new DistributedSampler(n, r, rank, { shuffle: false, dropLast }))

  it.each([
    [
      'N=10 R=4',
      plain(10, 4),
      [
        [0, 4, 8],
        [1, 5, 9],
        [2, 6, 0],
        [3, 7, 1],
      ],
    ],
    [
      'N=10 R=4 dropLast',
      plain(10, 4, true),
      [
        [0, 4],
        [1, 5],
        [2, 6],
        [3, 7],
      ],
    ],
    [
      'N=8 R=4',
      plain(8, 4),
      [
        [0, 4],
        [1, 5],
        [2, 6],
        [3, 7],
      ],
    ],
    [
      'N=5 R=2',
      plain(5, 2),
      [
        [0, 2, 4],
        [1, 3, 0],
      ],
    ],
    [
      'N=5 R=2 dropLast',
      plain(5, 2, true),
      [
        [0, 2],
        [1, 3],
      ],
    ],
    [
      'Unrepeated N=10 R=4',
      ranks(4, (r) => new UnrepeatedDistributedSampler(10, 4, r)),
      [
        [0, 4, 8],
        [1, 5, 9],
        [2, 6],
        [3, 7],
      ],
    ],
    [
      'contiguous N=10 R=4',
      ranks(4, (r) => new DistributedSampler(10, 4, r, { shuffle: false, layout: 'contiguous' })),
      [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7, 8],
        [9, 0, 1],
      ],
    ],
    [
      'N=7 R=3',
      plain(7, 3),
      [
        [0, 3, 6],
        [1, 4, 0],
        [2, 5, 1],
      ],
    ],
    [
      'N=7 R=3 dropLast',
      plain(7, 3, true),
      [
        [0, 3],
        [1, 4],
        [2, 5],
      ],
    ],
    ['N=3 R=7, the list more than twice', plain(3, 7), [[0], [1], [2], [0], [1], [2], [0]]],
    ['N=1 R=4', plain(1, 4), [[0], [0], [0], [0]]],
    ['fewer samples than ranks: the whole list again and again', plain(2, 5), [[0], [1], [0], [1], [0]]],
    ['fewer samples than ranks, dropLast', plain(2, 5, true), [[], [], [], [], []]],
  ])('%s', (_, got, expected) => expect(got).toEqual(expected))
})

describe('shares of any size', () => {
  const world = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 9 }), fc.nat(1000), fc.nat(20))

  it('padded: equal, and together every sample at least once', () => {
    fc.assert(
      fc.property(world, ([n, r, seed, epoch]) => {
        const parts = ranks(r, (rank) => atEpoch(new DistributedSampler(n, r, rank, { seed }), epoch))
        expect(new Set(parts.map((part) => part.length))).toEqual(new Set([Math.ceil(n / r)]))
        expect(new Set(parts.flat()).size).toBe(n)
      }),
    )
  })

  it('exact and dropLast: no sample twice; exact: none missing', () => {
    fc.assert(
      fc.property(world, ([n, r, seed, epoch]) => {
        const exact = ranks(r, (k) =>
          atEpoch(new UnrepeatedDistributedSampler(n, r, k, { seed, shuffle: true }), epoch),
        )
        expect(exact.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i))
        const cut = ranks(r, (k) => atEpoch(new DistributedSampler(n, r, k, { seed, dropLast: true }), epoch)).flat()
        expect(new Set(cut).size).toBe(cut.length)
        expect(cut.length).toBe(n - (n % r))
      }),
    )
  })

  it('step by step, R ranks visit what one rank visits with R times the batch', () => {
    fc.assert(
      fc.property(world, ([n, r, seed, epoch]) => {
        const whole = [...atEpoch(new RandomSampler(n, { seed }), epoch)]
        const parts = ranks(r, (rank) => atEpoch(new DistributedSampler(n, r, rank, { seed }), epoch))
        const zipped = whole.map((_, k) => parts[k % r]?.[Math.floor(k / r)])
        expect(zipped).toEqual(whole)
      }),
    )
  })

  it('length is what iterating gives', () => {
    fc.assert(
      fc.property(world, fc.boolean(), ([n, r], dropLast) => {
        for (let k = 0; k < r; k++) {
          const sampler = new DistributedSampler(n, r, k, { dropLast })
          expect([...sampler]).toHaveLength(sampler.length)
          const exact = new UnrepeatedDistributedSampler(n, r, k)
          expect([...exact]).toHaveLength(exact.length)
        }
      }),
    )
  })
})

describe('epochs', () => {
  it('two epochs differ, are equal on rerun, and without setEpoch the order stays', () => {
    const run = () => {
      const sampler = new DistributedSampler(100, 2, 1, { seed: 3 })
      return [0, 1].map((epoch) => [...atEpoch(sampler, epoch)])
    }
    const [first, second] = run()
    expect(first).not.toEqual(second)
    expect(run()).toEqual([first, second])
    const still = new DistributedSampler(100, 2, 1)
    expect([...still]).toEqual([...still])
  })

  it('epoch e of seed s is epoch 0 of seed s + e, as upstream', () => {
    const shifted = atEpoch(new DistributedSampler(50, 2, 0, { seed: 4 }), 3)
    expect([...shifted]).toEqual([...new DistributedSampler(50, 2, 0, { seed: 7 })])
  })
})

describe('DistributedSamplerWrapper', () => {
  class Odd implements Sampler {
    readonly length = 5
    epoch = 0

    setEpoch(epoch: number): void {
      this.epoch = epoch
    }
    *[Symbol.iterator](): Iterator<number> {
      for (let i = 0; i < 5; i++) yield 2 * i + 1 + 100 * this.epoch
    }
  }

  it('deals the inner list of each iteration and forwards the epoch', () => {
    expect(ranks(2, (r) => new DistributedSamplerWrapper(new Odd(), 2, r))).toEqual([
      [1, 5, 9],
      [3, 7, 1],
    ])
    expect(ranks(2, (r) => new DistributedSamplerWrapper(new Odd(), 2, r, { exact: true }))).toEqual([
      [1, 5, 9],
      [3, 7],
    ])
    expect([...atEpoch(new DistributedSamplerWrapper(new Odd(), 2, 0), 1)]).toEqual([101, 105, 109])
  })

  it('refuses a sampler that never ends, by its name', () => {
    class Endless implements Sampler {
      readonly length = Number.POSITIVE_INFINITY;
      *[Symbol.iterator](): Iterator<number> {
        for (;;) yield 0
      }
    }
    expect(() => new DistributedSamplerWrapper(new Endless(), 2, 0)).toThrow(/Endless has length Infinity/)
  })
})

it.each([
  [10, 4, 4, /rank is 4.*\[0, 3\]/],
  [10, 4, -1, /rank is -1/],
  [10, 4, 0.5, /rank is 0.5/],
  [0, 4, 0, /length\) is 0/],
  [10, 0, 0, /worldSize is 0/],
])('refuses length %s, world %s, rank %s', (n, r, rank, message) => {
  expect(() => new DistributedSampler(n, r, rank)).toThrow(message)
  expect(() => new DistributedSampler(n, r, rank)).toThrow(RondoError)
})

function atEpoch<S extends Sampler>(sampler: S, epoch: number): S {
  sampler.setEpoch?.(epoch)
  return sampler
}
