/** Messages that come before a rank is ready are kept in order, for it alone, within bounds. */
import type { Signal } from '@rondo/protocol'
import { describe, expect, it } from 'vitest'
import { EarlyMessages } from './early-messages.ts'

const signal = (data: number, more: Partial<Signal> = {}): Signal => ({
  runId: 'run',
  generation: 2,
  from: 0,
  to: 1,
  data,
  ...more,
})

function replayed(early: EarlyMessages, rank = 1, run = { runId: 'run', generation: 2 }): unknown[] {
  const seen: unknown[] = []
  early.replay(run, rank, { signal: ({ data }) => seen.push(data), relay: ({ frame }) => seen.push(frame.length) })
  return seen
}

describe('early messages', () => {
  it('come back once, in order, signals and relayed frames alike', () => {
    const early = new EarlyMessages()
    early.keepSignal(signal(1))
    early.keepRelay({ runId: 'run', generation: 2, from: 0, to: 1, frame: new Uint8Array(7) })
    early.keepSignal(signal(2))
    expect(replayed(early)).toEqual([1, 7, 2])
    expect(replayed(early)).toEqual([])
  })

  it('go to their rank and generation only', () => {
    const early = new EarlyMessages()
    early.keepSignal(signal(1, { to: 3 }))
    early.keepSignal(signal(2, { generation: 1 }))
    early.keepSignal(signal(3, { runId: 'other' }))
    expect(replayed(early)).toEqual([])
    expect(replayed(early, 3)).toEqual([1])
  })

  it('are forgotten when their run is closed, and ignored afterwards', () => {
    const early = new EarlyMessages()
    early.keepSignal(signal(1))
    early.close('run')
    early.keepSignal(signal(2))
    expect(replayed(early)).toEqual([])
  })

  it('are bounded: the oldest goes first', () => {
    const early = new EarlyMessages()
    for (let data = 0; data < 3_000; data++) early.keepSignal(signal(data))
    const seen = replayed(early)
    expect(seen).toHaveLength(2_048)
    expect(seen.at(-1)).toBe(2_999)
  })
})
