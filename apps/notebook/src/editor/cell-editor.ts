/**
 * The text editor of one cell: made when the cell comes near the screen, taken down when it is far, with its state
 * (undo history, cursor) kept in between. Follows the cell's signals. Not for: the cell around it (shell).
 */
import { historyField } from '@codemirror/commands'
import { EditorState, type Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { effect } from '@preact/signals'
import type { CellModel } from '../model/cell.ts'
import { setLineMark } from './line-mark.ts'
import { commonExtensions, type EditorOptions, languagePart, lineNumbersPart, parts, readOnlyPart } from './setup.ts'

/** States of editors that were taken down, as JSON: text, cursor and undo history. */
const kept = new WeakMap<CellModel, { doc: unknown }>()
const FIELDS = { history: historyField }

export interface CellEditorOptions extends Omit<EditorOptions, 'onChange'> {
  readOnly: boolean
  lineNumbers: { value: boolean }
}

export class CellEditor {
  readonly view: EditorView
  readonly #cell: CellModel
  readonly #stops: Array<() => void>

  constructor(parent: HTMLElement, cell: CellModel, options: CellEditorOptions) {
    this.#cell = cell
    const state = stateOf(cell, [
      parts.readOnly.of(readOnlyPart(options.readOnly)),
      parts.lineNumbers.of([]),
      parts.language.of([]),
      commonExtensions({ ...options, onChange: (text) => cell.setSource(text) }),
    ])
    this.view = new EditorView({ state, parent })
    this.#stops = [
      effect(() => this.#follow(cell.source.value)),
      effect(() => this.#useLanguage(cell.kind.value)),
      effect(() => this.view.dispatch({ effects: setLineMark.of(cell.mark.value) })),
      effect(() =>
        this.view.dispatch({ effects: parts.lineNumbers.reconfigure(lineNumbersPart(options.lineNumbers.value)) }),
      ),
    ]
  }

  /** Puts the cursor into the text; at its start or end when the cursor comes from a neighbour. */
  focus(at?: 'start' | 'end'): void {
    if (at !== undefined) {
      this.view.dispatch({ selection: { anchor: at === 'start' ? 0 : this.view.state.doc.length } })
    }
    this.view.focus()
  }

  /** Cursor positions, for a split. */
  cursors(): number[] {
    return this.view.state.selection.ranges.flatMap(({ from, to }) => (from === to ? [from] : [from, to]))
  }

  /** Shows a place, 1-based, and puts the cursor there. */
  jumpTo(line: number, column: number): void {
    const { doc } = this.view.state
    const at = doc.line(Math.min(Math.max(1, line), doc.lines))
    const anchor = Math.min(at.to, at.from + Math.max(0, column - 1))
    this.view.dispatch({ selection: { anchor }, scrollIntoView: true })
    this.view.focus()
  }

  dispose(): void {
    kept.set(this.#cell, this.view.state.toJSON(FIELDS))
    for (const stop of this.#stops) stop()
    this.view.destroy()
  }

  /** The cell's text was changed from outside: a split, a join, an undo, a restore. */
  #follow(source: string): void {
    const { doc } = this.view.state
    // The editor knows one kind of line end; others stay in the cell until its text is edited.
    if (doc.toString() === source.replace(/\r\n?/g, '\n')) return
    this.view.dispatch({ changes: { from: 0, to: doc.length, insert: source } })
  }

  #useLanguage(kind: CellModel['kind']['value']): void {
    const { now, later } = languagePart(kind)
    this.view.dispatch({ effects: parts.language.reconfigure(now) })
    void later?.then((extension) => {
      if (this.#cell.kind.peek() === kind) this.view.dispatch({ effects: parts.language.reconfigure(extension) })
    })
  }
}

/** Where this cell's last editor left off, or a new state if the text was changed since. */
function stateOf(cell: CellModel, extensions: Extension): EditorState {
  const doc = cell.source.peek()
  const last = kept.get(cell)
  return last?.doc === doc
    ? EditorState.fromJSON(last, { extensions }, FIELDS)
    : EditorState.create({ doc, extensions })
}
