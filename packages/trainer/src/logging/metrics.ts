/**
 * The numbers that came out of logging, as people read them: for callbacks, for loggers, for the progress bar, and
 * the history for plots. Plain data. Not for: how they were reduced.
 */

/** Rows kept; past this every second old row goes, so that a plot stays a plot. */
const MAX_HISTORY_ROWS = 20_000

export type Metrics = Record<string, number>

/** Values that were recorded at one step. `step` counts optimizer steps, `epoch` from 0. */
export type HistoryRow = { step: number; epoch: number } & Metrics

export interface MetricBoard {
  /** Latest value of every name: what callbacks monitor. */
  callbackMetrics: Metrics
  /** What loggers got last, by name. */
  loggedMetrics: Metrics
  /** Logged with `progBar`. */
  progressBarMetrics: Metrics
  /** Every recorded row, oldest first. */
  history: HistoryRow[]
  /** Names that only rank 0 has; they can't be monitored. */
  rankZeroNames: string[]
}

export function emptyBoard(): MetricBoard {
  return { callbackMetrics: {}, loggedMetrics: {}, progressBarMetrics: {}, history: [], rankZeroNames: [] }
}

/** Adds values to the row of a step, or makes one. */
export function addToHistory(board: MetricBoard, step: number, epoch: number, values: Metrics): void {
  if (Object.keys(values).length === 0) return
  const last = board.history.at(-1)
  if (last?.step === step && last.epoch === epoch) {
    Object.assign(last, values)
    return
  }
  if (board.history.length >= MAX_HISTORY_ROWS) board.history = board.history.filter((_, i) => i % 2 === 1)
  board.history.push({ ...values, step, epoch } as HistoryRow)
}
