/**
 * How a cell's list of outputs grows: streams are joined, displays updated, clears obeyed. Pure, and cheap enough
 * for a cell that prints 100,000 lines: an append never touches more than the last chunk. Not for: drawing.
 */
import type { KernelOutput } from '@rondo/kernel/output'
import type { CellOutput } from '../model/notebook.ts'
import { CUT_MARK, cutText, foldReturns } from './stream-text.ts'

type Stream = Extract<CellOutput, { kind: 'stream' }>

/**
 * Characters of one stream output. A longer stream goes on in the next one (nbformat allows several in a row), so
 * that an append costs at most this much and not the whole text.
 */
export const STREAM_CHUNK_CHARS = 65_536
/** Stream outputs in a row beyond which stdout and stderr are no longer kept in their exact order. */
const MAX_INTERLEAVED = 500
/** Characters of a row of streams that are kept: 100,000 long lines fit, an endless loop doesn't fill the memory. */
const MAX_STREAM_CHARS = 25_000_000

/** Outputs that go as soon as the next one comes: `clear` with `wait`. Kept beside the lists, which are plain data. */
const clearedByNext = new WeakSet<readonly CellOutput[]>()

/**
 * A cell's outputs after one more piece. Returns the same list when nothing changed; lists handed out before are
 * never touched. `executionCount` is the `[n]` that a result gets.
 *
 * An update whose `displayId` is not in this list becomes a new output: a store that shows several cells tries
 * {@link replaceDisplay} on all of them first. A `clear` with `wait` is remembered by the identity of the list
 * that this returns, so pass that very list to the next call.
 */
export function appendOutput(
  outputs: readonly CellOutput[],
  output: KernelOutput,
  executionCount: number | null = null,
): readonly CellOutput[] {
  return appendOutputs(outputs, [output], executionCount)
}

/** As {@link appendOutput}, for all the pieces of one message: the list is copied once. */
export function appendOutputs(
  outputs: readonly CellOutput[],
  pieces: readonly KernelOutput[],
  executionCount: number | null = null,
): readonly CellOutput[] {
  if (pieces.length === 0) return outputs
  let list = [...outputs]
  let clearNext = clearedByNext.has(outputs)
  for (const piece of joinStreams(pieces)) {
    if (piece.kind === 'clear') {
      clearNext = piece.wait
      if (!piece.wait) list = []
      continue
    }
    if (clearNext) {
      list = []
      clearNext = false
    }
    append(list, piece, executionCount)
  }
  if (clearNext) clearedByNext.add(list)
  return list
}

/** Neighbouring pieces of one stream as one, up to a chunk: a thousand prints of one message are appended at once. */
function joinStreams(pieces: readonly KernelOutput[]): KernelOutput[] {
  const joined: KernelOutput[] = []
  let parts: string[] = []
  let size = 0
  for (const [i, piece] of pieces.entries()) {
    if (piece.kind !== 'stream') {
      joined.push(piece)
      continue
    }
    parts.push(piece.text)
    size += piece.text.length
    const next = pieces[i + 1]
    if (next?.kind === 'stream' && next.name === piece.name && size < STREAM_CHUNK_CHARS) continue
    joined.push({ ...piece, text: parts.join('') })
    parts = []
    size = 0
  }
  return joined
}

/** The list with every output of this `displayId` replaced; the same list when it shows none. */
export function replaceDisplay(
  outputs: readonly CellOutput[],
  update: Extract<KernelOutput, { kind: 'display' }>,
): readonly CellOutput[] {
  const { data, metadata, displayId } = update
  const isShown = (shown: CellOutput) => shown.kind === 'display' && shown.displayId === displayId
  if (displayId === null || !outputs.some(isShown)) return outputs
  const replaced = outputs.map((shown) =>
    isShown(shown) ? { kind: 'display' as const, data, metadata, displayId } : shown,
  )
  if (clearedByNext.has(outputs)) clearedByNext.add(replaced)
  return replaced
}

