/** What may be asked of `bench network`, and what is refused with which sentence. */
import { RondoError } from '@rondo/protocol'
import { describe, expect, it } from 'vitest'
import { formatPath, parseNetworkPlan } from './arguments.ts'

describe('the arguments of bench network', () => {
  it('measure three paths with fixed numbers and the own choice when nothing is said', () => {
    const { paths, connections, seconds } = parseNetworkPlan([])
    expect(paths.map(formatPath)).toEqual(['0ms', '20ms', '20ms/0.1%'])
    expect(connections).toEqual([1, 2, 4, 8, 'auto'])
    expect(seconds).toEqual({ before: 3, measured: 4 })
  })

  it('take paths, numbers and seconds', () => {
    const plan = parseNetworkPlan(['--paths', '100ms/2%, 5ms', '--connections=3,AUTO', '--seconds', '0+10'])
    expect(plan.paths).toEqual([
      { roundTripMs: 100, loss: 0.02 },
      { roundTripMs: 5, loss: 0 },
    ])
    expect(plan.connections).toEqual([3, 'auto'])
    expect(plan.seconds).toEqual({ before: 0, measured: 10 })
  })

  it.each([
    [['--paths', '20'], /--paths=20: a path is a round trip/],
    [['--paths', '2000ms'], /at most 1000 ms/],
    [['--paths', '20ms/100%'], /a loss below 100 %/],
    [['--connections', '9'], /--connections=9: allowed are 1 to 8 and auto/],
    [['--connections', '0'], /--connections=0/],
    [['--seconds', '5'], /--seconds=5: seconds before and seconds measured/],
    [['--seconds', '50+50'], /together at most 60/],
    [['--path', '20ms'], /--path: allowed are --paths/],
  ])('refuse %j', (words, sentence) => {
    expect(() => parseNetworkPlan(words)).toThrow(RondoError)
    expect(() => parseNetworkPlan(words)).toThrow(sentence)
  })
})
