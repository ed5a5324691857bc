/** Lines of a rank travel together, in order, by level, and never beyond what an event may hold. */
import { MAX_CONSOLE_CHARS, type RankEvent } from '@rondo/protocol'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { RankConsole } from './console.ts'

let events: Array<Extract<RankEvent, { kind: 'console' }>>
let output: RankConsole
beforeEach(() => {
  vi.useFakeTimers()
  events = []
  output = new RankConsole(
    (event) => event.kind === 'console' && events.push(event),
    (value) => JSON.stringify(value),
  )
})
afterEach(() => vi.useRealTimers())

it('sends the first line at once and then the lines of a moment as one event', () => {
  output.write('log', 'zero\n')
  expect(events).toHaveLength(1)
  output.write('log', 'one\n')
  output.write('log', 'two')
  expect(events).toHaveLength(1)
  vi.advanceTimersByTime(100)
  expect(events.slice(1)).toEqual([{ kind: 'console', level: 'log', text: 'one\ntwo' }])
  vi.advanceTimersByTime(100)
  expect(events).toHaveLength(2)
})

it('keeps the order of levels', () => {
  output.write('log', 'a')
  output.write('error', 'b')
  output.write('log', 'c')
  output.flush()
  expect(events.map(({ level, text }) => `${level} ${text}`)).toEqual(['log a', 'error b', 'log c'])
})

it('prints a hundred thousand lines in some hundred events, without waiting for a timer', () => {
  for (let i = 0; i < 100_000; i++) output.write('log', `line ${i}`)
  output.flush()
  expect(events.length).toBeLessThan(300)
  expect(events.every(({ text }) => text.length <= MAX_CONSOLE_CHARS)).toBe(true)
  const lines = events.flatMap(({ text }) => text.split('\n'))
  expect(lines).toHaveLength(100_000)
  expect(lines.at(-1)).toBe('line 99999')
})

it('sends an endless line in pieces and an empty one as such', () => {
  output.write('log', 'x'.repeat(MAX_CONSOLE_CHARS * 2 + 1))
  expect(events.map(({ text }) => text.length)).toEqual([MAX_CONSOLE_CHARS, MAX_CONSOLE_CHARS, 1])
  output.write('log', '')
  output.flush()
  expect(events.at(-1)?.text).toBe('')
})

it('takes the place of the console', () => {
  const originals = { ...console }
  output.install()
  console.warn('loss', { a: 1 })
  Object.assign(console, originals)
  output.flush()
  expect(events).toEqual([{ kind: 'console', level: 'warn', text: 'loss {"a":1}' }])
})
