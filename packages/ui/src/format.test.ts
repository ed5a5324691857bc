import { describe, expect, it } from 'vitest'
import { formatAgo, formatBytes, formatDuration, formatLoss, formatMemory, formatMs, plural } from './format.ts'

describe('figures', () => {
  it.each([
    [0, '0.0 ms'],
    [0.04, '0.04 ms'],
    [0.7, '0.7 ms'],
    [9.96, '10.0 ms'],
    [27.4, '27 ms'],
    [999.4, '999 ms'],
    [1400, '1.4 s'],
    [42_000, '42 s'],
  ])('%d ms reads %s', (ms, text) => expect(formatMs(ms)).toBe(text))

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1500, '1.5 kB'],
    [12_400_000, '12.4 MB'],
    [999_999_999, '1.0 GB'],
  ])('%d bytes read %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  it('states memory in binary units', () => {
    expect(formatMemory(268_435_456)).toBe('256 MiB')
    expect(formatMemory(2_147_483_644)).toBe('2.0 GiB')
  })

  it('shows durations as a clock, and in sentences by one unit', () => {
    expect(formatDuration(41_000)).toBe('0:41')
    expect(formatDuration(3_729_000)).toBe('1:02:09')
    expect(formatDuration(-5)).toBe('0:00')
    expect(formatAgo(89_000)).toBe('89 s')
    expect(formatAgo(180_000)).toBe('3 min')
  })

  it('keeps losses legible at any size', () => {
    expect(formatLoss(2.30264)).toBe('2.3026')
    expect(formatLoss(0.00001)).toBe('1.00e-5')
    expect(formatLoss(123.456)).toBe('123.5')
  })

  it('counts', () => {
    expect(plural(1, 'rank')).toBe('1 rank')
    expect(plural(1200, 'rank')).toBe('1,200 ranks')
  })
})
