import { expect, it } from 'vitest'
import { FlightRecorder } from './flight-recorder.ts'

const what = { op: 'allReduce(sum)', name: 'g', dtype: 'float32', count: 3 }

it('keeps the newest operations, oldest first, as plain data', () => {
  const recorder = new FlightRecorder(3)
  for (let i = 0; i < 5; i++) {
    const id = recorder.enqueue({ ...what, name: `g${i}` }, i, -1, 12, 10 * i)
    if (i < 4) recorder.start(id, 10 * i + 1)
    if (i === 2) recorder.end(id, 25, 6, null)
    if (i === 3) recorder.end(id, 35, 1, 'rank 1 is gone')
  }
  const records = recorder.dump()
  expect(JSON.parse(JSON.stringify(records))).toEqual(records)
  expect(records.map(({ name, state, steps, error }) => [name, state, steps, error])).toEqual([
    ['g2', 'done', 6, null],
    ['g3', 'failed', 1, 'rank 1 is gone'],
    ['g4', 'queued', 0, null],
  ])
  expect(records[0]).toMatchObject({ sequence: 2, peer: null, bytes: 12, enqueued: 20, started: 21, ended: 25 })
  expect(records[2]).toMatchObject({ started: null, ended: null })
})

it('does not let the end of a forgotten operation touch a newer one', () => {
  const recorder = new FlightRecorder(2)
  const old = recorder.enqueue(what, 0, -1, 12, 0)
  recorder.enqueue(what, 1, -1, 12, 0)
  recorder.enqueue(what, 2, -1, 12, 0)
  recorder.end(old, 9, 1, 'late')
  expect(recorder.dump().map(({ state }) => state)).toEqual(['queued', 'queued'])
  expect(recorder.find(0)).toBe(undefined)
})

it('tells pairs from collectives of the same number', () => {
  const recorder = new FlightRecorder()
  recorder.enqueue({ ...what, op: 'barrier' }, 7, -1, 0, 0)
  recorder.enqueue({ ...what, op: 'send/recv' }, 7, 2, 0, 0)
  expect(recorder.find(7)?.op).toBe('barrier')
  expect(recorder.find(7, 2)?.op).toBe('send/recv')
})
