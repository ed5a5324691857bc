/**
 * What each command does to an open notebook, with Jupyter's rules for what is selected afterwards. Keys, menus
 * and buttons all come here. Not for: which key it is (keyboard) or drawing.
 */
import type { CommandName } from '../keyboard/bindings.ts'
import type { CellModel } from '../model/cell.ts'
import {
  changeKind,
  deleteCells,
  insertCell,
  mergeCells,
  moveCells,
  pasteCells,
  splitCell,
  toHeading,
} from '../model/edits.ts'
import { type FoldPart, isFolded, setFolded } from '../model/folds.ts'
import type { CellKind } from '../model/notebook.ts'
import { clipboard, type OpenNotebook } from './open-notebook.ts'

/** How much of the screen Space scrolls. */
const PAGE_SHARE = 0.8

/** Commands that leave the notebook as it is: allowed for one that can only be read. */
const HARMLESS: ReadonlySet<CommandName> = new Set([
  'enter-command',
  'select-above',
  'select-below',
  'extend-above',
  'extend-below',
  'select-first',
  'select-last',
  'select-all',
  'copy',
  'line-numbers',
  'interrupt',
  'scroll-down',
  'scroll-up',
  'help',
])

/** Runs a command; false when this notebook does not allow it. */
export function runCommand(open: OpenNotebook, name: CommandName): boolean {
  if (open.readOnly && !HARMLESS.has(name)) {
    open.announcement.value = 'This notebook can only be read; make a copy to change it.'
    return false
  }
  HANDLERS[name](open)
  return true
}

const HANDLERS: Readonly<Record<CommandName, (open: OpenNotebook) => void>> = {
  'enter-edit': enterEdit,
  'enter-command': ({ selection }) => selection.select(selection.active.peek()),
  'run-advance': runAndAdvance,
  'run-stay': (open) => {
    open.run(open.selection.cells.peek())
    open.selection.mode.value = 'command'
  },
  'run-insert': (open) => {
    const cells = open.selection.cells.peek()
    open.run(cells)
    const last = cells.at(-1)
    if (last !== undefined) insertAt(open, open.document.indexOf(last.id) + 1, 'edit')
  },
  'run-all': (open) => open.run(open.document.cells.peek()),
  'run-above': (open) => open.run(open.document.cells.peek().slice(0, open.selection.index)),
  'run-below': (open) => open.run(open.document.cells.peek().slice(open.selection.index)),
  'select-above': ({ selection }) => void selection.step(-1),
  'select-below': ({ selection }) => void selection.step(1),
  'extend-above': ({ selection }) => void selection.step(-1, { extend: true }),
  'extend-below': ({ selection }) => void selection.step(1, { extend: true }),
  'select-first': (open) => select(open, open.document.cells.peek()[0]),
  'select-last': (open) => select(open, open.document.cells.peek().at(-1)),
  'select-all': ({ selection }) => selection.selectAll(),
  'insert-above': (open) => insertAt(open, open.selection.index),
  'insert-below': (open) => insertAt(open, open.selection.index + 1),
  delete: remove,
  cut: (open) => {
    copy(open)
    remove(open)
  },
  copy,
  'paste-below': (open) => paste(open, open.document.indexOf(lastSelected(open).id) + 1),
  'paste-above': (open) => paste(open, open.document.indexOf(open.selection.cells.peek()[0]?.id ?? '')),
  undo: (open) => restoreSelection(open, open.document.undoStack.undo(), 'Undone.'),
  redo: (open) => restoreSelection(open, open.document.undoStack.redo(), 'Redone.'),
  merge,
  split,
  'move-up': (open) => void moveCells(open.document, open.selection.cells.peek(), -1),
  'move-down': (open) => void moveCells(open.document, open.selection.cells.peek(), 1),
  'to-code': (open) => toKind(open, 'code'),
  'to-markdown': (open) => toKind(open, 'markdown'),
  'to-raw': (open) => toKind(open, 'raw'),
  'heading-1': (open) => heading(open, 1),
  'heading-2': (open) => heading(open, 2),
  'heading-3': (open) => heading(open, 3),
  'heading-4': (open) => heading(open, 4),
  'heading-5': (open) => heading(open, 5),
  'heading-6': (open) => heading(open, 6),
  'fold-source': (open) => fold(open, 'source'),
  'fold-outputs': (open) => fold(open, 'outputs'),
  'line-numbers': (open) => {
    open.lineNumbers.value = !open.lineNumbers.peek()
  },
  save: (open) => {
    open.announcement.value = 'Saved.'
    void open.save(true)
  },
  interrupt: (open) => open.runner.interrupt(),
  restart: (open) => {
    open.dialog.value = 'restart'
  },
  'scroll-down': () => scrollBy({ top: innerHeight * PAGE_SHARE }),
  'scroll-up': () => scrollBy({ top: -innerHeight * PAGE_SHARE }),
  help: (open) => {
    open.dialog.value = 'help'
  },
}

