/** Ctrl-C: the first one stops gracefully, further ones within the grace change nothing, after it they end the process. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { listenForInterrupts } from './interrupt.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

it('asks once for a graceful end, and ends the process only after the grace', () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as never)
  const told: string[] = []
  const interrupt = listenForInterrupts((name) => told.push(name))
  try {
    process.emit('SIGINT')
    expect(interrupt.signal.aborted).toBe(true)
    process.emit('SIGINT')
    vi.advanceTimersByTime(9_000)
    process.emit('SIGTERM')
    expect([told, exit.mock.calls]).toEqual([['SIGINT'], []])
    vi.advanceTimersByTime(2_000)
    process.emit('SIGINT')
    expect(exit).toHaveBeenCalledWith(1)
  } finally {
    interrupt.dispose()
  }
})
