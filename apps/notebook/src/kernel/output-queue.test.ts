/** Outputs travel in few messages, in order, also from a loop that never yields. */
import { afterEach, expect, it, vi } from 'vitest'
import { OutputQueue, type QueuedOutput } from './output-queue.ts'

const line = (text: string, name: 'stdout' | 'stderr' = 'stdout') => ({ kind: 'stream' as const, name, text })

afterEach(() => vi.useRealTimers())

it('joins what one stream says, and keeps the order of everything', () => {
  vi.useFakeTimers({ now: 1_000 })
  const sent: QueuedOutput[][] = []
  const queue = new OutputQueue((items) => sent.push(items))
  queue.push('a', line('first\n'))
  for (let i = 0; i < 1000; i++) queue.push('a', line(`${i}\n`))
  queue.push('a', line('!', 'stderr'))
  queue.push('b', line('other'))
  queue.push('a', { kind: 'clear', wait: false })
  queue.push('a', line('x'))
  vi.advanceTimersByTime(20)
  expect(sent.length).toBe(2)
  expect(sent[0]).toEqual([{ executionId: 'a', output: line('first\n') }])
  const second = sent[1] ?? []
  expect(second.map(({ executionId, output }) => [executionId, output.kind])).toEqual([
    ['a', 'stream'],
    ['a', 'stream'],
    ['b', 'stream'],
    ['a', 'clear'],
    ['a', 'stream'],
  ])
  const text = second[0]?.output
  expect(text?.kind === 'stream' && text.text.split('\n').length).toBe(1001)
  queue.flush()
  expect(sent.length).toBe(2)
})

it('sends from inside of a loop that lets no timer fire', () => {
  const sent: QueuedOutput[][] = []
  const queue = new OutputQueue((items) => sent.push(items))
  const until = performance.now() + 100
  let count = 0
  while (performance.now() < until) queue.push('a', line(`${count++}\n`))
  expect(sent.length).toBeGreaterThan(1)
  expect(sent.length).toBeLessThan(20)
})
