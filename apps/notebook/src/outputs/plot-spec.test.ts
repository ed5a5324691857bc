import { describe, expect, it } from 'vitest'
import { drawPlot, isSafeLink, type PlotLibrary } from './plot-spec.ts'

/** Records what it is called with. */
const library = Object.assign(Object.create({ inherited: () => 'no' }) as object, {
  plot: (options: Record<string, unknown>) => options as unknown as Element,
  line: (...args: unknown[]) => ({ line: args }),
  binX: (...args: unknown[]) => ({ binX: args }),
  version: '1',
}) as unknown as PlotLibrary
const draw = (marks: Array<{ name: string; args: unknown[] }>, options = {}) =>
  drawPlot(library, { options, marks }, 640) as unknown as Record<string, unknown>

describe('a recorded plot', () => {
  it('calls marks with their data, nested transforms and dates', () => {
    const rows = [{ x: 1, at: { $date: '2026-01-01T00:00:00.000Z' } }]
    const { marks, width } = draw([
      { name: 'line', args: [rows, { $plot: { name: 'binX', args: [{ y: 'count' }, { x: 'x' }] } }] },
    ])
    expect(width).toBe(640)
    expect(marks).toEqual([
      { line: [[{ x: 1, at: new Date(Date.UTC(2026, 0, 1)) }], { binX: [{ y: 'count' }, { x: 'x' }] }] },
    ])
  })

  it('lets the plot have its own width and style', () => {
    const drawn = draw([], { width: 200, style: { color: 'red' } })
    expect(drawn['width']).toBe(200)
    expect(drawn['style']).toMatchObject({ color: 'red', background: 'transparent' })
  })

  it.each(['plot', 'version', 'inherited', 'constructor', '__proto__', 'nothing'])('never calls "%s"', (name) => {
    expect(() => draw([{ name, args: [] }])).toThrow(/no mark or transform/)
  })

  it('gives up on endless nesting', () => {
    let deep: unknown = 1
    for (let i = 0; i < 100; i++) deep = [{ deep }]
    expect(() => draw([{ name: 'line', args: [deep] }])).toThrow(/nested too deeply/)
  })

  it('knows which links may be followed', () => {
    expect(['https://a', '#b', 'mailto:c'].every(isSafeLink)).toBe(true)
    expect(['javascript:alert(1)', ' javascript:x', 'data:text/html,x', 'blob:x'].some(isSafeLink)).toBe(false)
  })
})
