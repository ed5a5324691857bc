/**
 * One notebook while it is open: document, selection, queue, saving, and what may be done with it (read-only, not
 * trusted yet). Not for: what keys and buttons do (commands.ts) or how it looks.
 */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { CellEditor } from '../editor/cell-editor.ts'
import type { KernelPort } from '../kernel/port.ts'
import type { CellModel } from '../model/cell.ts'
import { NotebookDocument } from '../model/document.ts'
import type { Cell, Notebook } from '../model/notebook.ts'
import { NotebookRunner } from '../model/runner.ts'
import { Selection } from '../model/selection.ts'
import { Autosave, type SaveState } from '../storage/autosave.ts'
import type { NotebookLibrary } from '../storage/library.ts'
import type { NotebookRecord } from '../storage/store.ts'

/** Milliseconds after which the kernel is loaded even if the page has no quiet moment. */
const KERNEL_LATEST_MS = 2_000
const KERNEL_QUIET_MS = 200

/** What is asked or shown on top of the notebook. */
export type Dialog = 'help' | 'history' | 'restart' | 'restart-run-all' | null

export interface OpenOptions {
  library: NotebookLibrary
  port: KernelPort
  notebook: Notebook
  /** null: a file that is only shown and never stored. */
  record: NotebookRecord | null
  /** Name of a file that is only shown. */
  name?: string
  /** Why it can only be read; empty when it can be edited. */
  problems?: readonly string[]
}

export class OpenNotebook {
  readonly document: NotebookDocument
  readonly selection: Selection
  readonly runner: NotebookRunner
  readonly port: KernelPort
  readonly library: NotebookLibrary
  readonly record: Signal<NotebookRecord | null>
  readonly name: ReadonlySignal<string>
  readonly problems: readonly string[]
  readonly readOnly: boolean
  readonly trusted: ReadonlySignal<boolean>
  readonly saveState: ReadonlySignal<SaveState | null>
  readonly dialog = signal<Dialog>(null)
  readonly lineNumbers = signal(false)
  /** Editors of cells near the screen, by cell id. */
  readonly editors = new Map<string, CellEditor>()
  /** A sentence for screen readers about what a key just did. */
  readonly announcement = signal('')
  readonly #autosave: Autosave | null
  /** Writes of the record are one after another: each needs the revision of the one before. */
  #writing: Promise<void> = Promise.resolve()

  constructor({ library, port, notebook, record, name = 'notebook.ipynb', problems = [] }: OpenOptions) {
    this.library = library
    this.port = port
    this.document = new NotebookDocument(notebook)
    this.selection = new Selection(this.document)
    this.runner = new NotebookRunner(this.document, port)
    this.record = signal(record)
    this.name = computed(() => this.record.value?.name ?? name)
    this.problems = problems
    this.readOnly = record === null
    this.trusted = computed(() => this.record.value?.trusted ?? false)
    this.#autosave =
      record === null
        ? null
        : new Autosave(this.document, record.savedAt, (options) =>
            this.#change((known) => library.save(known, this.document.toNotebook(), options)),
          )
    this.saveState = computed(() => this.#autosave?.state.value ?? null)
    if (!this.readOnly) prepareLater(port)
    const [first] = this.document.cells.peek()
    if (first !== undefined) this.selection.select(first, isBlank(this.document) ? 'edit' : 'command')
  }

  /** True when cells may run: the reader wrote, made or trusted this notebook. */
  get mayRun(): boolean {
    return this.trusted.peek() && !this.readOnly
  }

  save(keep = false): Promise<void> {
    return this.#autosave?.flush({ keep }) ?? Promise.resolve()
  }

  get isUnsaved(): boolean {
    return this.#autosave?.isDirty ?? false
  }

  rename(name: string): Promise<void> {
    return this.#change((known) => this.library.rename(known, name))
  }

  trust(): Promise<void> {
    return this.#change((known) => this.library.trust(known))
  }

  /** Puts an earlier version in place of what is shown; that becomes a version itself. Can be undone with Z. */
  async restore(at: number): Promise<void> {
    await this.save()
    let restored: Notebook | null = null
    await this.#change(async (known) => {
      const result = await this.library.restore(known, this.document.toNotebook(), at)
      restored = result.notebook
      return result.record
    })
    if (restored !== null) this.document.restore(restored)
  }

  /** Stores what is shown as a notebook of its own. */
  saveCopy(): Promise<NotebookRecord> {
    const name = this.name.peek().replace(/(\.ipynb)?$/, ' (copy).ipynb')
    const trusted = this.record.peek()?.trusted ?? false
    return this.library.create(this.document.toNotebook(), { name, trusted })
  }

  /** Runs cells if the notebook may; otherwise says why not. */
  run(cells: readonly CellModel[]): void {
    if (this.mayRun) {
      this.runner.run(cells)
      return
    }
    this.runner.render(cells)
    if (cells.some((cell) => cell.kind.peek() === 'code')) {
      this.announcement.value = this.readOnly
        ? 'This notebook can only be read; make a copy to run it.'
        : 'This notebook is from elsewhere; nothing runs until you trust it.'
    }
  }

  /** Text of a line of a cell as it is now, for error views. */
  sourceLine(cellId: string, line: number): string | null {
    return this.document.find(cellId)?.source.peek().split('\n')[line - 1] ?? null
  }

  jumpTo(cellId: string, line: number, column: number): void {
    const cell = this.document.find(cellId)
    if (cell === undefined) return
    this.selection.select(cell, 'edit')
    requestAnimationFrame(() => this.editors.get(cellId)?.jumpTo(line, column))
  }

  async close(): Promise<void> {
    await this.#autosave?.dispose()
  }

  #change(write: (known: NotebookRecord) => Promise<NotebookRecord>): Promise<void> {
    const next = this.#writing.then(async () => {
      const known = this.record.peek()
      if (known !== null) this.record.value = await write(known)
    })
    this.#writing = next.catch(() => undefined)
    return next
  }
}

/** Cells that were cut or copied, for every notebook of this page. */
export const clipboard = signal<readonly Cell[]>([])

function isBlank(document: NotebookDocument): boolean {
  const cells = document.cells.peek()
  return cells.length === 1 && cells[0]?.source.peek() === ''
}

/** The kernel loads after the text, which people read first. Safari knows no idle time. */
function prepareLater(port: KernelPort): void {
  const later = globalThis.requestIdleCallback ?? ((call: () => void) => setTimeout(call, KERNEL_QUIET_MS))
  later(() => port.prepare(), { timeout: KERNEL_LATEST_MS })
}
