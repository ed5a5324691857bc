/** A modal sheet on the browser's own dialog: it keeps the focus inside, closes with Esc and gives the focus back. */
import type { ComponentChildren, VNode } from 'preact'
import { useId, useLayoutEffect, useRef } from 'preact/hooks'

export interface SheetProps {
  title: string
  onClose: () => void
  children: ComponentChildren
  class?: string
}

export function Sheet({ title, onClose, children, class: className = '' }: SheetProps): VNode {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  const closed = useRef(false)
  useLayoutEffect(() => {
    dialog.current?.showModal()
  }, [])
  // At once, not with the event that the browser sends a moment later: a key in between belongs to the notebook.
  const close = (): void => {
    if (closed.current) return
    closed.current = true
    dialog.current?.close()
    onClose()
  }
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a press on the backdrop; the keyboard's way is Esc
    <dialog
      ref={dialog}
      class={`sheet ${className}`}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        close()
      }}
      onSubmit={(event) => {
        event.preventDefault()
        close()
      }}
      onClose={close}
      onClick={(event) => {
        // A press on the backdrop is a press on the dialog itself.
        if (event.target === dialog.current) close()
      }}
    >
      <div class="sheet-body">
        <div class="sheet-head">
          <h2 id={titleId}>{title}</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={close}>
            <span aria-hidden="true">✕</span>
          </button>
        </div>
        {children}
      </div>
    </dialog>
  )
}

export interface ConfirmProps {
  title: string
  text: string
  action: string
  onConfirm: () => void
  onClose: () => void
}

/** One question, answered by Enter or Esc. */
export function Confirm({ title, text, action, onConfirm, onClose }: ConfirmProps): VNode {
  return (
    <Sheet title={title} onClose={onClose} class="sheet-small">
      <p>{text}</p>
      <form method="dialog" class="sheet-actions">
        <button type="submit" class="button">
          Cancel
        </button>
        {/* biome-ignore lint/a11y/noAutofocus: a dialog that a person just asked for */}
        <button type="submit" class="button button-primary" autoFocus onClick={onConfirm}>
          {action}
        </button>
      </form>
    </Sheet>
  )
}
