/**
 * What a person does to whole cells, each one step of undo. Semantics are Jupyter's: a split leaves outputs with
 * the last part, joined cells are parted by an empty line, a notebook always has a cell. Not for: selection.
 */
import type { MimeBundle } from '@rondo/kernel/output'
import { blankCell, type CellModel } from './cell.ts'
import { newCellId } from './cell-id.ts'
import type { NotebookDocument } from './document.ts'
import type { Cell, CellKind } from './notebook.ts'

/** Puts a new cell at `index` (0 = first). */
export function insertCell(document: NotebookDocument, index: number, kind: CellKind = 'code', source = ''): CellModel {
  return document.undoStack.record([], () => {
    const cell = document.adopt(blankCell(kind, source))
    document.setCells(document.cells.peek().toSpliced(index, 0, cell))
    return cell
  })
}

/** Takes cells away; if none is left, an empty code cell comes. Returns the cell to select next. */
export function deleteCells(document: NotebookDocument, gone: readonly CellModel[]): CellModel | undefined {
  return document.undoStack.record([], () => {
    const before = document.cells.peek()
    const left = before.filter((cell) => !gone.includes(cell))
    const first = before.findIndex((cell) => gone.includes(cell))
    document.setCells(left.length > 0 ? left : [document.adopt(blankCell())])
    const now = document.cells.peek()
    return now[Math.min(first, now.length - 1)]
  })
}

/** Moves neighbouring cells one place up (-1) or down (1) together; false at the edge. */
export function moveCells(document: NotebookDocument, moved: readonly CellModel[], by: -1 | 1): boolean {
  const cells = document.cells.peek()
  const first = cells.findIndex((cell) => moved.includes(cell))
  const target = first + by
  if (first === -1 || target < 0 || target + moved.length > cells.length) return false
  document.undoStack.record([], () => {
    const rest = cells.filter((cell) => !moved.includes(cell))
    document.setCells(rest.toSpliced(target, 0, ...cells.filter((cell) => moved.includes(cell))))
  })
  return true
}

/** Cuts a cell at these offsets (UTF-16 units). The last part keeps id and outputs. Returns the parts in order. */
export function splitCell(document: NotebookDocument, cell: CellModel, offsets: readonly number[]): CellModel[] {
  const source = cell.source.peek()
  const cuts = [...new Set(offsets)].filter((at) => at >= 0 && at <= source.length).sort((a, b) => a - b)
  if (cuts.length === 0) return [cell]
  return document.undoStack.record([cell], () => {
    const bounds = [0, ...cuts, source.length]
    const texts = bounds.slice(1).map((end, i) => trimBreaks(source.slice(bounds[i], end)))
    const { kind, metadata } = cell.state()
    const before = texts.slice(0, -1).map((text) => document.adopt({ ...blankCell(kind, text), metadata }))
    for (const part of before) part.rendered.value = false
    cell.setSource(texts.at(-1) ?? '')
    document.setCells(document.cells.peek().toSpliced(document.indexOf(cell.id), 0, ...before))
    return [...before, cell]
  })
}

/** The line break at a cut belongs to neither part. */
function trimBreaks(text: string): string {
  return text.replace(/^\n/, '').replace(/\n$/, '')
}

/** Joins neighbouring cells into the first, with the kind of `active`. Outputs go, attachments are kept. */
export function mergeCells(document: NotebookDocument, cells: readonly CellModel[], active: CellModel): CellModel {
  const [first, ...others] = cells
  if (first === undefined || others.length === 0) return active
  return document.undoStack.record([first], () => {
    const attachments: Record<string, MimeBundle> = {}
    for (const cell of cells) Object.assign(attachments, cell.attachments.peek())
    const kind = active.kind.peek()
    first.setState({
      kind,
      source: cells.map((cell) => cell.source.peek()).join('\n\n'),
      metadata: first.metadata.peek(),
      attachments: kind !== 'code' && Object.keys(attachments).length > 0 ? attachments : null,
      outputs: [],
      executionCount: null,
    })
    first.rendered.value = false
    first.mark.value = null
    document.setCells(document.cells.peek().filter((cell) => !others.includes(cell)))
    return first
  })
}

/** Copies of cells, with new ids, at `index`. */
export function pasteCells(document: NotebookDocument, index: number, cells: readonly Cell[]): CellModel[] {
  return document.undoStack.record([], () => {
    const pasted = cells.map((cell) => document.adopt({ ...cell, id: newCellId() }))
    document.setCells(document.cells.peek().toSpliced(index, 0, ...pasted))
    return pasted
  })
}

/** Code keeps outputs; the other kinds have none. */
export function changeKind(document: NotebookDocument, cells: readonly CellModel[], kind: CellKind): void {
  const changed = cells.filter((cell) => cell.kind.peek() !== kind)
  if (changed.length === 0) return
  document.undoStack.record(changed, () => {
    for (const cell of changed) {
      const state = cell.state()
      const keeps = kind === 'code' ? {} : { outputs: [], executionCount: null }
      cell.setState({ ...state, ...keeps, kind, attachments: kind === 'code' ? null : state.attachments })
      cell.rendered.value = false
      cell.mark.value = null
    }
  })
}

/** A Markdown cell whose first line is a heading of this level, 1 to 6. */
export function toHeading(document: NotebookDocument, cell: CellModel, level: number): void {
  document.undoStack.record([cell], () => {
    const source = `${'#'.repeat(level)} ${cell.source.peek().replace(/^#{1,6}\s*/, '')}`
    cell.setState({ ...cell.state(), kind: 'markdown', source, outputs: [], executionCount: null })
    cell.rendered.value = false
  })
}
