import { describe, expect, it } from 'vitest'
import { collate } from './collate.ts'
import { type Column, column } from './column.ts'
import type { Dataset } from './dataset.ts'
import { readBatch } from './dataset.ts'
import { InMemoryDataset } from './in-memory.ts'
import { normalize } from './normalize.ts'
import { map, subset } from './views.ts'

const points = () =>
  new InMemoryDataset([column(Float32Array.of(0, 1, 10, 11, 20, 21), [3, 2]), column(Uint8Array.of(5, 6, 7))])

describe('InMemoryDataset', () => {
  it('gives samples without and batches with a leading axis, in the order asked', () => {
    expect(points().get(1)).toEqual([column(Float32Array.of(10, 11)), column(Uint8Array.of(6), [])])
    expect(points().getBatch([2, 0, 2])).toEqual([
      column(Float32Array.of(20, 21, 0, 1, 20, 21), [3, 2]),
      column(Uint8Array.of(7, 5, 7)),
    ])
  })

  it('agrees with stacking sample by sample', async () => {
    const data = points()
    const { length } = data
    const slow: Dataset = { length, get: (i) => data.get(i) }
    expect(await readBatch(slow, [1, 2])).toEqual(data.getBatch([1, 2]))
  })

  it('refuses columns of different length and samples that are not there', () => {
    expect(() => new InMemoryDataset([column(new Uint8Array(3)), column(new Uint8Array(2))])).toThrow(
      /\[3, 2\] samples/,
    )
    expect(() => new InMemoryDataset([])).toThrow(/at least one column/)
    for (const index of [-1, 3, 0.5, Number.NaN]) {
      expect(() => points().get(index)).toThrow(/samples 0..2/)
      expect(() => points().getBatch([0, index])).toThrow(/samples 0..2/)
    }
  })
})

describe('column', () => {
  it('refuses a shape that does not fit and arrays of other kinds', () => {
    expect(() => column(new Uint8Array(6), [2, 2])).toThrow(/\[2, 2\] does not fit 6/)
    expect(() => column(new Uint8Array(6), [-2, -3])).toThrow(/does not fit/)
    expect(() => column(new Float64Array(2) as unknown as Float32Array)).toThrow(/Float64Array/)
  })
})

describe('map and subset', () => {
  const double = ([x]: readonly [Column<'float32'>, Column<'uint8'>]): readonly [Column<'float32'>] => [
    column(
      x.data.map((v) => 2 * v),
      x.shape,
    ),
  ]

  it('map gives the same by sample and by batch', async () => {
    for (const batched of [false, true]) {
      const mapped = map(points(), double, { batched })
      expect(await mapped.get(1)).toEqual([column(Float32Array.of(20, 22))])
      expect(await readBatch(mapped, [2, 0])).toEqual([column(Float32Array.of(40, 42, 0, 2), [2, 2])])
    }
  })

  it('subset renumbers, and refuses what is not there', async () => {
    const part = subset(map(points(), double), [2, 2, 0])
    expect(part.length).toBe(3)
    expect(await readBatch(part, [0, 2])).toEqual([column(Float32Array.of(40, 42, 0, 2), [2, 2])])
    expect(() => part.get(3)).toThrow(/samples 0..2/)
    expect(() => subset(points(), [0, 3])).toThrow(/3 is not in the data set/)
  })
})

it('collate names the sample that does not stack', () => {
  const rows = [[column(new Uint8Array(2))], [column(new Uint8Array(3))]] as const
  expect(() => collate(rows)).toThrow(/sample 1 .* column 0 is uint8\[3\], that of sample 0 is uint8\[2\]/)
  expect(() => collate([[column(new Uint8Array(2))], [column(new Int32Array(2))]])).toThrow(/int32\[2\]/)
  expect(() => collate([[column(new Uint8Array(2))], []])).toThrow(/has 0 columns/)
})

describe('normalize', () => {
  it('scales bytes to 0..1, then by mean and std per channel', () => {
    expect(normalize(column(Uint8Array.of(0, 51, 255))).data).toEqual(Float32Array.of(0, 0.2, 1))
    const rgb = column(Uint8Array.of(0, 255, 0, 255, 0, 255), [2, 3])
    const { data, shape } = normalize(rgb, { mean: [0.5, 0, 0], std: [0.5, 1, 2] })
    expect([shape, data]).toEqual([[2, 3], Float32Array.of(-1, 1, 0, 1, 0, 0.5)])
  })

  it('refuses statistics that do not fit', () => {
    const rgb = column(new Uint8Array(3), [1, 3])
    expect(() => normalize(rgb, { mean: [0, 0] })).toThrow(/mean has 2 entries.*3 channels/)
    expect(() => normalize(rgb, { std: 0 })).toThrow(/std/)
  })
})