function append(list: CellOutput[], piece: Exclude<KernelOutput, { kind: 'clear' }>, executionCount: number | null) {
  switch (piece.kind) {
    case 'stream':
      return appendStream(list, piece)
    case 'display': {
      const replaced = piece.update ? replaceDisplay(list, piece) : list
      if (replaced !== list) return void list.splice(0, list.length, ...replaced)
      const { data, metadata, displayId } = piece
      return void list.push({ kind: 'display', data, metadata, displayId })
    }
    case 'result':
      return void list.push({ kind: 'result', data: piece.data, metadata: piece.metadata, executionCount })
    case 'error': {
      const { error } = piece
      const traceback = tracebackOf(error)
      return void list.push({ kind: 'error', name: error.name, message: error.message, traceback, error })
    }
    default:
      return piece satisfies never
  }
}

/** Lines as other notebook programs show them; Rondo itself shows the frames. */
function tracebackOf(error: Extract<KernelOutput, { kind: 'error' }>['error']): string[] {
  const frames = error.frames.map(({ functionName, cellId, cellNumber, line, column, source }) => {
    const place = cellId === null ? (source ?? 'unknown source') : `cell [${cellNumber ?? ' '}]`
    return `    at ${functionName === '' ? 'cell' : functionName} (${place}:${line}:${column})`
  })
  const who = error.rank === null ? '' : `rank ${error.rank}${error.node === null ? '' : ` on ${error.node}`}: `
  return [`${who}${error.name}: ${error.message}`, ...frames]
}

function appendStream(list: CellOutput[], { name, text }: Extract<KernelOutput, { kind: 'stream' }>): void {
  if (text === '') return
  const at = continuedStream(list, name)
  const open = at === -1 ? undefined : (list[at] as Stream)
  if (open === undefined) {
    list.push({ kind: 'stream', name, text: foldReturns('', text) })
  } else if (open.text.length < STREAM_CHUNK_CHARS) {
    list[at] = { kind: 'stream', name, text: foldReturns(open.text, text) }
  } else {
    // A chunk ends with a whole line where it can: what a carriage return may still overwrite moves on.
    const cut = open.text.lastIndexOf('\n') + 1
    const whole = cut === 0 || open.text.length - cut > STREAM_CHUNK_CHARS
    const rest = whole ? '' : open.text.slice(cut)
    if (rest !== '') list[at] = { kind: 'stream', name, text: open.text.slice(0, cut) }
    list.splice(at + 1, 0, { kind: 'stream', name, text: foldReturns(rest, text) })
    dropMiddle(list)
  }
}

/** Index of the stream output that this text goes on with; -1 for none. */
function continuedStream(list: readonly CellOutput[], name: Stream['name']): number {
  const last = list.at(-1)
  if (last?.kind === 'stream' && last.name === name) return list.length - 1
  if (last?.kind !== 'stream' || list.length < MAX_INTERLEAVED) return -1
  const start = firstOfRow(list)
  if (list.length - start < MAX_INTERLEAVED) return -1
  for (let i = list.length - 1; i >= start; i--) {
    const output = list[i]
    if (output?.kind === 'stream' && output.name === name) return i
  }
  return -1
}

/** Where the row of stream outputs at the end of the list begins. */
function firstOfRow(list: readonly CellOutput[]): number {
  let start = list.length
  while (list[start - 1]?.kind === 'stream') start -= 1
  return start
}

/** Keeps a row's first output and its latest ones; what is left out is counted in its place. */
function dropMiddle(list: CellOutput[]): void {
  const start = firstOfRow(list)
  let size = 0
  for (let i = start; i < list.length; i++) size += (list[i] as Stream).text.length
  while (size > MAX_STREAM_CHARS && list.length - start > 3) {
    const second = list[start + 1] as Stream
    const known = CUT_MARK.exec(second.text)
    const gone = list.splice(start + (known ? 2 : 1), 1)[0] as Stream
    size -= gone.text.length
    const lines = gone.text.split('\n').length - 1 + Number(known?.[1]?.replaceAll(',', '') ?? 0)
    list.splice(start + 1, known ? 1 : 0, { kind: 'stream', name: 'stderr', text: cutText(lines) })
  }
}
