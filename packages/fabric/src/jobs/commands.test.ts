/** Commands wait for a program that is not ready, come in order, and end with the run. */
import { RondoError } from '@rondo/protocol'
import { expect, it } from 'vitest'
import { CommandQueue } from './commands.ts'

const of = (n: number) => ({ commandId: `c${n}`, data: n })
const stopped = new RondoError('ABORTED', 'The run was stopped')

it('keeps what comes before anybody asks, and gives it in order', async () => {
  const queue = new CommandQueue()
  for (const n of [1, 2, 3]) queue.push(of(n))
  expect([await queue.next(), await queue.next(), await queue.next()]).toEqual([of(1), of(2), of(3)])
  const waiting = queue.next()
  queue.push(of(4))
  expect(await waiting).toEqual(of(4))
})

it('is read by for await until the run ends, which rejects', async () => {
  const queue = new CommandQueue()
  const read: unknown[] = []
  const loop = (async () => {
    for await (const { data } of queue) read.push(data)
  })()
  queue.push(of(1))
  await Promise.resolve()
  queue.push(of(2))
  await expect.poll(() => read).toEqual([1, 2])
  queue.close(stopped)
  await expect(loop).rejects.toBe(stopped)
  await expect(queue.next()).rejects.toBe(stopped)
  queue.push(of(3))
  await expect(queue.next()).rejects.toBe(stopped)
})

it('gives up waiting when told to, and loses nothing by it', async () => {
  const queue = new CommandQueue()
  const abort = new AbortController()
  const waiting = queue.next(abort.signal)
  abort.abort(stopped)
  await expect(waiting).rejects.toBe(stopped)
  await expect(queue.next(abort.signal)).rejects.toBe(stopped)
  queue.push(of(1))
  expect(await queue.next()).toEqual(of(1))
})

it('does not fill up without end', () => {
  const queue = new CommandQueue()
  for (let n = 0; n < 1_000; n++) queue.push(of(n))
  expect(() => queue.push(of(1_000))).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }))
})
