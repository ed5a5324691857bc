/** Rows of a model as a table of plain text, with the sums below it. Not for: finding the rows (model-rows.ts). */
import type { ModelRow } from './model-rows.ts'

export interface Totals {
  trainable: number
  nonTrainable: number
  /** Bytes of all parameters as they are kept on the device. */
  bytes: number
}

const HEAD = ['', 'name', 'type', 'params', 'in sizes', 'out sizes']
/** Index of the column that holds numbers. */
const NUMBER_COLUMN = 3
const BYTES_PER_MB = 1e6

/** The table; sizes only where something is known of them. */
export function summaryTable(title: string, rows: readonly ModelRow[], totals: Totals): string {
  const { trainable, nonTrainable, bytes } = totals
  const figures: ReadonlyArray<readonly [string, string]> = [
    [count(trainable), 'trainable params'],
    [count(nonTrainable), 'non-trainable params'],
    [count(trainable + nonTrainable), 'total params'],
    [(bytes / BYTES_PER_MB).toFixed(3), 'MB of params'],
  ]
  const width = Math.max(...figures.map(([figure]) => figure.length))
  const below = figures.map(([figure, name]) => `${figure.padStart(width)} ${name}`)
  if (rows.length === 0) return [title, ...below].join('\n')
  const shaped = rows.some(({ inSizes, outSizes }) => inSizes !== '' || outSizes !== '')
  const cells = rows.map(({ name, type, parameters, inSizes, outSizes, depth }, i) => [
    String(i),
    '  '.repeat(depth - 1) + name,
    type,
    count(parameters),
    ...(shaped ? [inSizes, outSizes] : []),
  ])
  const head = HEAD.slice(0, shaped ? undefined : NUMBER_COLUMN + 1)
  const widths = head.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === NUMBER_COLUMN ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join(' | ')
      .trimEnd()
  const rule = '-'.repeat(widths.reduce((sum, own) => sum + own + 3, -3))
  return [title, line(head), rule, ...cells.map(line), rule, ...below].join('\n')
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}
