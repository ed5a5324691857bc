/** Recorded plots: functions are called on the data here, names are the library's, what can't travel is refused. */
import * as library from '@observablehq/plot'
import { describe, expect, it } from 'vitest'
import { MIME, type PlotSpec } from '../output.ts'
import { describeValue } from './describe.ts'
import { Plot } from './plot.ts'
import { MARKS, TRANSFORMS } from './plot-names.ts'

type Recorder = (...args: unknown[]) => { plot(options?: object): unknown }
const p = Plot as unknown as Record<string, Recorder>
const spec = (value: unknown): PlotSpec => describeValue(value)[MIME.plot] as PlotSpec

describe('Plot', () => {
  it('knows marks and transforms that the library has, and misses none that makes a mark', () => {
    for (const name of [...MARKS, ...TRANSFORMS]) expect(library).toHaveProperty(name)
    const recorded = new Set([...MARKS, ...TRANSFORMS])
    const others = Object.keys(library).filter((name) => /^[a-z]/.test(name) && !recorded.has(name))
    expect(
      others.filter((name) => /^(axis|bar|cell|dot|grid|line|rect|rule|text|tick|vector|waffle|area|box)/.test(name)),
    ).toEqual([])
  })

  it('records marks, options and evaluated channels', () => {
    const data = [
      { step: 1, loss: 0.5, at: new Date(5) },
      { step: 2, loss: Number.NaN, at: new Date(6) },
    ]
    const plot = p['plot']!({
      height: 100,
      y: { grid: true },
      marks: [
        p['line']!(data, { x: 'step', y: (d: { loss: number }, i: number) => d.loss * 2 + i }),
        [null, p['ruleY']!([0])],
      ],
    })
    expect(spec(plot)).toEqual({
      options: { height: 100, y: { grid: true } },
      marks: [
        {
          name: 'line',
          args: [
            [
              { step: 1, loss: 0.5, at: { $date: 5 } },
              { step: 2, loss: null, at: { $date: 6 } },
            ],
            { x: 'step', y: [1, null] },
          ],
        },
        { name: 'ruleY', args: [[0]] },
      ],
    })
    expect(JSON.parse(JSON.stringify(spec(plot)))).toEqual(spec(plot))
  })

  it('evaluates channels inside of transforms on the data of the mark around them', () => {
    const mark = p['rectY']!([1, 2, 3], p['binX']!({ y: 'count' }, { x: (d: number) => d * 10 }))
    expect(spec(mark).marks[0]!.args[1]).toEqual({
      $plot: { name: 'binX', args: [{ y: 'count' }, { x: [10, 20, 30] }] },
    })
  })

  it('takes typed arrays, Sets and marks without data', () => {
    expect(spec(p['lineY']!(new Float32Array([1, 2]))).marks[0]!.args).toEqual([[1, 2]])
    expect(spec(p['dotX']!(new Set([1]))).marks[0]!.args).toEqual([[1]])
    expect(spec(p['frame']!({ stroke: 'red' })).marks[0]!.args).toEqual([{ stroke: 'red' }])
    expect(spec(p['line']!([[1, 2]]).plot({ width: 5 }))).toMatchObject({ options: { width: 5 } })
  })

  it('evaluates a raster of a function of x and y', () => {
    const raster = p['raster']!({
      x1: 0,
      x2: 2,
      y1: 0,
      y2: 4,
      width: 2,
      height: 2,
      fill: (x: number, y: number) => [x, y].join(),
    })
    expect(spec(raster).marks[0]!.args[0]).toMatchObject({
      width: 2,
      height: 2,
      fill: ['0.5,1', '1.5,1', '0.5,3', '1.5,3'],
    })
  })

  it('refuses functions that would run while the page draws', () => {
    expect(() => p['plot']!({ y: { tickFormat: () => '' } })).toThrow(
      /Plot\.plot: the function at y\.tickFormat would run while the page draws/,
    )
    const reducer = p['barY']!([1], p['groupX']!({ y: (values: number[]) => values.length }, { x: (d: number) => d }))
    expect(() => reducer.plot()).toThrow(/Plot\.groupX: the function at y would run/)
    expect(() => p['plot']!({ marks: [() => null] })).toThrow(/a mark is a function/)
    expect(() => p['frame']!({ x: () => 1 }).plot()).toThrow(/needs data to be called on/)
  })
})
