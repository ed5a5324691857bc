/** What a rank prints is sent as one readable, bounded line. */
import { MAX_CONSOLE_CHARS, type RankEvent } from '@rondo/protocol'
import { afterEach, expect, it } from 'vitest'
import { captureConsole, format } from './console.ts'

const originals = { ...console }
afterEach(() => Object.assign(console, originals))

it('abbreviates nested and long values', () => {
  expect(format({ a: { b: { c: { d: 1 } } } })).toBe('{ a: { b: { c: {…} } } }')
  expect(format(Array.from({ length: 30 }, (_, i) => i))).toContain('… 10 more')
  expect(format(Float32Array.of(1, 2))).toBe('Float32Array [1, 2]')
  expect(format(new Map([['k', 1n]]))).toBe('Map { k: 1n }')
  expect(format({ shape: [2, 3], dtype: 'float32' })).toBe('Tensor[2, 3] float32')
})

it('sends every level and cuts what is too long', () => {
  const events: RankEvent[] = []
  for (const level of ['log', 'warn'] as const) console[level] = () => {}
  captureConsole((event) => events.push(event))
  console.log('loss', 0.5, [1])
  console.warn('x'.repeat(MAX_CONSOLE_CHARS + 10))
  expect(events[0]).toEqual({ kind: 'console', level: 'log', text: 'loss 0.5 [1]' })
  const cut = events[1]
  expect(cut?.kind === 'console' && cut.text.length).toBe(MAX_CONSOLE_CHARS)
})
