/**
 * Which cells are meant: one active cell, a range from an anchor to it, and whether keys go to the notebook
 * (command) or into the cell's text (edit). Not for: focus in the page (shell) or what keys do (keyboard).
 */
import { batch, computed, type ReadonlySignal, signal } from '@preact/signals'
import type { CellModel } from './cell.ts'
import type { NotebookDocument } from './document.ts'

export type Mode = 'command' | 'edit'

export class Selection {
  readonly mode = signal<Mode>('command')
  /** The cells of the range, in document order; at least the active one. */
  readonly cells: ReadonlySignal<readonly CellModel[]>
  readonly active: ReadonlySignal<CellModel>
  readonly #document: NotebookDocument
  readonly #activeId = signal('')
  readonly #anchorId = signal<string | null>(null)
  /** Where the active cell stood, for when it goes away. */
  #lastIndex = 0

  constructor(document: NotebookDocument) {
    this.#document = document
    this.active = computed(() => {
      const cells = document.cells.value
      const index = cells.findIndex((cell) => cell.id === this.#activeId.value)
      if (index >= 0) this.#lastIndex = index
      return cells[index] ?? cells[Math.min(this.#lastIndex, cells.length - 1)]!
    })
    this.cells = computed(() => {
      const cells = document.cells.value
      const active = cells.indexOf(this.active.value)
      const anchor = cells.findIndex((cell) => cell.id === this.#anchorId.value)
      if (anchor === -1) return [this.active.value]
      return cells.slice(Math.min(active, anchor), Math.max(active, anchor) + 1)
    })
  }

  /** Index of the active cell. */
  get index(): number {
    return this.#document.cells.peek().indexOf(this.active.peek())
  }

  select(cell: CellModel, mode: Mode = 'command'): void {
    batch(() => {
      this.#activeId.value = cell.id
      this.#anchorId.value = null
      this.mode.value = mode
    })
  }

  /** The range from the anchor, or from the cell that was active, to this cell. */
  extendTo(cell: CellModel): void {
    batch(() => {
      this.#anchorId.value ??= this.active.peek().id
      this.#activeId.value = cell.id
      this.mode.value = 'command'
    })
  }

  selectAll(): void {
    const cells = this.#document.cells.peek()
    batch(() => {
      this.#anchorId.value = cells[0]?.id ?? null
      this.#activeId.value = cells.at(-1)?.id ?? ''
      this.mode.value = 'command'
    })
  }

  /** Selects these neighbouring cells, the last one active. */
  selectRange(cells: readonly CellModel[]): void {
    const [first] = cells
    const last = cells.at(-1)
    if (first === undefined || last === undefined) return
    this.select(last)
    if (first !== last) this.#anchorId.value = first.id
  }

  /** Moves the active cell by one; with `extend` the anchor stays. False at the edge. */
  step(by: -1 | 1, options: { extend?: boolean; mode?: Mode } = {}): boolean {
    const next = this.#document.cells.peek()[this.index + by]
    if (next === undefined) return false
    if (options.extend === true) this.extendTo(next)
    else this.select(next, options.mode)
    return true
  }
}
