/** What people do to cells: insert, delete, move, split, join, paste, change kind, and undo of each. */
import { describe, expect, it } from 'vitest'
import { blankCell, type CellModel } from './cell.ts'
import { NotebookDocument } from './document.ts'
import {
  changeKind,
  deleteCells,
  insertCell,
  mergeCells,
  moveCells,
  pasteCells,
  splitCell,
  toHeading,
} from './edits.ts'
import { isFolded, setFolded } from './folds.ts'
import { Selection } from './selection.ts'

function documentOf(...sources: string[]): NotebookDocument {
  return new NotebookDocument({ cells: sources.map((source) => blankCell('code', source)), metadata: {} })
}
const sources = (document: NotebookDocument) => document.cells.peek().map((cell) => cell.source.peek())
const at = (document: NotebookDocument, index: number): CellModel => document.cells.peek()[index]!
const OUTPUT = { kind: 'stream', name: 'stdout', text: 'x' } as const

describe('edits', () => {
  it('insert, and undo and redo it', () => {
    const document = documentOf('a', 'b')
    insertCell(document, 1, 'code', 'new')
    expect(sources(document)).toEqual(['a', 'new', 'b'])
    document.undoStack.undo()
    expect(sources(document)).toEqual(['a', 'b'])
    document.undoStack.redo()
    expect(sources(document)).toEqual(['a', 'new', 'b'])
    expect(document.undoStack.redo()).toBeNull()
  })

  it('delete gives back the very cell on undo, outputs and what it printed since included', () => {
    const document = documentOf('a', 'b', 'c')
    const gone = at(document, 1)
    gone.setOutputs([OUTPUT])
    expect(deleteCells(document, [gone])?.source.peek()).toBe('c')
    gone.setOutputs([OUTPUT, OUTPUT])
    expect(document.undoStack.undo()).toEqual([gone])
    expect(at(document, 1)).toBe(gone)
    expect(gone.outputs.peek()).toHaveLength(2)
  })

  it('delete never leaves a notebook without a cell', () => {
    const document = documentOf('a', 'b')
    deleteCells(document, document.cells.peek())
    expect(sources(document)).toEqual([''])
    document.undoStack.undo()
    expect(sources(document)).toEqual(['a', 'b'])
  })

  it('move cells together, not past the edge', () => {
    const document = documentOf('a', 'b', 'c')
    const pair = document.cells.peek().slice(1)
    expect(moveCells(document, pair, -1)).toBe(true)
    expect(sources(document)).toEqual(['b', 'c', 'a'])
    expect(moveCells(document, pair, -1)).toBe(false)
    expect(moveCells(document, pair, 1)).toBe(true)
    expect(moveCells(document, pair, 1)).toBe(false)
  })

  it('split leaves outputs with the last part, and is undone', () => {
    const document = documentOf('one\ntwo\nthree')
    const cell = at(document, 0)
    cell.setOutputs([OUTPUT])
    const parts = splitCell(document, cell, [4, 8])
    expect(sources(document)).toEqual(['one', 'two', 'three'])
    expect(parts.at(-1)).toBe(cell)
    expect(parts.map((part) => part.outputs.peek().length)).toEqual([0, 0, 1])
    document.undoStack.undo()
    expect(sources(document)).toEqual(['one\ntwo\nthree'])
  })

  it('split at the very start or end makes an empty part', () => {
    const document = documentOf('one')
    splitCell(document, at(document, 0), [0])
    expect(sources(document)).toEqual(['', 'one'])
  })

  it('join parts by an empty line, with the kind of the active cell', () => {
    const document = documentOf('a', 'b', 'c')
    changeKind(document, [at(document, 1)], 'markdown')
    mergeCells(document, document.cells.peek().slice(0, 2), at(document, 1))
    expect(sources(document)).toEqual(['a\n\nb', 'c'])
    expect(at(document, 0).kind.peek()).toBe('markdown')
    document.undoStack.undo()
    expect(sources(document)).toEqual(['a', 'b', 'c'])
    expect(at(document, 0).kind.peek()).toBe('code')
  })

  it('undo of a join loses nothing: redo brings back what was typed after it', () => {
    const document = documentOf('a', 'b')
    mergeCells(document, document.cells.peek(), at(document, 0))
    at(document, 0).setSource('edited')
    document.undoStack.undo()
    expect(sources(document)).toEqual(['a', 'b'])
    document.undoStack.redo()
    expect(sources(document)).toEqual(['edited'])
  })

  it('paste makes copies with ids of their own', () => {
    const document = documentOf('a')
    const [copy] = pasteCells(document, 1, [at(document, 0).toCell()])
    expect(sources(document)).toEqual(['a', 'a'])
    expect(copy?.id).not.toBe(at(document, 0).id)
  })

  it('change of kind drops outputs, and undo brings them back', () => {
    const document = documentOf('a')
    at(document, 0).setOutputs([OUTPUT])
    toHeading(document, at(document, 0), 2)
    expect(sources(document)).toEqual(['## a'])
    expect(at(document, 0).outputs.peek()).toEqual([])
    document.undoStack.undo()
    expect(at(document, 0).outputs.peek()).toEqual([OUTPUT])
  })

  it('each stored change grows the revision; looking and running state do not', () => {
    const document = documentOf('a')
    const before = document.revision.peek()
    at(document, 0).run.value = { state: 'running', startedAt: 0, milliseconds: null }
    at(document, 0).rendered.value = true
    expect(document.revision.peek()).toBe(before)
    at(document, 0).setSource('b')
    expect(document.revision.peek()).toBe(before + 1)
  })

  it('restore of an earlier version keeps the cells that stayed, and can be undone', () => {
    const document = documentOf('a', 'b')
    const old = document.toNotebook()
    const [first] = document.cells.peek()
    first?.setSource('A')
    insertCell(document, 2, 'code', 'c')
    document.restore(old)
    expect(sources(document)).toEqual(['a', 'b'])
    expect(at(document, 0)).toBe(first)
    document.undoStack.undo()
    expect(sources(document)).toEqual(['A', 'b', 'c'])
  })
})

