/**
 * Whatever was thrown, as data that a page can show: name, message and a stack in the person's own lines and
 * columns. Never throws itself, however odd the thrown value is.
 */
import { placeInSource } from '../compile/positions.ts'
import { CellSyntaxError } from '../compile/syntax-error.ts'
import type { CellError, StackFrame } from '../output.ts'
import { UNIT_FUNCTION, UNIT_HEADER_LINES } from '../run/evaluate.ts'
import { readableMessage } from './message.ts'
import { isHiddenFile } from './own-files.ts'
import { cellOfSource } from './registry.ts'
import { parseStack, type RawFrame } from './stack.ts'

/** Causes followed below an error. */
const MAX_CAUSES = 5
/** Frames kept of one stack. */
const MAX_FRAMES = 50

/** Where code of cells awaited an error that was made elsewhere, with no frame of a cell. */
const awaitedAt = new WeakMap<object, StackFrame[]>()

/** Errors with one place that says it all. */
const placed = new WeakMap<object, StackFrame>()

/**
 * An error that carries a `cellError` (a rank's, say) is that one. Rank, node and code are taken from properties of
 * these names, as RondoErrors have them.
 */
export function toCellError(thrown: unknown): CellError {
  return convert(thrown, MAX_CAUSES)
}

/** Remembers where the running code met an error whose own stack knows no cell. Cheap when it does. */
export function noteAwait(error: object): void {
  if (awaitedAt.has(error) || framesOf(error).some((frame) => frame.cellId !== null)) return
  awaitedAt.set(
    error,
    stackFrames(new Error().stack).filter((frame) => frame.cellId !== null),
  )
}

/** Says where in a cell an error belongs that came about outside of its code: a static import, a magic. */
export function notePlace(error: unknown, place: Omit<StackFrame, 'functionName' | 'source'>): void {
  if (typeof error !== 'object' || error === null || placed.has(error)) return
  placed.set(error, { functionName: '', ...place, source: null })
}

function convert(thrown: unknown, causes: number): CellError {
  if (typeof thrown !== 'object' || thrown === null) {
    return plain(typeof thrown === 'string' ? thrown : `${String(thrown)} was thrown`)
  }
  const carried = read(thrown, 'cellError')
  if (isCellError(carried)) return carried
  const message = read(thrown, 'message')
  if (typeof message !== 'string') return plain(`An object that is no Error was thrown: ${keysOf(thrown)}`)
  const name = String(read(thrown, 'name') ?? 'Error')
  const cause = read(thrown, 'cause')
  const [rank, node, code] = [read(thrown, 'rank'), read(thrown, 'node'), read(thrown, 'code')]
  return {
    name,
    message: readableMessage(name, message),
    frames: placesOf(thrown),
    cause: cause === undefined || cause === null || causes === 0 ? null : convert(cause, causes - 1),
    rank: typeof rank === 'number' ? rank : null,
    node: typeof node === 'string' ? node : null,
    code: typeof code === 'string' ? code : null,
  }
}

function placesOf(error: object): StackFrame[] {
  if (error instanceof CellSyntaxError) {
    const { cellId, cellNumber, line, column } = error
    return [{ functionName: '', cellId, cellNumber, line, column, source: null }]
  }
  const place = placed.get(error)
  if (place !== undefined) return [place]
  const own = framesOf(error)
  return own.some((frame) => frame.cellId !== null) ? own : [...own, ...(awaitedAt.get(error) ?? [])]
}

function framesOf(error: object): StackFrame[] {
  const stack = read(error, 'stack')
  return typeof stack === 'string' ? stackFrames(stack) : []
}

/** Frames of a stack, cut off below the outermost cell: what called the cells is the kernel. */
function stackFrames(stack: string | undefined): StackFrame[] {
  const frames = parseStack(stack ?? '').flatMap((frame) => toFrame(frame))
  const outermost = frames.findLastIndex((frame) => frame.cellId !== null)
  if (outermost === -1) return frames.slice(0, MAX_FRAMES)
  const inside = frames.slice(0, outermost + 1)
  return inside.filter(({ source }) => source === null || !isHiddenFile(source)).slice(0, MAX_FRAMES)
}

function toFrame({ functionName, source, line, column }: RawFrame): StackFrame[] {
  const cell = cellOfSource(source)
  const name = functionName === UNIT_FUNCTION ? '' : functionName
  if (cell === undefined) return [{ functionName: name, cellId: null, cellNumber: null, line, column, source }]
  const place = placeInSource(cell.map, line - 1 - UNIT_HEADER_LINES, column - 1)
  if (place === null) return []
  const { cellId, cellNumber } = cell
  return [{ functionName: name, cellId, cellNumber, line: place.line + 1, column: place.column + 1, source: null }]
}

function plain(message: string): CellError {
  return { name: 'Error', message, frames: [], cause: null, rank: null, node: null, code: null }
}

/** A property of a thrown thing, which may be a getter that throws. */
function read(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

function keysOf(object: object): string {
  try {
    return `{ ${Object.keys(object).slice(0, 10).join(', ')} }`
  } catch {
    return '{}'
  }
}

function isCellError(value: unknown): value is CellError {
  if (typeof value !== 'object' || value === null) return false
  const { name, message, frames } = value as Partial<CellError>
  return typeof name === 'string' && typeof message === 'string' && Array.isArray(frames)
}
