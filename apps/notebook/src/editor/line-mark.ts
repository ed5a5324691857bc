/** Marks the line of a cell that an error points to. Gone with the next edit of the cell. */
import { StateEffect, StateField } from '@codemirror/state'
import { Decoration, type DecorationSet, EditorView } from '@codemirror/view'
import type { LineMark } from '../model/cell.ts'

export const setLineMark = StateEffect.define<LineMark | null>()

export const lineMarkField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(setLineMark))
        return effect.value === null ? Decoration.none : decorate(effect.value, transaction.state.doc)
    }
    return transaction.docChanged ? Decoration.none : marks
  },
  provide: (field) => EditorView.decorations.from(field),
})

function decorate({ line, column, message }: LineMark, doc: EditorView['state']['doc']): DecorationSet {
  if (line < 1 || line > doc.lines) return Decoration.none
  const at = doc.line(line)
  const marks = [Decoration.line({ class: 'cm-lineMark', attributes: { title: message } }).range(at.from)]
  const from = at.from + Math.max(0, column - 1)
  const word = /^[\w$]+|^./.exec(at.text.slice(from - at.from))?.[0] ?? ''
  if (from < at.to && word !== '')
    marks.push(Decoration.mark({ class: 'cm-columnMark' }).range(from, from + word.length))
  return Decoration.set(marks)
}
