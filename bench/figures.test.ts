/** The formulas against cases that can be worked out by hand. */
import { describe, expect, it } from 'vitest'
import { busBandwidth, formatRate, median, percentile, ringEfficiency } from './figures.ts'

const MIB = 1_048_576

describe('bus bandwidth', () => {
  it('is what each rank sends, over time', () => {
    // Two ranks send half of it twice: 16 MiB each in 1 s.
    expect(busBandwidth(2, 16 * MIB, 1_000)).toBe(16 * MIB)
    expect(busBandwidth(4, 16 * MIB, 1_000)).toBe(24 * MIB)
  })
})

describe('ringEfficiency', () => {
  it('is 1 when all bytes of all ranks take as long as on the bare carrier', () => {
    // 2 ranks together move 32 MiB: 2 s at 16 MiB/s.
    expect(ringEfficiency(2, 16 * MIB, 2_000, 16 * MIB)).toBe(1)
    // 4 ranks together move 96 MiB.
    expect(ringEfficiency(4, 16 * MIB, 6_000, 16 * MIB)).toBe(1)
  })

  it('halves when the same takes twice as long, or when the carrier could do twice as much', () => {
    expect(ringEfficiency(2, 16 * MIB, 4_000, 16 * MIB)).toBe(0.5)
    expect(ringEfficiency(2, 16 * MIB, 2_000, 32 * MIB)).toBe(0.5)
  })
})

describe('figures', () => {
  it('have a median that ignores the order and a single outlier', () => {
    expect(median([9, 1, 2])).toBe(2)
    expect(median([4, 1, 1_000, 2])).toBe(3)
    expect(median([])).toBeNaN()
  })

  it('have percentiles that are values', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
    expect([0.01, 0.5, 0.95, 1].map((share) => percentile(hundred, share))).toEqual([1, 50, 95, 100])
    expect(percentile([7], 0.95)).toBe(7)
    expect(percentile([], 0.95)).toBeNaN()
  })

  it('are written with three digits or so', () => {
    expect([1_234_567, 12_345_678, 123_456_789, 4_321].map(formatRate)).toEqual([
      '1.23 MB/s',
      '12.3 MB/s',
      '123 MB/s',
      '0.004 MB/s',
    ])
  })
})
