/** A button with a list of actions below it, usable with arrows, Home, End and Esc. Not for: choosing a value. */
import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

export interface MenuItem {
  label: string
  /** Key to the same thing, for reading. */
  keys?: string
  disabled?: boolean
  /** Draws a line above. */
  separated?: boolean
  onSelect: () => void
}

export interface MenuProps {
  label: string
  children: ComponentChildren
  items: readonly MenuItem[]
  class?: string
  align?: 'start' | 'end'
}

export function Menu({ label, children, items, class: className = 'icon-button', align = 'start' }: MenuProps): VNode {
  const [open, setOpen] = useState(false)
  const root = useRef<HTMLDivElement>(null)
  const buttons = () => [
    ...(root.current?.querySelectorAll<HTMLButtonElement>('[role="menuitem"]:not(:disabled)') ?? []),
  ]

  useEffect(() => {
    if (!open) return
    buttons()[0]?.focus()
    const onPress = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false)
    }
    document.addEventListener('pointerdown', onPress)
    return () => document.removeEventListener('pointerdown', onPress)
  }, [open])

  const close = () => {
    setOpen(false)
    root.current?.querySelector<HTMLButtonElement>('[aria-haspopup]')?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const all = buttons()
    const at = all.indexOf(document.activeElement as HTMLButtonElement)
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1 + all.length,
      Home: 0,
      End: all.length - 1,
    }
    const step = steps[event.key]
    if (event.key === 'Escape') close()
    else if (event.key === 'Tab') setOpen(false)
    else if (step !== undefined) all[step % all.length]?.focus()
    if (step !== undefined || event.key === 'Escape') {
      event.preventDefault()
      event.stopPropagation()
    }
  }
  return (
    <div class="menu" ref={root}>
      <button
        type="button"
        class={className}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {children}
      </button>
      {open && (
        <div class={`menu-list menu-${align}`} role="menu" aria-label={label} onKeyDown={onKeyDown}>
          {items.map((item) => (
            <button
              key={item.label}
              type="button"
              role="menuitem"
              class={item.separated === true ? 'menu-item menu-separated' : 'menu-item'}
              disabled={item.disabled === true}
              tabIndex={-1}
              onClick={() => {
                close()
                item.onSelect()
              }}
            >
              <span>{item.label}</span>
              {item.keys !== undefined && <span class="soft">{item.keys}</span>}
            </button>
          ))}
        </div>
      )}
    </div>
  )
}
