/** The table that the bench prints, row by row as figures come. */
import { formatSize } from '../arguments.ts'
import { formatNumber, formatRate } from '../figures.ts'
import type { Figures } from './measure.ts'

interface Column {
  title: string
  width: number
  text(figures: Figures): string
}

const COLUMNS: readonly Column[] = [
  { title: 'carrier', width: 7, text: ({ carrier }) => carrier },
  { title: 'ranks', width: 5, text: ({ ranks }) => String(ranks) },
  { title: 'size', width: 8, text: ({ bytes }) => formatSize(bytes) },
  { title: 'ms', width: 8, text: ({ milliseconds }) => formatNumber(milliseconds.median) },
  { title: 'fastest', width: 8, text: ({ milliseconds }) => formatNumber(milliseconds.fastest) },
  { title: 'bus bandwidth', width: 13, text: (figures) => formatRate(figures.busBandwidth) },
  { title: 'raw one way', width: 11, text: ({ raw }) => (raw === null ? '–' : formatRate(raw.median)) },
  { title: 'ringEfficiency', width: 14, text: (figures) => figures.ringEfficiency?.toFixed(2) ?? '–' },
  { title: 'steps', width: 5, text: ({ steps }) => String(steps) },
  { title: '× latency', width: 9, text: ({ latencyRatio }) => latencyRatio?.toFixed(2) ?? '–' },
  { title: '× exchange', width: 10, text: ({ exchangeRatio }) => exchangeRatio?.toFixed(2) ?? '–' },
  { title: 'runs', width: 4, text: ({ repetitions }) => String(repetitions) },
]

export function tableHead(): string {
  return line((column) => column.title)
}

export function tableRow(figures: Figures): string {
  return line((column) => column.text(figures))
}

function line(text: (column: Column) => string): string {
  return COLUMNS.map((column, i) => (i === 0 ? text(column).padEnd(column.width) : text(column).padStart(column.width)))
    .join('  ')
    .trimEnd()
}
