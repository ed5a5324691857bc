/** Values as rows and columns: what is a table by its shape, and what a person asks to be one. */

import { builtinOf, isPlain } from '../fork/kinds.ts'
import { MIME, type MimeBundle, type TableData } from '../output.ts'
import { type Describer, Displayed } from './describer.ts'
import { preview } from './preview.ts'

/** Rows that travel; `total` counts all of them. */
const MAX_ROWS = 1_000
const MAX_COLUMNS = 50
/** Rows that decide whether an array is a table. */
const SAMPLE_ROWS = 20
/** Characters of a text in a cell. */
const MAX_CELL = 1_000
const TEXT_ROWS = 10
const TEXT_WIDTH = 24
const INDEX_COLUMN = '(index)'

type Row = Record<string, unknown>

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && isPlain(value)
const isSimple = (value: unknown): boolean =>
  (typeof value !== 'object' && typeof value !== 'function') || value === null || value instanceof Date

/** The table that an array of plain objects with simple values is; null for other arrays. */
export function tableOf(value: unknown, describers: readonly Describer[] = []): TableData | null {
  if (!Array.isArray(value) || value.length < 2) return null
  const sample = value.slice(0, SAMPLE_ROWS)
  if (!sample.every(isRow)) return null
  const cells = sample.flatMap((row) =>
    Object.keys(row).map((key) => Object.getOwnPropertyDescriptor(row, key)!.value as unknown),
  )
  const simple = cells.filter(isSimple).length
  if (cells.length === 0 || simple < cells.length / 2) return null
  if (!value.slice(0, MAX_ROWS).every(isRow)) return null
  const table = fromRows(value as Row[], undefined, describers)
  return table.columns.length <= MAX_COLUMNS ? table : null
}

/**
 * What `table(data, columns?)` of a cell returns: shows arrays of objects or of arrays, Maps, objects of columns
 * (`{ x: […], y: […] }`) and plain objects as a table. Throws TypeError for what has no rows.
 */
export function table(data: unknown, columns?: readonly string[]): Displayed {
  const made = explicitTable(data, columns)
  if (made === null) {
    throw new TypeError(
      `table(${preview(data, [])}): it takes an array, a Map, or an object of rows or columns; use display(value) for other values`,
    )
  }
  return new Displayed(tableBundle(made))
}

function explicitTable(data: unknown, columns: readonly string[] | undefined): TableData | null {
  if (typeof data !== 'object' || data === null) return null
  const builtin = builtinOf(data)
  if (builtin === 'array' || builtin === 'typed')
    return fromRows(Array.from(data as ArrayLike<unknown>, toRow), columns, [])
  if (builtin === 'map') {
    const entries = [...(data as Map<unknown, unknown>)]
    return fromRows(
      entries.map(([key, value]) => ({ [INDEX_COLUMN]: key, ...toRow(value) })),
      columns,
      [],
    )
  }
  if (builtin === 'set') return fromRows([...(data as Set<unknown>)].map(toRow), columns, [])
  if (builtin !== null || !isPlain(data)) return null
  const entries = Object.entries(data)
  if (entries.length > 0 && entries.every(([, value]) => isList(value))) {
    const length = Math.max(...entries.map(([, value]) => (value as ArrayLike<unknown>).length))
    const rows = Array.from({ length }, (_, index) =>
      Object.fromEntries(entries.map(([key, value]) => [key, (value as ArrayLike<unknown>)[index]])),
    )
    return fromRows(rows, columns, [])
  }
  return fromRows(
    entries.map(([key, value]) => ({ [INDEX_COLUMN]: key, ...toRow(value) })),
    columns,
    [],
  )
}

const isList = (value: unknown): boolean => Array.isArray(value) || ArrayBuffer.isView(value)

function toRow(value: unknown): Row {
  if (isRow(value)) return value
  if (isList(value))
    return Object.fromEntries(Array.from(value as ArrayLike<unknown>, (item, index) => [String(index), item]))
  return { value }
}

function fromRows(
  rows: readonly Row[],
  wanted: readonly string[] | undefined,
  describers: readonly Describer[],
): TableData {
  const shown = rows.slice(0, MAX_ROWS)
  const columns = wanted ?? [...new Set(shown.flatMap((row) => Object.keys(row)))]
  const cells = shown.map((row) => columns.map((column) => cellOf(row, column, describers)))
  return { columns: [...columns], rows: cells, total: rows.length }
}

/** A JSON value that reads like the real one. */
function cellOf(row: Row, column: string, describers: readonly Describer[]): unknown {
  const property = Object.getOwnPropertyDescriptor(row, column)
  if (property === undefined) return null
  if (!('value' in property)) return '[getter]'
  const value: unknown = property.value
  if (value === undefined || value === null || typeof value === 'boolean') return value ?? null
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'string') return value.length > MAX_CELL ? `${value.slice(0, MAX_CELL)}…` : value
  return preview(value, describers)
}

export function tableBundle(data: TableData): MimeBundle {
  return { 'text/plain': tableText(data), [MIME.table]: data }
}

/** The first rows in columns, for readers without tables. */
function tableText({ columns, rows, total }: TableData): string {
  const cut = (text: string): string => (text.length > TEXT_WIDTH ? `${text.slice(0, TEXT_WIDTH - 1)}…` : text)
  const lines = [columns, ...rows.slice(0, TEXT_ROWS)].map((row) =>
    row.map((cell) => cut(cell === null ? '' : String(cell))),
  )
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]!.length)))
  const text = lines.map((line) =>
    line
      .map((cell, index) => cell.padEnd(widths[index]!))
      .join('  ')
      .trimEnd(),
  )
  const rest = total - Math.min(rows.length, TEXT_ROWS)
  return rest > 0 ? `${text.join('\n')}\n… ${rest} more rows` : text.join('\n')
}
