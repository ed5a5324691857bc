/** One measured figure of `bench notebook`, and the table of them. Not for: measuring. */
import { formatNumber, median, percentile } from '../figures.ts'

export interface Figure {
  what: string
  unit: 'ms' | 'kB'
  values: number[]
  /** The most that is wanted of `statistic`, in `unit`; undefined where nothing was promised. */
  wanted?: number
  /** Which of the values' statistics `wanted` is about. */
  statistic?: 'median' | 'p95' | 'worst'
}

/** Of times that come in tens at most, the 95th percentile is the worst one. */
export function statisticsOf(values: readonly number[]): { median: number; p95: number; worst: number } {
  return { median: median(values), p95: percentile(values, 0.95), worst: Math.max(...values) }
}

export function isReached({ values, wanted, statistic = 'median' }: Figure): boolean | null {
  return wanted === undefined ? null : statisticsOf(values)[statistic] <= wanted
}

const COLUMNS: ReadonlyArray<{ title: string; width: number; text(figure: Figure): string }> = [
  { title: 'what', width: 56, text: ({ what }) => what },
  { title: 'unit', width: 4, text: ({ unit }) => unit },
  { title: 'median', width: 8, text: ({ values }) => formatNumber(statisticsOf(values).median) },
  { title: 'p95', width: 8, text: ({ values }) => formatNumber(statisticsOf(values).p95) },
  { title: 'worst', width: 8, text: ({ values }) => formatNumber(statisticsOf(values).worst) },
  { title: 'of', width: 4, text: ({ values }) => String(values.length) },
  { title: 'wanted', width: 14, text: wantedText },
  {
    title: 'reached',
    width: 7,
    text: (figure) => {
      const reached = isReached(figure)
      return reached === null ? '' : reached ? 'yes' : 'NO'
    },
  },
]

function wantedText({ wanted, statistic = 'median' }: Figure): string {
  return wanted === undefined ? '' : `${statistic} ≤ ${wanted}`
}

export function tableHead(): string {
  return line((column) => column.title)
}

export function tableRow(figure: Figure): string {
  return line((column) => column.text(figure))
}

function line(text: (column: (typeof COLUMNS)[number]) => string): string {
  return COLUMNS.map((column, i) => (i === 0 ? text(column).padEnd(column.width) : text(column).padStart(column.width)))
    .join('  ')
    .trimEnd()
}