function enterEdit({ selection }: OpenNotebook): void {
  const cell = selection.active.peek()
  cell.rendered.value = false
  if (isFolded(cell.metadata.peek(), 'source')) setFolded(cell, 'source', false)
  selection.select(cell, 'edit')
}

/** Runs what is selected and goes on: to the next cell in command mode, after the last one to a new cell's text. */
function runAndAdvance(open: OpenNotebook): void {
  const last = lastSelected(open)
  open.run(open.selection.cells.peek())
  const next = open.document.cells.peek()[open.document.indexOf(last.id) + 1]
  if (next !== undefined) open.selection.select(next)
  else insertAt(open, open.document.cells.peek().length, 'edit')
}

function lastSelected({ selection }: OpenNotebook): CellModel {
  return selection.cells.peek().at(-1) ?? selection.active.peek()
}

function select({ selection }: OpenNotebook, cell: CellModel | undefined): void {
  if (cell !== undefined) selection.select(cell)
}

function insertAt(open: OpenNotebook, index: number, mode: 'command' | 'edit' = 'command'): void {
  open.selection.select(insertCell(open.document, index), mode)
}

function remove(open: OpenNotebook): void {
  const gone = open.selection.cells.peek()
  open.runner.forget(gone)
  const next = deleteCells(open.document, gone)
  if (next !== undefined) open.selection.select(next)
  open.announcement.value = `${gone.length === 1 ? 'Cell' : `${gone.length} cells`} deleted. Z brings back.`
}

function copy({ selection }: OpenNotebook): void {
  clipboard.value = selection.cells.peek().map((cell) => cell.toCell())
}

function paste(open: OpenNotebook, index: number): void {
  const cells = clipboard.peek()
  if (cells.length > 0) open.selection.selectRange(pasteCells(open.document, index, cells))
}

function restoreSelection(open: OpenNotebook, cells: readonly CellModel[] | null, said: string): void {
  open.announcement.value = cells === null ? 'Nothing left to bring back.' : said
  if (cells !== null && cells.length > 0) open.selection.selectRange(cells)
}

/** Joins the selection; a single cell is joined with the one below it. */
function merge(open: OpenNotebook): void {
  const { document, selection } = open
  const active = selection.active.peek()
  const below = document.cells.peek()[selection.index + 1]
  const chosen = selection.cells.peek()
  const cells = chosen.length > 1 ? chosen : below === undefined ? [] : [active, below]
  if (cells.length > 1) {
    open.runner.forget(cells)
    selection.select(mergeCells(document, cells, active))
  }
}

function split(open: OpenNotebook): void {
  const cell = open.selection.active.peek()
  const cursors = open.editors.get(cell.id)?.cursors()
  if (cursors === undefined) return
  const parts = splitCell(open.document, cell, cursors)
  const last = parts.at(-1)
  if (last !== undefined) open.selection.select(last, 'edit')
  open.editors.get(cell.id)?.focus('start')
}

function toKind(open: OpenNotebook, kind: CellKind): void {
  const cells = open.selection.cells.peek()
  if (kind !== 'code') open.runner.forget(cells)
  changeKind(open.document, cells, kind)
}

function heading(open: OpenNotebook, level: number): void {
  toHeading(open.document, open.selection.active.peek(), level)
}

/** All selected cells follow the active one. */
function fold({ selection }: OpenNotebook, part: FoldPart): void {
  const folded = !isFolded(selection.active.peek().metadata.peek(), part)
  for (const cell of selection.cells.peek()) setFolded(cell, part, folded)
}
