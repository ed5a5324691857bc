/** Control messages come from outside: only well-formed ones pass. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LinkControl, MAX_PADDING_BYTES, parseControl, parseLaneWord } from './control.ts'

describe('parseControl', () => {
  it('takes what we send', () => {
    const messages: LinkControl[] = [
      { kind: 'hello', rank: 3, presence: 'rondo-0b5c', padding: 1024 },
      { kind: 'hello', rank: 0, presence: null, padding: 0 },
      { kind: 'bye', clean: true, reason: 'done' },
    ]
    for (const message of messages) {
      expect(parseControl(message)).toEqual(message)
      expect(parseLaneWord(message)).toEqual(message)
    }
  })

  it.each([
    ['a rank below zero', { kind: 'hello', rank: -1, presence: null, padding: 0 }],
    ['a rank that is no integer', { kind: 'hello', rank: 0.5, presence: null, padding: 0 }],
    ['a foreign lock', { kind: 'hello', rank: 0, presence: 'other-lock', padding: 0 }],
    ['endless padding', { kind: 'hello', rank: 0, presence: null, padding: MAX_PADDING_BYTES + 1 }],
    ['a bye without a reason', { kind: 'bye', clean: true }],
    ['an unknown kind', { kind: 'open' }],
    ['nothing', null],
  ])('refuses %s', (_, value) => {
    expect(parseControl(value)).toBeNull()
  })

  it('cuts a long reason', () => {
    const parsed = parseControl({ kind: 'bye', clean: false, reason: 'x'.repeat(10_000) })
    expect(parsed).toMatchObject({ reason: 'x'.repeat(500) })
  })

  it('never throws, whatever comes', () => {
    fc.assert(fc.property(fc.anything(), (value) => void parseLaneWord(value)))
  })
})

describe('parseLaneWord', () => {
  it('takes the number of what comes next, between several lanes only', () => {
    expect(parseLaneWord({ kind: 'from', number: 7 })).toEqual({ kind: 'from', number: 7 })
    expect(parseControl({ kind: 'from', number: 7 })).toBeNull()
  })

  it.each([-1, 0.5, Number.NaN, '7', null, 2 ** 53])('refuses the number %s', (number) => {
    expect(parseLaneWord({ kind: 'from', number })).toBeNull()
  })
})