describe('folds', () => {
  it('live where Jupyter keeps them, beside what else is there', () => {
    const document = documentOf('a')
    const cell = at(document, 0)
    cell.setMetadata({ jupyter: { other: 1 }, tags: ['x'], collapsed: false })
    setFolded(cell, 'outputs', true)
    expect(cell.metadata.peek()).toEqual({ jupyter: { other: 1, outputs_hidden: true }, tags: ['x'], collapsed: true })
    expect(isFolded(cell.metadata.peek(), 'outputs')).toBe(true)
    expect(isFolded(cell.metadata.peek(), 'source')).toBe(false)
    setFolded(cell, 'outputs', false)
    expect(cell.metadata.peek()).toEqual({ jupyter: { other: 1 }, tags: ['x'], collapsed: false })
  })
})

describe('selection', () => {
  it('steps, extends from its anchor and shrinks again', () => {
    const document = documentOf('a', 'b', 'c', 'd')
    const selection = new Selection(document)
    const chosen = () => selection.cells.peek().map((cell) => cell.source.peek())
    selection.select(at(document, 1))
    selection.step(1, { extend: true })
    selection.step(1, { extend: true })
    expect(chosen()).toEqual(['b', 'c', 'd'])
    expect(selection.step(1, { extend: true })).toBe(false)
    selection.step(-1, { extend: true })
    expect(chosen()).toEqual(['b', 'c'])
    selection.step(-1)
    expect(chosen()).toEqual(['b'])
    selection.selectAll()
    expect(chosen()).toEqual(['a', 'b', 'c', 'd'])
  })

  it('stays near when the active cell goes away', () => {
    const document = documentOf('a', 'b', 'c')
    const selection = new Selection(document)
    selection.select(at(document, 2))
    expect(selection.active.peek().source.peek()).toBe('c')
    deleteCells(document, [at(document, 2)])
    expect(selection.active.peek().source.peek()).toBe('b')
  })
})
