/** Shift-Tab: what the kernel knows of the name before the cursor, in a line above it. Not for: full documentation. */
import { StateEffect, StateField } from '@codemirror/state'
import { type EditorView, showTooltip, type Tooltip } from '@codemirror/view'
import type { CompletionSource } from '../kernel/port.ts'

const setTooltip = StateEffect.define<Tooltip | null>()

/** Gone with the next edit or move of the cursor. */
export const signatureField = StateField.define<Tooltip | null>({
  create: () => null,
  update(shown, transaction) {
    for (const effect of transaction.effects) if (effect.is(setTooltip)) return effect.value
    return transaction.docChanged || transaction.selection !== undefined ? null : shown
  },
  provide: (field) => showTooltip.from(field),
})

/** True when there is a name to ask about; false leaves Shift-Tab to dedent. */
export function toggleSignature(view: EditorView, source: CompletionSource): boolean {
  const { main } = view.state.selection
  const line = view.state.doc.lineAt(main.head)
  const before = line.text.slice(0, main.head - line.from)
  const name = /([\w$\p{L}]+)\(?[^()]*$/u.exec(before)
  if (!main.empty || name?.[1] === undefined || before.trim() === '') return false
  const end = line.from + name.index + name[1].length
  void ask(view, source, end, name[1])
  return true
}

async function ask(view: EditorView, source: CompletionSource, end: number, name: string): Promise<void> {
  const { state } = view
  try {
    const { items } = await source.complete(state.doc.toString(), end)
    const found = items.find(({ label }) => label === name)
    if (view.state !== state || found === undefined) return
    const text = found.detail === '' ? `${name}: ${found.type}` : `${name}  ${found.detail}`
    view.dispatch({
      effects: setTooltip.of({ pos: end - name.length, above: true, create: () => ({ dom: line(text) }) }),
    })
  } catch {
    // A kernel that cannot answer leaves the line empty; typing goes on.
  }
}

function line(text: string): HTMLElement {
  const dom = document.createElement('div')
  dom.className = 'cm-signature'
  dom.textContent = text
  return dom
}
