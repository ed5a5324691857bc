/** Follows the system unless a person chose otherwise; the choice stays in this browser. Not for: colours (tokens.css). */
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'

const STORAGE_KEY = 'rondo.theme'
const THEMES = ['system', 'light', 'dark'] as const
type Theme = (typeof THEMES)[number]

/** Fired on `document` after a change, for canvases that cannot follow CSS by themselves. */
export const THEME_EVENT = 'rondo:theme'

function stored(): Theme {
  try {
    const value = localStorage.getItem(STORAGE_KEY)
    return THEMES.find((theme) => theme === value) ?? 'system'
  } catch {
    return 'system' // storage may be blocked; the system's choice is then the only one
  }
}

function apply(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
  document.dispatchEvent(new Event(THEME_EVENT))
}

/** Call before the first paint. */
export function restoreTheme(): void {
  apply(stored())
}

export function ThemeToggle(): VNode {
  const [theme, setTheme] = useState<Theme>(stored)
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system'
  const choose = () => {
    try {
      localStorage.setItem(STORAGE_KEY, next)
    } catch {
      // The choice then lasts until the page closes.
    }
    setTheme(next)
    apply(next)
  }
  const label = `Colours: ${theme}. Switch to ${next}.`
  return (
    <button type="button" class="icon-button" onClick={choose} aria-label={label} title={label}>
      <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" fill="none" stroke="currentColor">
        <circle cx="8" cy="8" r="6.25" stroke-width="1.5" />
        {theme !== 'light' && <path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" fill="currentColor" stroke="none" />}
        {theme === 'dark' && <path d="M8 1.75a6.25 6.25 0 0 0 0 12.5z" fill="currentColor" stroke="none" />}
      </svg>
    </button>
  )
}
