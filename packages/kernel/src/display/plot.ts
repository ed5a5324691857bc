/**
 * `Plot` of cells: looks like Observable Plot and records instead of drawing, because a kernel has no document.
 * Channel functions are called here, on the data, as Plot would call them; the page draws what was recorded.
 */

import { MIME, type MimeBundle, type PlotCall, type PlotSpec } from '../output.ts'
import { DISPLAY } from './describer.ts'
import { DRAWING_OPTIONS, MARKS, TAKES_REDUCERS, TRANSFORMS } from './plot-names.ts'
import { dataOf, gridValues, isGridMark, toJson } from './plot-values.ts'

type Options = Readonly<Record<string, unknown>>

/** What `Plot.plot(…)` returns. */
export class RecordedPlot {
  constructor(readonly spec: PlotSpec) {}

  [DISPLAY](): MimeBundle {
    const names = this.spec.marks.map(({ name }) => name).join(', ')
    return { 'text/plain': `Plot of ${names || 'nothing'}`, [MIME.plot]: this.spec }
  }
}

/** A mark, or options that a transform made; not evaluated before it is known which data it belongs to. */
export class RecordedCall {
  constructor(
    readonly name: string,
    readonly args: readonly unknown[],
  ) {}

  /** As in Observable Plot: a plot of this mark alone. */
  plot(options: Options = {}): RecordedPlot {
    return plot({ ...options, marks: [...marksOf(options['marks']), this] })
  }

  [DISPLAY](): MimeBundle {
    return this.plot()[DISPLAY]()
  }
}

function plot(options: Options = {}): RecordedPlot {
  const { marks, facet, ...rest } = options
  const recorded = record(rest, { call: 'Plot.plot', path: '', data: null, drawing: true }) as Record<string, unknown>
  if (facet !== undefined && facet !== null) {
    const data = dataOf((facet as Options)['data'])
    recorded['facet'] = record(facet, { call: 'Plot.plot', path: 'facet', data, drawing: false })
  }
  return new RecordedPlot({ options: recorded, marks: marksOf(marks).map(recordMark) })
}

/** Lists in lists and empty places are allowed, as in Observable Plot. */
function marksOf(marks: unknown): RecordedCall[] {
  if (marks === undefined || marks === null) return []
  if (!Array.isArray(marks)) return marksOf([marks])
  return marks
    .flat(Number.POSITIVE_INFINITY)
    .filter((mark) => mark !== null && mark !== undefined)
    .map((mark: unknown) => {
      if (mark instanceof RecordedCall) return mark
      throw new TypeError(
        `Plot.plot({ marks }): a mark is ${typeof mark === 'function' ? 'a function' : String(mark)}; use marks of Plot, such as Plot.line(data, { x, y })`,
      )
    })
}

function recordMark({ name, args }: RecordedCall): PlotCall {
  const call = `Plot.${name}`
  if (isGridMark(args)) return { name, args: [gridValues(args[0])] }
  const [data, ...rest] = args
  // Marks without data (`Plot.frame({ stroke })`) have options first.
  const isOptions =
    args.length === 1 && typeof data === 'object' && data !== null && !Array.isArray(data) && dataOf(data) === null
  const rows = isOptions ? null : dataOf(data)
  const options = isOptions ? args : rest
  const recorded = options.map((item) => record(item, { call, path: '', data: rows, drawing: false }))
  return {
    name,
    args: isOptions ? recorded : [rows === null ? toJson(data) : rows.map((row) => toJson(row)), ...recorded],
  }
}

interface Context {
  /** As written, for messages. */
  call: string
  path: string
  /** What channel functions are called on. */
  data: readonly unknown[] | null
  /** Functions here run while the page draws. */
  drawing: boolean
}

function record(value: unknown, context: Context): unknown {
  if (typeof value === 'function') return channel(value as Channel, context)
  if (value instanceof RecordedCall) return { $plot: nested(value, context) }
  if (Array.isArray(value))
    return value.map((item) => (typeof item === 'function' ? record(item, context) : toJson(item)))
  const isObject = typeof value === 'object' && value !== null
  if (!isObject || Object.getPrototypeOf(value) !== Object.prototype) return toJson(value)
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const path = context.path === '' ? key : `${context.path}.${key}`
      return [key, record(item, { ...context, path, drawing: context.drawing || DRAWING_OPTIONS.has(key) })]
    }),
  )
}

type Channel = (item: unknown, index: number) => unknown

function channel(fn: Channel, { call, path, data, drawing }: Context): unknown {
  const place = path === '' ? 'the function' : `the function at ${path}`
  if (drawing) {
    throw new TypeError(
      `${call}: ${place} would run while the page draws, and functions stay in the kernel; use a name (of a reducer, a curve) or a format such as ".2f", or compute the values first`,
    )
  }
  if (data === null)
    throw new TypeError(`${call}: ${place} needs data to be called on; pass an array as first argument`)
  // `Plot.indexOf` and the like are recorders themselves.
  const recorder = (fn as { [RECORDS]?: string })[RECORDS]
  if (recorder !== undefined)
    throw new TypeError(`${call}: ${place} is Plot.${recorder}, which cannot be sent to the page; use (d, i) => …`)
  return data.map((item, index) => toJson(fn(item, index)))
}

function nested({ name, args }: RecordedCall, context: Context): PlotCall {
  const call = `Plot.${name}`
  const recorded = args.map((item, index) => {
    const drawing = index === 0 && args.length > 1 && TAKES_REDUCERS.test(name)
    return record(item, { call, path: '', data: context.data, drawing })
  })
  return { name, args: recorded }
}

/** Name of what a recording function records. */
const RECORDS = Symbol('records')

/** The `Plot` of cells. */
export const Plot: Readonly<Record<string, unknown>> = Object.freeze({
  plot,
  marks: (...marks: unknown[]) => marks,
  identity: (item: unknown) => item,
  indexOf: (_: unknown, index: number) => index,
  ...Object.fromEntries(
    [...MARKS, ...TRANSFORMS].map((name) => [
      name,
      Object.assign((...args: unknown[]) => new RecordedCall(name, args), { [RECORDS]: name }),
    ]),
  ),
})
