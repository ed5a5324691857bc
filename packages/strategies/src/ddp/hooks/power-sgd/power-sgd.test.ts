/** PowerSGD against the method written down plainly in float64, its bytes against the formula, its feedback. */
import { describe, expect, it } from 'vitest'
import { runRanks, train } from '../../../testing/world.ts'
import { DdpStrategy } from '../../ddp.ts'
import type { CommHookContext, GradientBucket } from '../comm-hook.ts'
import { powerSGDHook } from './hook.ts'
import { orthonormalise } from './low-rank.ts'
import { powerSGDState } from './state.ts'

type Rows = number[][]

const times = (a: Rows, b: Rows): Rows =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)))
const transpose = (a: Rows): Rows => a[0]!.map((_, j) => a.map((row) => row[j]!))
const combine = (a: Rows, b: Rows, with_: (x: number, y: number) => number): Rows =>
  a.map((row, i) => row.map((value, j) => with_(value, b[i]![j]!)))
const rows = (values: ArrayLike<number>, m: number): Rows =>
  Array.from({ length: values.length / m }, (_, i) => Array.from({ length: m }, (_, j) => values[i * m + j]!))

/** Classical Gram–Schmidt on columns. */
function orthonormal(a: Rows): Rows {
  const columns: Rows = []
  for (const column of transpose(a)) {
    let rest = column
    for (const unit of columns) {
      const along = unit.reduce((sum, value, i) => sum + value * column[i]!, 0)
      rest = rest.map((value, i) => value - along * unit[i]!)
    }
    const norm = Math.hypot(...rest)
    columns.push(rest.map((value) => value / norm))
  }
  return transpose(columns)
}

const N = 12
const M = 10
const gradient = (rank: number, step: number): Float32Array =>
  Float32Array.from({ length: N * M }, (_, i) => Math.sin(1 + i * (1 + rank) + 7 * step) + (i % M) / 3)

/** The hook of one rank, driven by hand: what it returns at each step, with equal weights. */
async function drive(worldSize: number, rank: number, r: number, steps: number, group: CommHookContext['group']) {
  const state = powerSGDState({ matrixApproximationRank: r, startPowerSGDIter: 2, minCompressionRate: 1 })
  const hook = powerSGDHook(state, 'f32')
  const signal = new AbortController().signal
  const averages: Rows[] = []
  for (let step = 0; step < steps; step++) {
    const bucket: GradientBucket = {
      index: 0,
      isLast: true,
      tensors: [{ name: 'w', shape: [3, 4, M], offset: 0, size: N * M }],
      values: gradient(rank, step).map((value) => value / worldSize),
    }
    const average = await hook.reduce(bucket, {
      group,
      signal,
      nodeRanks: [rank],
      step,
      weight: 1 / worldSize,
      allReduce: (x, name) => group.allReduce(x, { name, signal }),
    })
    averages.push(rows(average.slice(), M))
  }
  return averages
}

describe.each([1, 2])('rank %i', (r) => {
  it('follows the method from step to step: factors go on, errors come back', async () => {
    const steps = 6
    const results = await runRanks(2, ({ group, rank }) => drive(2, rank, r, steps, group))
    expect(results[1]).toEqual(results[0])
    const got = results[0]!
    const exact = (step: number, rank: number): Rows => rows(gradient(rank, step), M)
    // Two plain steps; the third began with random factors, so the reference takes over from what it sent.
    for (const step of [0, 1]) {
      const mean = combine(exact(step, 0), exact(step, 1), (a, b) => (a + b) / 2)
      expect(got[step]!.flat()).toEqual(mean.flat().map((value) => expect.closeTo(value, 5)))
    }
    let errors = [0, 1].map((rank) => combine(exact(2, rank), got[2]!, (g, approximation) => g - approximation))
    const mean2 = combine(exact(2, 0), exact(2, 1), (a, b) => (a + b) / 2)
    // M̂ = P·Pᵀ·M, so its rows span what Q's columns span: an orthonormal basis of them is as good a Q as any.
    let q = orthonormal(transpose(got[2]!.slice(0, r)))
    expect(mean2).toHaveLength(N)
    for (let step = 3; step < steps; step++) {
      const m = errors.map((error, rank) => combine(exact(step, rank), error, (g, e) => g + e))
      const average = combine(m[0]!, m[1]!, (a, b) => (a + b) / 2)
      const p = orthonormal(times(average, q))
      q = times(transpose(average), p)
      const approximation = times(p, transpose(q))
      expect(got[step]!.flat()).toEqual(approximation.flat().map((value) => expect.closeTo(value, 3)))
      errors = m.map((mine) => combine(mine, approximation, (a, b) => a - b))
    }
  })
})

it('sends 4·r·(n+m) bytes for a compressed tensor and 4·n·m for the others', async () => {
  const r = 2
  const strategy = new DdpStrategy({
    ddpCommHook: 'powerSGD',
    ddpCommState: { matrixApproximationRank: r, startPowerSGDIter: 2, minCompressionRate: 1.2 },
  })
  const two = await runRanks(2, (rank) => train(rank, strategy, { steps: 2 }))
  const five = await runRanks(2, (rank) => train(rank, strategy, { steps: 5 }))
  // kernel [2,3,16] is 6 × 16: (6+16)·2·1.2 < 96, so compressed; out [16,4]: (16+4)·2·1.2 < 64 too; biases are not.
  const perStep = 4 * r * (6 + 16) + 4 * r * (16 + 4) + 4 * (16 + 4)
  const plain = 4 * (96 + 64 + 16 + 4)
  const samples = 8
  for (const rank of [0, 1]) {
    expect(two[rank]?.bytes).toBe(2 * (plain + samples))
    expect((five[rank]?.bytes as number) - (two[rank]?.bytes as number)).toBe(3 * (perStep + samples))
  }
})

describe('orthonormalise', () => {
  it('gives unit columns at right angles', () => {
    const columns = Float32Array.from({ length: 3 * 20 }, (_, i) => Math.cos(i * i))
    orthonormalise(columns, 20, 3, 0)
    const product = times(rows(columns, 20), transpose(rows(columns, 20)))
    product.forEach((row, i) => {
      for (const [j, value] of row.entries()) expect(value).toBeCloseTo(i === j ? 1 : 0, 5)
    })
  })

  it('makes zeros of columns without a direction of their own, and no NaN', () => {
    const columns = Float32Array.of(0, 0, 0, 3, 4, 0, 6, 8, 0, 0, 0, 2)
    orthonormalise(columns, 3, 4, 0)
    const expected = [0, 0, 0, 0.6, 0.8, 0, 0, 0, 0, 0, 0, 1]
    expect([...columns]).toEqual(expected.map((value) => expect.closeTo(value, 6)))
  })
})
