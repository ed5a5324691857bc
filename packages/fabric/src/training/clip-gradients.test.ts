/** clipGradients: by value, by norms, what is refused, on one rank and on several, and what it costs on the wire: nothing. */
import { tf } from '@rondo/engine'
import { expect, it } from 'vitest'
import { fabricOn, Weights } from '../testing/nets.ts'
import { runRanks, type TestRank } from '../testing/ranks.ts'
import type { ClipOptions } from './clip-gradients.ts'

/** Gradients of rank 0 and rank 1, whose mean is what a single rank is given. */
const A = { a: [3, -4], b: [12] }
const B = { a: [-1, 0], b: [12] }
const MEAN = { a: [1, -2], b: [12] }

interface Clipped {
  norm: number | null
  gradient: Record<string, number[]>
  bytes: number
}

async function clip(rank: TestRank, options: ClipOptions | null, factors?: typeof A): Promise<Clipped> {
  const { group } = rank.context
  const fabric = await fabricOn(rank)
  const weights = new Weights({ a: 2, b: 1 })
  const [model, optimizer] = await fabric.setup(weights, tf.train.sgd(1))
  const own = factors ?? (group.worldSize === 1 ? MEAN : group.rank === 0 ? A : B)
  const before = group.payloadBytesSent
  await fabric.backward(() => model.forward(own as never) as tf.Scalar, { samples: 2 })
  const norm = options && (await fabric.clipGradients(model, optimizer, options))
  await optimizer.step()
  const gradient = Object.fromEntries(
    Object.entries(weights.values()).map(([name, values]) => [name, values.map((value) => 0 - value)]),
  )
  return { norm, gradient, bytes: group.payloadBytesSent - before }
}

const norm2 = Math.sqrt(1 + 4 + 144)

it.each([1, 2])('clips by value on %d ranks', async (worldSize) => {
  for (const { norm, gradient } of await runRanks(worldSize, (rank) => clip(rank, { clipVal: 1.5 }))) {
    expect(norm).toBeNull()
    expect(gradient).toEqual({ a: [1, -1.5], b: [1.5] })
  }
})

it.each([
  [2, norm2],
  [1, 15],
  [3, (1 + 8 + 1728) ** (1 / 3)],
  [Number.POSITIVE_INFINITY, 12],
])('clips by the %d-norm and gives the norm before, on 1 and 2 ranks', async (normType, norm) => {
  for (const worldSize of [1, 2]) {
    for (const result of await runRanks(worldSize, (rank) => clip(rank, { maxNorm: 2, normType }))) {
      expect(result.norm).toBeCloseTo(norm, 10)
      const factor = 2 / (norm + 1e-6)
      result.gradient['a']?.forEach((value, i) => {
        expect(value).toBeCloseTo((MEAN.a[i] as number) * factor, 6)
      })
      expect(result.gradient['b']?.[0]).toBeCloseTo(12 * factor, 6)
    }
  }
})

it('leaves a gradient alone whose norm is small enough', async () => {
  const [result] = await runRanks(1, (rank) => clip(rank, { maxNorm: 100 }))
  expect(result).toMatchObject({ gradient: MEAN })
  expect(result?.norm).toBeCloseTo(norm2, 10)
})

it('sends nothing: all ranks hold the average', async () => {
  const [plain] = await runRanks(2, (rank) => clip(rank, null))
  const [clipped] = await runRanks(2, (rank) => clip(rank, { maxNorm: 1 }))
  expect(clipped?.bytes).toBe(plain?.bytes)
})

it.each([
  [{}, /neither clipVal nor maxNorm.*exactly one/],
  [{ clipVal: 1, maxNorm: 2 }, /both clipVal \(1\) and maxNorm \(2\).*Remove one/],
  [{ clipVal: -1 }, /clipVal is -1.*at least 0/],
  [{ maxNorm: Number.NaN }, /maxNorm is NaN/],
  [{ maxNorm: '1' }, /maxNorm is 1; it must be a number/],
  [{ maxNorm: 1, normType: 0 }, /normType is 0.*above 0/],
])('refuses %j', async (options, message) => {
  await expect(runRanks(2, (rank) => clip(rank, options as ClipOptions))).rejects.toThrow(message)
})

it('names the parameters behind a norm that is not finite, on every rank, or goes on when told', async () => {
  const odd = (rank: TestRank): typeof A => (rank.context.group.rank === 1 ? { a: [1, 1], b: [Number.NaN] } : A)
  const refused = runRanks(2, (rank) => clip(rank, { maxNorm: 1 }, odd(rank)))
  await expect(refused).rejects.toThrow(/norm \(normType 2\) is NaN.*parameters\.b\. .*errorIfNonfinite: false/)
  const inf = { a: [Number.POSITIVE_INFINITY, 1], b: [1] }
  await expect(runRanks(1, (rank) => clip(rank, { maxNorm: 1 }, inf))).rejects.toThrow(/Infinity.*parameters\.a\./)
  const [result] = await runRanks(1, (rank) => clip(rank, { maxNorm: 1, errorIfNonfinite: false }, inf))
  // As in torch: the factor is 0, and infinity times 0 is no number.
  expect(result).toMatchObject({ norm: Number.POSITIVE_INFINITY, gradient: { a: [Number.NaN, 0], b: [0] } })
})

it('refuses what is not set up, and a call without a gradient', async () => {
  await runRanks(2, async (rank) => {
    const fabric = await fabricOn(rank)
    const [model, optimizer] = await fabric.setup(new Weights({ a: 1 }), tf.train.sgd(1))
    await expect(fabric.clipGradients({} as never, optimizer, { clipVal: 1 })).rejects.toThrow(/model is not set up/)
    await expect(fabric.clipGradients(model as never, {} as never, { clipVal: 1 })).rejects.toThrow(/optimizer is not/)
    await expect(fabric.clipGradients(model as never, optimizer, { clipVal: 1 })).rejects.toThrow(
      /no averaged gradient.*fabric\.backward/,
    )
  })
})

it.each([1, 2])('adds a later backward to what was clipped, on %d ranks', async (worldSize) => {
  const results = await runRanks(worldSize, async (rank) => {
    const fabric = await fabricOn(rank)
    const weights = new Weights({ a: 1 })
    const [model, optimizer] = await fabric.setup(weights, tf.train.sgd(1))
    const backward = (value: number, samples: number): Promise<number> =>
      fabric.backward(() => model.forward({ a: [value] } as never) as unknown as tf.Scalar, { samples })
    await backward(8, 3)
    await fabric.clipGradients(model as never, optimizer, { clipVal: 2 })
    await backward(6, 1)
    await optimizer.step()
    return weights.values()['a']?.[0]
  })
  // (2 · 3 + 6 · 1) / 4
  for (const value of results) expect(value).toBeCloseTo(-3, 6)
})
