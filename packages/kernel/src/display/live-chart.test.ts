/** Live charts: few updates, few points, the newest always there. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ChartData, MIME } from '../output.ts'
import { createDisplay } from './create-display.ts'
import { describeValue } from './describe.ts'
import type { LiveChart } from './live-chart.ts'

const shown: Array<{ data: ChartData; displayId: string; update: boolean }> = []
const { globals } = createDisplay({
  show: (bundle, options) => shown.push({ data: bundle[MIME.chart] as ChartData, ...options }),
})
const chart = globals['chart'] as (title?: string, options?: { xLabel?: string }) => LiveChart
const newest = (): ChartData => shown.at(-1)!.data

beforeEach(() => {
  shown.length = 0
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('chart', () => {
  it('shows the first point at once and then at most five updates a second in the same place', () => {
    const loss = chart('loss', { xLabel: 'step' })
    for (let step = 0; step < 1_000; step++) {
      loss.push(step, { train: step / 2 })
      vi.advanceTimersByTime(1)
    }
    vi.runAllTimers()
    expect(shown.length).toBeGreaterThanOrEqual(5)
    expect(shown.length).toBeLessThanOrEqual(7)
    expect(shown.map(({ update }) => update)).toEqual([false, ...shown.slice(1).map(() => true)])
    expect(new Set(shown.map(({ displayId }) => displayId)).size).toBe(1)
    expect(newest()).toMatchObject({ title: 'loss', xLabel: 'step', series: [{ label: 'train' }] })
    expect(newest().x.at(-1)).toBe(999)
  })

  it('keeps lines aligned when one begins late or misses a point', () => {
    const lines = chart()
    lines.push(1, { a: 1 }).push(2, { a: 2, b: 20 }).push(3, { b: Number.NaN })
    lines.flush()
    expect(newest()).toEqual({
      title: '',
      xLabel: '',
      x: [1, 2, 3],
      series: [
        { label: 'a', values: [1, 2, null] },
        { label: 'b', values: [null, 20, null] },
      ],
    })
  })

  it('thins to at most 5,000 points, evenly, with first and last', () => {
    const many = chart()
    for (let step = 0; step < 123_457; step++) many.push(step, step)
    many.flush()
    const { x, series } = newest()
    expect(x.length).toBeLessThanOrEqual(5_001)
    expect([x[0], x.at(-1)]).toEqual([0, 123_456])
    const gaps = new Set(x.slice(1, -1).map((value, index) => value - x[index]!))
    expect(gaps.size).toBe(1)
    expect(series[0]!.values).toEqual(x)
  })

  it('is a value too, and refuses what is no point', () => {
    const quiet = createDisplay().globals['chart'] as typeof chart
    expect(describeValue(quiet('t').push(1, 2))).toMatchObject({ [MIME.chart]: { title: 't', x: [1] } })
    expect(() => chart().push(Number.NaN, 1)).toThrow(/chart\.push\(NaN, …\): x must be a finite number/)
    expect(() => chart().push(1, 'a' as never)).toThrow(/it takes the lines' values/)
  })
})
