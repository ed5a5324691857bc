/**
 * What every cell's text editor is made of. One place names CodeMirror's parts; languages come by kind of cell,
 * Markdown's only when one is edited. Not for: which cell is edited or what the notebook's keys do.
 */
import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  completionStatus,
  startCompletion,
} from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from '@codemirror/commands'
import { javascript } from '@codemirror/lang-javascript'
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState, type Extension, Prec } from '@codemirror/state'
import { drawSelection, EditorView, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view'
import type { CompletionSource } from '../kernel/port.ts'
import type { CellKind } from '../model/notebook.ts'
import { kernelCompletion } from './completion.ts'
import { lineMarkField } from './line-mark.ts'
import { editorTheme } from './theme.ts'
import { signatureField, toggleSignature } from './tooltip.ts'

const INDENT = '  '

/** The cursor is to leave the cell over its upper (-1) or lower (1) edge. */
export type LeaveEdge = (by: -1 | 1) => boolean

export interface EditorOptions {
  label: string
  completion: CompletionSource
  onChange: (text: string) => void
  onLeave: LeaveEdge
  /** Esc that no open panel or list took. */
  onEscape: () => boolean
}

/** Parts that change while an editor lives. */
export const parts = { language: new Compartment(), lineNumbers: new Compartment(), readOnly: new Compartment() }

export function readOnlyPart(readOnly: boolean): Extension {
  return readOnly ? [EditorState.readOnly.of(true), EditorView.editable.of(false)] : []
}

export function lineNumbersPart(shown: boolean): Extension {
  return shown ? lineNumbers() : []
}

/** The language of a kind of cell; Markdown's arrives later as a promise. */
export function languagePart(kind: CellKind): { now: Extension; later: Promise<Extension> | null } {
  switch (kind) {
    case 'code':
      return { now: CODE, later: null }
    case 'markdown':
      return { now: EditorView.lineWrapping, later: import('./markdown.ts').then((module) => module.MARKDOWN) }
    case 'raw':
      return { now: EditorView.lineWrapping, later: null }
    default:
      return kind satisfies never
  }
}

const CODE: Extension = [javascript({ typescript: true }), bracketMatching(), closeBrackets(), indentOnInput()]

/** Everything that is the same for all kinds. */
export function commonExtensions({ label, completion, onChange, onLeave, onEscape }: EditorOptions): Extension {
  return [
    history(),
    drawSelection(),
    highlightSpecialChars(),
    highlightSelectionMatches(),
    search({ top: true }),
    indentUnit.of(INDENT),
    EditorState.tabSize.of(2),
    editorTheme,
    lineMarkField,
    signatureField,
    autocompletion({
      override: [kernelCompletion(completion)],
      // As in Jupyter a list comes when Tab asks for it, so that Enter and Esc always mean the same while typing.
      activateOnTyping: false,
      interactionDelay: 0,
      icons: false,
      tooltipClass: () => 'completion',
    }),
    // Long lines scroll sideways, which the keyboard must reach.
    EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString())
    }),
    Prec.high(
      keymap.of([
        { key: 'Tab', run: completeOrIndent, shift: (view) => toggleSignature(view, completion) || indentLess(view) },
        { key: 'ArrowUp', run: (view) => atEdge(view, -1) && onLeave(-1) },
        { key: 'ArrowDown', run: (view) => atEdge(view, 1) && onLeave(1) },
      ]),
    ),
    keymap.of([...closeBracketsKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...withoutEscape]),
    Prec.lowest(keymap.of([{ key: 'Escape', run: onEscape }])),
  ]
}

/** CodeMirror's own Esc drops a selection; here it leaves the text. */
const withoutEscape = defaultKeymap.filter(({ key }) => key !== 'Escape')

/** Tab: takes the open proposal, else proposes after a name or a dot, else indents. */
function completeOrIndent(view: EditorView): boolean {
  if (completionStatus(view.state) !== null) {
    acceptCompletion(view)
    return true
  }
  const { main } = view.state.selection
  const line = view.state.doc.lineAt(main.head)
  const before = line.text.slice(0, main.head - line.from)
  if (main.empty && /[\w$.%\p{L}]$/u.test(before)) return startCompletion(view)
  return main.empty ? insertIndent(view) : indentMore(view)
}

function insertIndent(view: EditorView): boolean {
  if (view.state.readOnly) return false
  view.dispatch(view.state.replaceSelection(INDENT), { scrollIntoView: true, userEvent: 'input' })
  return true
}

/** True when nothing is selected and moving up (-1) or down (1) would leave the text. */
function atEdge(view: EditorView, by: -1 | 1): boolean {
  const { main } = view.state.selection
  if (!main.empty || completionStatus(view.state) === 'active') return false
  const { doc } = view.state
  if (doc.lineAt(main.head).number !== (by === 1 ? doc.lines : 1)) return false
  // A wrapped line has several rows: only the outermost one is the edge.
  const moved = view.moveVertically(main, by === 1).head
  const here = view.coordsAtPos(main.head)
  const there = view.coordsAtPos(moved)
  return here === null || there === null || Math.abs(here.top - there.top) < 2
}
