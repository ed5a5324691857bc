/**
 * What a cell gives out, as data that can be posted, stored in a notebook and shown later: streams, MIME bundles
 * and errors whose stack points into the person's own lines. Types only; shared by kernel, page and ranks.
 */

/** MIME type → content. `text/plain` is always there; images are base64, `+json` types are JSON values. */
export type MimeBundle = Readonly<Record<string, unknown>>

/** Rondo's own MIME types. Every bundle that has one of them has `text/plain` too, for other readers. */
export const MIME = {
  /** An {@link InspectNode}. */
  inspect: 'application/vnd.rondo.inspect+json',
  /** A {@link TableData}. */
  table: 'application/vnd.rondo.table+json',
  /** A {@link TensorData}. */
  tensor: 'application/vnd.rondo.tensor+json',
  /** A {@link PlotSpec} for Observable Plot. */
  plot: 'application/vnd.rondo.plot+json',
  /** A {@link ChartData}: lines that grow while a cell runs. */
  chart: 'application/vnd.rondo.chart+json',
  /** A run's panel, frozen as it was last seen; its shape belongs to the notebook app. */
  run: 'application/vnd.rondo.run+json',
} as const

/** One value and its children, cut off at a bound, so that it can be unfolded without the kernel. */
export interface InspectNode {
  /** `number`, `string`, `array`, `object`, `map`, `function`, `tensor`, `more` (what was cut off) … */
  kind: string
  /** One line, as a person would write the value. */
  text: string
  /** Key or index under the parent; absent at the root. */
  key?: string
  children?: InspectNode[]
}

export interface TableData {
  columns: string[]
  /** Cells as JSON values; at most 1,000 rows travel. */
  rows: unknown[][]
  /** Rows of the whole table. */
  total: number
}

export interface TensorData {
  shape: number[]
  dtype: string
  /** null where there is no finite value. */
  min: number | null
  max: number | null
  mean: number | null
  std: number | null
  /** How many values are NaN or infinite. */
  nonFinite: number
  /** First values, row by row, for reading. */
  preview: number[]
  /** Present when the shape looks like an image or a batch of images (tiled into one). Pixels are base64 RGBA. */
  picture: { width: number; height: number; rgba: string } | null
}

/** A recorded call of Observable Plot: functions were evaluated in the kernel, data is JSON. */
export interface PlotSpec {
  /** Options of `Plot.plot` without marks. */
  options: Record<string, unknown>
  /** Calls of mark constructors, in order; an argument `{ $plot: call }` is a nested call (a transform). */
  marks: PlotCall[]
}
export interface PlotCall {
  name: string
  args: unknown[]
}

export interface ChartData {
  title: string
  xLabel: string
  /** Lines in order of first use; `null` where a line has no point. */
  series: Array<{ label: string; values: Array<number | null> }>
  x: number[]
}

/** A place in a cell, 1-based line and column as editors show them. */
export interface StackFrame {
  functionName: string
  /** null for code that is not a cell's: a library or Rondo itself. */
  cellId: string | null
  /** The cell's `[n]` when that code ran. */
  cellNumber: number | null
  line: number
  column: number
  /** File or address for frames outside of cells. */
  source: string | null
}

export interface CellError {
  name: string
  message: string
  /** Innermost first; the first frame with a cell is the line to mark. */
  frames: StackFrame[]
  cause: CellError | null
  /** Set when a rank of a launched run threw it. */
  rank: number | null
  node: string | null
  /** RondoError's code, when it has one. */
  code: string | null
}

/** One piece of output of one execution, in the order in which it happened. */
export type KernelOutput =
  | { kind: 'stream'; name: 'stdout' | 'stderr'; text: string }
  /** `update` replaces the output of the same `displayId` wherever it is; otherwise it is a new output. */
  | { kind: 'display'; data: MimeBundle; metadata: Record<string, unknown>; displayId: string | null; update: boolean }
  /** Value of the cell's last expression. */
  | { kind: 'result'; data: MimeBundle; metadata: Record<string, unknown> }
  | { kind: 'error'; error: CellError }
  /** Empties the cell's output; with `wait` only when the next output comes. */
  | { kind: 'clear'; wait: boolean }
