/**
 * Undo and redo of what is done to whole cells: insert, delete, move, split, join, paste, change of kind. Typing
 * inside a cell has the editor's own undo. Nothing is lost by undoing: redo brings back what undo took away, with
 * what was typed since.
 */
import { batch, signal } from '@preact/signals'
import type { CellModel, CellState } from './cell.ts'
import type { NotebookDocument } from './document.ts'

/** Steps that are kept; each holds references to cells, whose outputs may be large. */
const MAX_STEPS = 100

/** The order of cells and the stored fields of those that a step changes. */
interface Shape {
  cells: readonly CellModel[]
  states: ReadonlyMap<CellModel, CellState>
}

export class UndoStack {
  readonly canUndo = signal(false)
  readonly canRedo = signal(false)
  readonly #document: NotebookDocument
  #undo: Shape[] = []
  #redo: Shape[] = []

  constructor(document: NotebookDocument) {
    this.#document = document
  }

  /** Runs `change` as one step. `changed` are the cells whose own fields it changes; the order is always kept. */
  record<T>(changed: readonly CellModel[], change: () => T): T {
    const before = this.#capture(changed)
    const result = batch(change)
    this.#undo.push(before)
    if (this.#undo.length > MAX_STEPS) this.#undo.shift()
    this.#redo = []
    this.#publish()
    return result
  }

  /** Takes the last step back. Returns the cells that came or changed, for the selection; null if there is none. */
  undo(): readonly CellModel[] | null {
    return this.#swap(this.#undo, this.#redo)
  }

  redo(): readonly CellModel[] | null {
    return this.#swap(this.#redo, this.#undo)
  }

  #swap(from: Shape[], to: Shape[]): readonly CellModel[] | null {
    const shape = from.pop()
    if (shape === undefined) return null
    const now = this.#document.cells.peek()
    to.push(this.#capture([...shape.states.keys()]))
    batch(() => {
      for (const [cell, state] of shape.states) cell.setState(state)
      this.#document.setCells(shape.cells)
    })
    this.#publish()
    const came = shape.cells.filter((cell) => !now.includes(cell))
    return came.length > 0 ? came : shape.cells.filter((cell) => shape.states.has(cell))
  }

  #capture(changed: readonly CellModel[]): Shape {
    return {
      cells: this.#document.cells.peek(),
      states: new Map(changed.map((cell) => [cell, cell.state()])),
    }
  }

  #publish(): void {
    this.canUndo.value = this.#undo.length > 0
    this.canRedo.value = this.#redo.length > 0
  }
}
