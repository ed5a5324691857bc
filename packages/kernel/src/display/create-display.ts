/** Everything about showing values that an application gives to its kernel, in one piece. */

import type { MimeBundle } from '../output.ts'
import { describeValue, textOf } from './describe.ts'
import type { Describer } from './describer.ts'
import { type ChartOptions, LiveChart, type ShowChart } from './live-chart.ts'
import { Plot } from './plot.ts'
import { table } from './table.ts'
import { html, markdown, svg } from './wrappers.ts'

export interface DisplayOptions {
  /** For values of libraries that have no form of their own. Tensors need none. */
  describers?: readonly Describer[]
  /** Where live charts show themselves; without it a chart is seen only as the value of a cell. */
  show?: ShowChart
}

export interface Display {
  /** A value as a MIME bundle; never throws. */
  describe(value: unknown): MimeBundle
  /** A value as text, for consoles; never throws. */
  text(value: unknown): string
  /** What cells see: `Plot`, `chart`, `table`, `html`, `markdown`, `svg`. */
  globals: Record<string, unknown>
}

/** Makes the display of one kernel or rank. */
export function createDisplay({ describers = [], show }: DisplayOptions = {}): Display {
  const chart = (title?: string, options?: ChartOptions): LiveChart => new LiveChart(show ?? null, title, options)
  return {
    describe: (value) => describeValue(value, describers),
    text: (value) => textOf(value, describers),
    globals: { Plot, chart, table, html, markdown, svg },
  }
}
