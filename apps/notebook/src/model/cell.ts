/**
 * One cell while it is open: what the file stores, as signals, and what only lives with the page (is it running,
 * is its Markdown shown). Every stored change tells the document. Not for: the order of cells (edits.ts).
 */
import { type Signal, signal } from '@preact/signals'
import type { MimeBundle } from '@rondo/kernel/output'
import { newCellId } from './cell-id.ts'
import type { Cell, CellKind, CellOutput } from './notebook.ts'

/** Where a cell stands with the kernel. */
export interface CellRun {
  state: 'idle' | 'queued' | 'running'
  /** Page clock (`performance.now`), ms; null unless it runs. */
  startedAt: number | null
  /** How long the last run took, ms; null before the first. */
  milliseconds: number | null
}

/** A line to point at in the editor, 1-based. */
export interface LineMark {
  line: number
  column: number
  message: string
}

/** The stored fields of a cell, as undo keeps them. */
export interface CellState {
  kind: CellKind
  source: string
  metadata: Readonly<Record<string, unknown>>
  attachments: Readonly<Record<string, MimeBundle>> | null
  outputs: readonly CellOutput[]
  executionCount: number | null
}

export const IDLE: CellRun = { state: 'idle', startedAt: null, milliseconds: null }

export class CellModel {
  readonly id: string
  readonly kind: Signal<CellKind>
  readonly source: Signal<string>
  readonly metadata: Signal<Readonly<Record<string, unknown>>>
  readonly attachments: Signal<Readonly<Record<string, MimeBundle>> | null>
  readonly outputs: Signal<readonly CellOutput[]>
  readonly executionCount: Signal<number | null>

  readonly run = signal<CellRun>(IDLE)
  readonly mark = signal<LineMark | null>(null)
  /** Markdown cells: shown as text (true) or as source. */
  readonly rendered: Signal<boolean>
  /** True once this cell ran here: its outputs are this reader's own. */
  readonly ranHere = signal(false)
  readonly #touch: () => void

  /** @param touch Called after every change of what is stored. */
  constructor(cell: Cell, touch: () => void) {
    this.id = cell.id
    this.kind = signal(cell.kind)
    this.source = signal(cell.source)
    this.metadata = signal(cell.metadata)
    this.attachments = signal(cell.attachments)
    this.outputs = signal(cell.outputs)
    this.executionCount = signal(cell.executionCount)
    this.rendered = signal(cell.kind === 'markdown' && cell.source.trim() !== '')
    this.#touch = touch
  }

  setSource(source: string): void {
    if (source === this.source.peek()) return
    this.source.value = source
    this.mark.value = null
    this.#touch()
  }

  setOutputs(outputs: readonly CellOutput[]): void {
    if (outputs === this.outputs.peek()) return
    this.outputs.value = outputs
    this.#touch()
  }

  setExecutionCount(count: number | null): void {
    if (count === this.executionCount.peek()) return
    this.executionCount.value = count
    this.#touch()
  }

  setMetadata(metadata: Readonly<Record<string, unknown>>): void {
    this.metadata.value = metadata
    this.#touch()
  }

  clearOutputs(): void {
    this.setOutputs([])
    this.setExecutionCount(null)
    this.mark.value = null
  }

  /** The stored fields as they are now. */
  state(): CellState {
    return {
      kind: this.kind.peek(),
      source: this.source.peek(),
      metadata: this.metadata.peek(),
      attachments: this.attachments.peek(),
      outputs: this.outputs.peek(),
      executionCount: this.executionCount.peek(),
    }
  }

  /** Takes stored fields back, for undo and for edits that change several at once. */
  setState(state: CellState): void {
    this.kind.value = state.kind
    this.source.value = state.source
    this.metadata.value = state.metadata
    this.attachments.value = state.attachments
    this.outputs.value = state.outputs
    this.executionCount.value = state.executionCount
    this.rendered.value = state.kind === 'markdown' && this.rendered.peek()
    this.#touch()
  }

  toCell(): Cell {
    return { id: this.id, ...this.state() }
  }
}

/** A cell as data, with nothing in it yet. */
export function blankCell(kind: CellKind = 'code', source = ''): Cell {
  return { id: newCellId(), kind, source, metadata: {}, attachments: null, outputs: [], executionCount: null }
}
