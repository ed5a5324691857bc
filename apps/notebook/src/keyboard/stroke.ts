/** A pressed key as text: `Shift-Enter`, `Ctrl-Shift-Minus`, `D`. Letters are upper case, Shift is written out. */

/** The fields of a keyboard event that matter here. */
export interface KeyPress {
  key: string
  code: string
  ctrlKey: boolean
  shiftKey: boolean
  altKey: boolean
  metaKey: boolean
}

const MODIFIER_KEYS = new Set(['Shift', 'Control', 'Alt', 'AltGraph', 'Meta', 'CapsLock', 'Dead', 'Process'])

/** Keys whose character depends on Shift or the layout, by their place on the keyboard. */
const BY_CODE: Readonly<Record<string, string>> = {
  Minus: 'Minus',
  Space: 'Space',
  NumpadSubtract: 'Minus',
  NumpadEnter: 'Enter',
}

/** The stroke, or null while only modifiers are down. */
export function strokeOf({ key, code, ctrlKey, shiftKey, altKey, metaKey }: KeyPress): string | null {
  if (MODIFIER_KEYS.has(key)) return null
  // `_` and `-` share a key on most layouts, and on some Shift gives neither: both spellings count.
  const name = BY_CODE[code] ?? (key === '-' || key === '_' ? 'Minus' : key.length === 1 ? key.toUpperCase() : key)
  const modifiers = [metaKey && 'Meta', ctrlKey && 'Ctrl', altKey && 'Alt', shiftKey && 'Shift'].filter(Boolean)
  return [...modifiers, name].join('-')
}

/** A binding's stroke for this machine: `Mod` resolved, modifiers in {@link strokeOf}'s order. */
export function resolveStroke(stroke: string, mac: boolean): string {
  const parts = stroke.split('-').map((part) => (part === 'Mod' ? (mac ? 'Meta' : 'Ctrl') : part))
  const name = parts.at(-1)
  return [...['Meta', 'Ctrl', 'Alt', 'Shift'].filter((modifier) => parts.includes(modifier)), name].join('-')
}

/** For people: `⇧⌘Z` parts on a Mac, `Ctrl Shift Z` elsewhere. */
export function strokeLabel(stroke: string, mac: boolean): string[] {
  const names: Readonly<Record<string, string>> = {
    Mod: mac ? '⌘' : 'Ctrl',
    Alt: mac ? '⌥' : 'Alt',
    Shift: mac ? '⇧' : 'Shift',
    Ctrl: mac ? '⌃' : 'Ctrl',
    ArrowUp: '↑',
    ArrowDown: '↓',
    Escape: 'Esc',
    Minus: '−',
  }
  return stroke.split('-').map((part) => names[part] ?? part)
}
