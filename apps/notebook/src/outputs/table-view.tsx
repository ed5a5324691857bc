/** A table, page by page so that its height stays. Not for: tables written in HTML. */
import type { TableData } from '@rondo/kernel/output'
import { formatCount, plural } from '@rondo/ui'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'

const ROWS_PER_PAGE = 20
/** CSS pixels of a row; the stylesheet's padding and line height. */
const ROW_PX = 27
/** Characters of one cell; the whole value is in its tooltip. */
const MAX_CELL_CHARS = 120

export function TableView({ table }: { table: TableData }): VNode {
  const { columns, rows, total } = table
  const [page, setPage] = useState(0)
  const pages = Math.max(1, Math.ceil(rows.length / ROWS_PER_PAGE))
  const at = Math.min(page, pages - 1)
  const from = at * ROWS_PER_PAGE
  const shown = rows.slice(from, from + ROWS_PER_PAGE)
  // The last page is as high as a full one, so that turning pages moves nothing below.
  const style = pages > 1 ? { minHeight: `${(ROWS_PER_PAGE + 1) * ROW_PX}px` } : {}
  const right = columns.map((_, k) => rows.every((row) => row[k] == null || typeof row[k] === 'number'))
  return (
    <div class="table" data-testid="table">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table-box" style={style} aria-label={`Table of ${plural(total, 'row')}`} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">
                <span class="visually-hidden">row</span>
              </th>
              {columns.map((column, k) => (
                <th scope="col" key={column} class={right[k] ? 'right' : ''}>
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row, i) => (
              <tr key={from + i}>
                <th scope="row">{formatCount(from + i)}</th>
                {columns.map((column, k) => (
                  <TableCell key={column} value={row[k]} right={right[k] === true} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {(pages > 1 || total > rows.length) && (
        <div class="table-foot soft num">
          <span>
            rows {formatCount(from)}–{formatCount(from + shown.length - 1)} of {formatCount(total)}
            {total > rows.length && `, the first ${formatCount(rows.length)} are here`}
          </span>
          <button type="button" class="text-button" disabled={at === 0} onClick={() => setPage(at - 1)}>
            Previous
          </button>
          <button type="button" class="text-button" disabled={at === pages - 1} onClick={() => setPage(at + 1)}>
            Next
          </button>
        </div>
      )}
    </div>
  )
}

function TableCell({ value, right }: { value: unknown; right: boolean }): VNode {
  const whole = cellText(value)
  const shown = typeof value === 'number' ? shortNumber(value) : whole
  const text = shown.length > MAX_CELL_CHARS ? `${shown.slice(0, MAX_CELL_CHARS)}…` : shown
  return (
    <td class={right ? 'right' : ''} title={text === whole ? undefined : whole}>
      {text}
    </td>
  )
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value
  return typeof value === 'object' ? (JSON.stringify(value) ?? '') : String(value)
}

/** Six significant digits; whole numbers stay whole. */
function shortNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)))
}
