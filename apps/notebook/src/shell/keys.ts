/** Hands key strokes on the notebook to commands. Keys in dialogs, menus and fields of the page are left alone. */
import { KeyMatcher } from '../keyboard/matcher.ts'
import { strokeOf } from '../keyboard/stroke.ts'
import { runCommand } from './commands.ts'
import type { OpenNotebook } from './open-notebook.ts'

export const IS_MAC = /mac|iphone|ipad/i.test(globalThis.navigator?.platform ?? '')

/** Starts to listen; the returned function ends it. */
export function listenForKeys(open: OpenNotebook): () => void {
  const matcher = new KeyMatcher(IS_MAC)
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || event.defaultPrevented || open.dialog.peek() !== null) return
    const stroke = strokeOf(event)
    const place = placeOf(event.target)
    if (stroke === null || place === null) return
    // Esc belongs to the editor first: it may close a list or a panel there and comes back if it did not.
    if (place === 'edit' && stroke === 'Escape') return
    const command = matcher.press(stroke, place, event.timeStamp)
    if (command === null) return
    // A button or a link under the focus keeps Enter and Space for itself.
    if (place === 'command' && isControl(event.target) && /^(Enter|Space|Shift-Space)$/.test(stroke)) return
    if (place === 'command' && MOVES.test(stroke) && movesWithin(event.target)) return
    event.preventDefault()
    event.stopPropagation()
    if (command !== 'pending' && !(event.repeat && ONCE.has(command))) runCommand(open, command)
  }
  document.addEventListener('keydown', onKeyDown, { capture: true })
  return () => document.removeEventListener('keydown', onKeyDown, { capture: true })
}

/** Commands that a held key must not repeat. */
const ONCE: ReadonlySet<string> = new Set(['run-advance', 'run-stay', 'run-insert', 'delete', 'cut', 'save'])

/** Keys that move within what has the focus, where something scrolls or unfolds there. */
const MOVES = /^(Arrow(Up|Down)|Home|End|Space|Shift-Space)$/

/** A log, a table or a value's tree in an output: it takes the focus, and it is no button. */
function movesWithin(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('.outputs, .run-panel') !== null &&
    target.matches('[tabindex]:not(.cell, button, a)')
  )
}

/** `edit` in a cell's text, `command` elsewhere on the notebook; null where keys belong to something else. */
function placeOf(target: EventTarget | null): 'command' | 'edit' | null {
  if (!(target instanceof Element)) return null
  if (target.closest('.cm-content') !== null) return 'edit'
  if (target.closest('dialog, [role="menu"], input, textarea, select, .cm-panel, [contenteditable="true"]') !== null)
    return null
  return target === document.body || target.closest('[data-notebook]') !== null ? 'command' : null
}

function isControl(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('button, a[href], summary, [role="button"], [tabindex]:not(.cell)') !== null
  )
}
