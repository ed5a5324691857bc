/**
 * From a recorded call of Observable Plot to the call itself. Pure apart from calling the library that it is given.
 * The spec may come from a file, so only marks and transforms that the library has are called, by name.
 */
import type { PlotCall, PlotSpec } from '@rondo/kernel/output'

/** The library, as far as a spec can reach into it. */
export type PlotLibrary = Readonly<Record<string, unknown>> & {
  plot(options: Record<string, unknown>): Element & { scale?: unknown }
}

/** Calls inside calls; real plots have three or four. */
const MAX_DEPTH = 32

/** Options as they are recorded, with the page's look where the plot has no wishes of its own. */
export function drawPlot(library: PlotLibrary, spec: PlotSpec, width: number): Element {
  const options = revive(library, spec.options, 0) as Record<string, unknown>
  const style = typeof options['style'] === 'object' ? options['style'] : {}
  return library.plot({
    width,
    ...options,
    style: {
      background: 'transparent',
      color: 'var(--text)',
      fontFamily: 'var(--font-sans)',
      fontSize: '12px',
      ...style,
    },
    marks: spec.marks.map((mark) => call(library, mark, 0)),
  })
}

function call(library: PlotLibrary, { name, args }: PlotCall, depth: number): unknown {
  const make = Object.hasOwn(library, name) ? library[name] : undefined
  if (typeof make !== 'function' || name === 'plot') {
    throw new Error(`Observable Plot has no mark or transform called "${name}".`)
  }
  return make(...args.map((argument) => revive(library, argument, depth + 1)))
}

function revive(library: PlotLibrary, value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new Error('The plot is nested too deeply to be drawn.')
  if (Array.isArray(value)) {
    // Data of plain numbers or texts is most of a plot: it is passed on as it is.
    return typeof value[0] === 'object' ? value.map((item) => revive(library, item, depth + 1)) : value
  }
  if (typeof value !== 'object' || value === null) return value
  const nested = (value as { $plot?: PlotCall }).$plot
  if (nested !== undefined) return call(library, nested, depth + 1)
  const date = (value as { $date?: unknown }).$date
  if (typeof date === 'string' || typeof date === 'number') return new Date(date)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, revive(library, item, depth + 1)]))
}

/** Addresses that a link of a plot may lead to. */
export function isSafeLink(href: string): boolean {
  return /^(https?:|#|mailto:)/i.test(href)
}
