/** Data of plots as JSON: dates as `{ $date }`, lists of every kind as arrays, what JSON lacks as null. */

import { preview } from './preview.ts'

/** Levels of objects in a row that travel; deeper ones become text. */
const MAX_DEPTH = 4

/** The rows of a mark's data, as Observable Plot would iterate them; null for what is no data. */
export function dataOf(value: unknown): readonly unknown[] | null {
  if (Array.isArray(value)) return value
  if (typeof value !== 'object' || value === null || value instanceof Date) return null
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>)
  return Symbol.iterator in value ? Array.from(value as Iterable<unknown>) : null
}

/** A JSON value for a value of a plot. */
export function toJson(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : null
    case 'bigint':
      return Number(value)
    case 'object':
      break
    default:
      return null
  }
  if (value === null) return null
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : { $date: value.getTime() }
  if (depth >= MAX_DEPTH) return preview(value, [])
  const list = dataOf(value)
  if (list !== null) return list.map((item) => toJson(item, depth + 1))
  return Object.fromEntries(
    Object.keys(value).flatMap((key) => {
      const property = Object.getOwnPropertyDescriptor(value, key)
      const isData = property !== undefined && 'value' in property && typeof property.value !== 'function'
      return isData ? [[key, toJson(property.value, depth + 1)]] : []
    }),
  )
}

/** Points in each direction when a raster's function says no size. */
const DEFAULT_GRID = 100
/** Points of a grid, at most. */
const MAX_GRID = 1 << 18

type GridOptions = Record<string, unknown> & {
  x1?: number
  x2?: number
  y1?: number
  y2?: number
  width?: number
  height?: number
}

/** Whether a mark is given by a function of x and y instead of by data: `Plot.raster({ x1, x2, y1, y2, fill })`. */
export function isGridMark(args: readonly unknown[]): args is [GridOptions] {
  const [options] = args
  if (args.length !== 1 || typeof options !== 'object' || options === null) return false
  const { x1, x2, y1, y2, fill, value } = options as GridOptions
  const hasRange = [x1, x2, y1, y2].every((edge) => typeof edge === 'number')
  return hasRange && (typeof fill === 'function' || typeof value === 'function')
}

/** The options with their function replaced by its values on the grid, row by row from y1, as rasters take them. */
export function gridValues(options: GridOptions): Record<string, unknown> {
  const { x1 = 0, x2 = 1, y1 = 0, y2 = 1 } = options
  const width = Math.max(1, Math.round(options.width ?? DEFAULT_GRID))
  const height = Math.max(1, Math.round(options.height ?? DEFAULT_GRID))
  if (width * height > MAX_GRID) {
    throw new TypeError(
      `Plot.raster({ width: ${width}, height: ${height} }): at most ${MAX_GRID} points; use a smaller grid`,
    )
  }
  const evaluated = Object.fromEntries(
    Object.entries(options).map(([key, item]) => {
      if (typeof item !== 'function') return [key, toJson(item)]
      const at = item as (x: number, y: number) => unknown
      const values = Array.from({ length: width * height }, (_, index) => {
        const x = x1 + ((index % width) + 0.5) * ((x2 - x1) / width)
        const y = y1 + (Math.floor(index / width) + 0.5) * ((y2 - y1) / height)
        return toJson(at(x, y))
      })
      return [key, values]
    }),
  )
  return { ...evaluated, width, height }
}
