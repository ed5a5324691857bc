/** Error feedback: what compression leaves out is late and not lost; selection of the largest values; bytes. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runRanks, type TestRank } from '../../testing/world.ts'
import type { CommHook } from './comm-hook.ts'
import { int8Hook } from './int8.ts'
import { selectLargest } from './select-largest.ts'
import { topKHook } from './top-k.ts'

const LENGTH = 37
const STEPS = 40

const share = (rank: number, step: number): Float32Array =>
  Float32Array.from({ length: LENGTH }, (_, i) => (Math.sin(3 * i + rank) + 0.3 * Math.cos(step + i)) / (1 + (i % 5)))

/** Sum over the steps of what `hook` made of all ranks' shares, and this rank's payload. */
async function accumulate(
  { group, rank, signal }: TestRank,
  hook: CommHook,
): Promise<{ sum: number[]; bytes: number }> {
  const sum = new Array<number>(LENGTH).fill(0)
  const before = group.payloadBytesSent
  for (let step = 0; step < STEPS; step++) {
    const values = await hook.reduce(
      {
        index: 0,
        isLast: true,
        tensors: [{ name: 'w', shape: [LENGTH], offset: 0, size: LENGTH }],
        values: share(rank, step),
      },
      { group, signal, nodeRanks: [rank], step, weight: 0.5, allReduce: (x) => group.allReduce(x) },
    )
    values.forEach((value, i) => {
      sum[i]! += value
    })
  }
  return { sum, bytes: group.payloadBytesSent - before }
}

function exact(worldSize: number): number[] {
  const sum = new Array<number>(LENGTH).fill(0)
  for (let step = 0; step < STEPS; step++) {
    for (let rank = 0; rank < worldSize; rank++) {
      share(rank, step).forEach((value, i) => {
        sum[i]! += value
      })
    }
  }
  return sum
}

const worst = (a: number[], b: number[]): number => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))

describe.each([2, 3, 4])('with %i ranks', (worldSize) => {
  it.each([
    [
      'int8',
      () => int8Hook({ errorFeedback: true, rounding: 'nearest' }),
      () => int8Hook({ errorFeedback: false, rounding: 'nearest' }),
      0.1,
    ],
    [
      'topK',
      () => topKHook({ ratio: 0.2, errorFeedback: true }, 'f32'),
      () => topKHook({ ratio: 0.2, errorFeedback: false }, 'f32'),
      20,
    ],
  ])('%s loses nothing over the steps, and would without feedback', async (_, make, without, bound) => {
    const wanted = exact(worldSize)
    const kept = await runRanks(worldSize, (rank) => accumulate(rank, make()))
    for (const { sum } of kept) expect(sum).toEqual(kept[0]?.sum)
    const lost = await runRanks(worldSize, (rank) => accumulate(rank, without()))
    expect(worst(kept[0]!.sum, wanted)).toBeLessThan(bound)
    expect(worst(kept[0]!.sum, wanted)).toBeLessThan(0.5 * worst(lost[0]!.sum, wanted))
  })

  it('costs the bytes that the documentation says', async () => {
    const int8 = await runRanks(worldSize, (rank) =>
      accumulate(rank, int8Hook({ errorFeedback: true, rounding: 'nearest' })),
    )
    const chunk = Math.ceil(LENGTH / worldSize)
    for (const { bytes } of int8) expect(bytes).toBe(STEPS * 2 * (worldSize - 1) * (chunk + 4))
    const k = Math.ceil(0.2 * LENGTH)
    for (const [cast, each] of [
      ['f32', 8],
      ['f16', 6],
    ] as const) {
      const ranks = await runRanks(worldSize, (rank) =>
        accumulate(rank, topKHook({ ratio: 0.2, errorFeedback: true }, cast)),
      )
      for (const { bytes } of ranks) expect(bytes).toBe(STEPS * (worldSize - 1) * each * k)
    }
  })
})

it('forgets an error that is not finite, so that one bad step does not poison the rest', async () => {
  for (const make of [
    () => int8Hook({ errorFeedback: true, rounding: 'nearest' }),
    () => topKHook({ ratio: 1, errorFeedback: true }, 'f32'),
  ]) {
    const results = await runRanks(2, async ({ group, signal, rank }) => {
      const hook = make()
      const out: number[][] = []
      for (const value of [Number.POSITIVE_INFINITY, 1]) {
        const tensors = [{ name: 'w', shape: [2], offset: 0, size: 2 }]
        const context = {
          group,
          signal,
          nodeRanks: [rank],
          step: 0,
          weight: 0.5,
          allReduce: (x: Float32Array) => group.allReduce(x),
        }
        out.push([
          ...(await hook.reduce({ index: 0, isLast: true, tensors, values: Float32Array.of(value, 1) }, context)),
        ])
      }
      return out
    })
    expect(results[0]?.[0]?.some((value) => !Number.isFinite(value))).toBe(true)
    expect(results[0]?.[1]).toEqual([2, 2].map((value) => expect.closeTo(value, 1)))
  }
})

it('selects the largest, as sorting would, the first of equals', () => {
  fc.assert(
    fc.property(fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 200 }), fc.nat(), (list, pick) => {
      const x = Float32Array.from(list)
      const count = pick % (x.length + 1)
      const order = [...x.keys()].sort((a, b) => Math.abs(x[b]!) - Math.abs(x[a]!) || a - b)
      expect([...selectLargest(x, count)]).toEqual(order.slice(0, count).sort((a, b) => a - b))
    }),
  )
})
