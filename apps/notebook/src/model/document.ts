/**
 * An open notebook: its cells in order, its metadata, and a revision that grows with every stored change, which
 * autosave follows. Not for: how cells are added, moved or joined (edits.ts), nor for files (nbformat.ts).
 */
import { batch, type Signal, signal } from '@preact/signals'
import { blankCell, CellModel } from './cell.ts'
import type { Cell, Notebook } from './notebook.ts'
import { UndoStack } from './undo.ts'

export class NotebookDocument {
  readonly cells: Signal<readonly CellModel[]>
  readonly metadata: Signal<Readonly<Record<string, unknown>>>
  /** Grows with every change that would be stored. */
  readonly revision = signal(0)
  readonly undoStack = new UndoStack(this)

  constructor(notebook: Notebook) {
    const cells = notebook.cells.length > 0 ? notebook.cells : [blankCell()]
    this.cells = signal(cells.map((cell) => this.adopt(cell)))
    this.metadata = signal(notebook.metadata)
  }

  /** A model for this data that tells this document of its changes; it is not in the document yet. */
  adopt(cell: Cell): CellModel {
    return new CellModel(cell, () => this.touch())
  }

  touch(): void {
    this.revision.value = this.revision.peek() + 1
  }

  setCells(cells: readonly CellModel[]): void {
    this.cells.value = cells
    this.touch()
  }

  find(id: string): CellModel | undefined {
    return this.cells.peek().find((cell) => cell.id === id)
  }

  indexOf(id: string): number {
    return this.cells.peek().findIndex((cell) => cell.id === id)
  }

  toNotebook(): Notebook {
    return { cells: this.cells.peek().map((cell) => cell.toCell()), metadata: this.metadata.peek() }
  }

  /** Replaces everything, for an earlier version that is restored. Ids that stay keep their cell. Can be undone. */
  restore(notebook: Notebook): void {
    batch(() => {
      const now = new Map(this.cells.peek().map((cell) => [cell.id, cell]))
      this.undoStack.record([...now.values()], () => {
        this.metadata.value = notebook.metadata
        this.setCells(
          notebook.cells.map((cell) => {
            const kept = now.get(cell.id)
            if (kept === undefined) return this.adopt(cell)
            kept.setState(cell)
            return kept
          }),
        )
      })
    })
  }
}
