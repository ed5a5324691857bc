/** Jupyter's keys: every one that people rely on leads to its command, in its mode only, on both kinds of keyboard. */
import { describe, expect, it } from 'vitest'
import { BINDINGS } from './bindings.ts'
import { KeyMatcher } from './matcher.ts'
import { type KeyPress, resolveStroke, strokeLabel, strokeOf } from './stroke.ts'

/** A key event: `press('Ctrl', 'Shift', '_', 'Minus')`. */
function press(key: string, modifiers: readonly string[] = [], code = ''): KeyPress {
  return {
    key,
    code,
    ctrlKey: modifiers.includes('Ctrl'),
    shiftKey: modifiers.includes('Shift'),
    altKey: modifiers.includes('Alt'),
    metaKey: modifiers.includes('Meta'),
  }
}

function commandOf(events: KeyPress[], mode: 'command' | 'edit', mac = false) {
  const matcher = new KeyMatcher(mac)
  return events.map((event) => matcher.press(strokeOf(event) ?? '', mode, 0)).at(-1)
}

describe('keys of both modes', () => {
  it.each([
    [press('Enter', ['Shift']), 'run-advance'],
    [press('Enter', ['Ctrl']), 'run-stay'],
    [press('Enter', ['Alt']), 'run-insert'],
    [press('s', ['Ctrl']), 'save'],
  ] as const)('%o → %s', (event, command) => {
    expect(commandOf([event], 'command')).toBe(command)
    expect(commandOf([event], 'edit')).toBe(command)
  })
})

describe('keys of command mode', () => {
  it.each([
    [[press('Enter')], 'enter-edit'],
    [[press('ArrowUp')], 'select-above'],
    [[press('ArrowDown')], 'select-below'],
    [[press('k')], 'select-above'],
    [[press('j')], 'select-below'],
    [[press('ArrowUp', ['Shift'])], 'extend-above'],
    [[press('ArrowDown', ['Shift'])], 'extend-below'],
    [[press('a')], 'insert-above'],
    [[press('b')], 'insert-below'],
    [[press('d'), press('d')], 'delete'],
    [[press('z')], 'undo'],
    [[press('Z', ['Shift'])], 'redo'],
    [[press('m')], 'to-markdown'],
    [[press('y')], 'to-code'],
    [[press('r')], 'to-raw'],
    [[press('1')], 'heading-1'],
    [[press('x')], 'cut'],
    [[press('c')], 'copy'],
    [[press('v')], 'paste-below'],
    [[press('V', ['Shift'])], 'paste-above'],
    [[press('M', ['Shift'])], 'merge'],
    [[press('i'), press('i')], 'interrupt'],
    [[press('0'), press('0')], 'restart'],
    [[press('o')], 'fold-outputs'],
    [[press('l')], 'line-numbers'],
    [[press('h')], 'help'],
    [[press(' ', [], 'Space')], 'scroll-down'],
    [[press('ArrowUp', ['Ctrl', 'Shift'])], 'move-up'],
  ] as const)('%o → %s', (events, command) => {
    expect(commandOf([...events], 'command')).toBe(command)
    // In a text, letters and arrows are letters and arrows.
    expect(commandOf([...events], 'edit')).toBeNull()
  })
})

describe('keys of edit mode', () => {
  it.each([
    [press('Escape'), 'enter-command'],
    [press('m', ['Ctrl']), 'enter-command'],
    [press('_', ['Ctrl', 'Shift'], 'Minus'), 'split'],
    [press('?', ['Ctrl', 'Shift'], 'Minus'), 'split'],
  ] as const)('%o → %s', (event, command) => {
    expect(commandOf([event], 'edit')).toBe(command)
    expect(commandOf([event], 'command')).toBeNull()
  })
})

describe('sequences', () => {
  it('need their two strokes in a row', () => {
    expect(commandOf([press('d')], 'command')).toBe('pending')
    expect(commandOf([press('d'), press('a')], 'command')).toBe('insert-above')
    expect(commandOf([press('d'), press('i'), press('d')], 'command')).toBe('pending')
    expect(commandOf([press('i'), press('0')], 'command')).toBe('pending')
  })

  it('start anew after a pause, and after a third stroke', () => {
    const matcher = new KeyMatcher(false)
    expect(matcher.press('D', 'command', 0)).toBe('pending')
    expect(matcher.press('D', 'command', 1500)).toBe('pending')
    expect(matcher.press('D', 'command', 1600)).toBe('delete')
    expect(matcher.press('D', 'command', 1700)).toBe('pending')
    matcher.reset()
    expect(matcher.press('D', 'command', 1800)).toBe('pending')
  })

  it('are left alone with a modifier: Ctrl-C copies text, not cells', () => {
    expect(commandOf([press('c', ['Ctrl'])], 'command')).toBeNull()
    expect(commandOf([press('z', ['Meta'])], 'command', true)).toBeNull()
  })
})

describe('the table', () => {
  it('gives no stroke two meanings in one mode', () => {
    for (const mac of [false, true]) {
      const seen = new Map<string, string>()
      for (const { keys, where, command } of BINDINGS) {
        for (const mode of where === 'both' ? ['command', 'edit'] : [where]) {
          const key = `${mode} ${keys.map((k) => resolveStroke(k, mac)).join(' ')}`
          expect(seen.get(key) ?? command, key).toBe(command)
          seen.set(key, command)
        }
      }
    }
  })

  it('speaks of Cmd on a Mac', () => {
    expect(commandOf([press('s', ['Meta'])], 'edit', true)).toBe('save')
    expect(commandOf([press('Enter', ['Ctrl'])], 'edit', true)).toBe('run-stay')
    expect(strokeLabel('Mod-Shift-Z', true)).toEqual(['⌘', '⇧', 'Z'])
    expect(strokeLabel('Mod-Shift-Z', false)).toEqual(['Ctrl', 'Shift', 'Z'])
  })
})
