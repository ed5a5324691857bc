/** How values look: MIME bundles, tables, tensors, plots, charts. */
export { createDisplay, type Display } from './create-display.ts'
export { describeValue } from './describe.ts'
export type { Describer } from './describer.ts'
export type { ShowChart } from './live-chart.ts'
