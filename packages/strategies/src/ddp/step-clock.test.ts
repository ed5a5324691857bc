/** The step clock on a clock of ours: what overlaps counts once, and only lonely communication is exposed. */
import type { TimelineSpan } from '@rondo/protocol'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { StepClock } from './step-clock.ts'

let now = 0
beforeEach(() => {
  now = 1000
  vi.spyOn(performance, 'now').mockImplementation(() => now)
})
afterEach(() => vi.restoreAllMocks())

it('counts each phase as the time in which any of its kind goes on', () => {
  const spans: TimelineSpan[] = []
  const clock = new StepClock((span) => spans.push(span))
  clock.startStep()
  const computed = clock.enter('compute', null)
  now += 10
  const first = clock.enter('communication', 'bucket 0', 64)
  now += 4
  computed()
  now += 3
  const second = clock.enter('communication', 'bucket 1', 32)
  now += 2
  first()
  first()
  const read = clock.enter('readback', 'read')
  now += 5
  read()
  now += 1
  second()
  now += 7
  const applied = clock.enter('apply', 'apply')
  now += 2
  applied()
  const { times, hiddenMs } = clock.finishStep()
  expect(times).toEqual({
    compute: 14,
    readback: 5,
    // From the first bucket's start to the second's end.
    communication: 15,
    // Between compute and readback, and after it.
    exposedCommunication: 6,
    apply: 2,
    total: 34,
  })
  expect(hiddenMs).toBe(9)
  expect(spans.map(({ name, start, end, bytes }) => [name, start, end, bytes])).toEqual([
    ['bucket 0', 1010, 1019, 64],
    ['read', 1019, 1024, undefined],
    ['bucket 1', 1017, 1025, 32],
    ['apply', 1032, 1034, undefined],
  ])
})

it('takes a turn for frames neither for computing nor for waiting', async () => {
  const clock = new StepClock()
  clock.startStep()
  const communicated = clock.enter('communication', 'bucket 0')
  await clock.turn(async () => {
    now += 4
  })
  now += 3
  communicated()
  const { times, hiddenMs } = clock.finishStep()
  expect(times).toMatchObject({ compute: 0, communication: 7, exposedCommunication: 3, total: 7 })
  expect(hiddenMs).toBe(4)
})

it('starts each step at nothing', () => {
  const clock = new StepClock()
  clock.startStep()
  clock.enter('compute', 'forward')()
  clock.finishStep()
  now += 100
  clock.startStep()
  now += 5
  expect(clock.finishStep().times).toEqual({
    compute: 0,
    readback: 0,
    communication: 0,
    exposedCommunication: 0,
    apply: 0,
    total: 5,
  })
})
