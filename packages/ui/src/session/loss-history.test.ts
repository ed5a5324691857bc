import { describe, expect, it } from 'vitest'
import { addLoss, lossChart, NO_LOSSES } from './loss-history.ts'

const mine = [{ rank: 1, colour: 'red', dash: '' }]

describe('loss history', () => {
  it('draws the mean of the ranks’ latest losses strong and mine faint', () => {
    let history = addLoss(NO_LOSSES, 0, 0, 2)
    history = addLoss(history, 1, 0, 4)
    history = addLoss(history, 0, 1, 1)
    const chart = lossChart(history, mine)
    expect(chart.steps).toEqual([0, 1])
    expect(chart.lines.map((line) => [line.strong, line.values])).toEqual([
      [false, [4, null]],
      [true, [3, 2.5]],
    ])
  })

  it('stays bounded over a long run and keeps its level and its extent', () => {
    let history = NO_LOSSES
    for (let step = 0; step < 10_000; step++) history = addLoss(history, 1, step, step < 5_000 ? 8 : 2)
    const chart = lossChart(history, mine)
    expect(chart.steps.length).toBeLessThanOrEqual(600)
    expect(chart.steps.at(-1)).toBeGreaterThan(9_950)
    const mean = chart.lines.at(-1)!.values
    expect(mean[0]).toBe(8)
    expect(mean.at(-1)).toBe(2)
  })

  it('changes nothing that was handed out before', () => {
    const before = addLoss(NO_LOSSES, 0, 0, 2)
    addLoss(before, 0, 0, 100)
    expect(lossChart(before, []).lines[0]!.values).toEqual([2])
  })

  it('leaves out what cannot be drawn', () => {
    expect(addLoss(NO_LOSSES, 0, 0, Number.NaN)).toBe(NO_LOSSES)
  })
})
