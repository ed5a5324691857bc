/** What the pool makes of its ranks' words: warm reuse, whose error is told, when ranks are ended and when kept. */
import type { CellError } from '@rondo/kernel/output'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { FailureReason } from '../rank/messages.ts'
import type { PoolEvent } from './events.ts'
import { RankPool } from './rank-pool.ts'
import { LAUNCH, ScriptedSession } from './testing/scripted-session.ts'

const program = () => new ArrayBuffer(4)
const text = (bytes: ArrayBuffer | undefined) => new TextDecoder().decode(bytes)

let session: ScriptedSession
let pool: RankPool
beforeEach(() => {
  session = new ScriptedSession(3)
  vi.stubGlobal('fetch', session.fetch)
  pool = new RankPool(session.options)
})
afterEach(() => vi.unstubAllGlobals())

/** Every rank ends well; rank r of job j gives `j:r`. */
function obedient(): void {
  session.onJob = (rank, { job }) =>
    session.finish(rank, job.job, rank === 0 || job.kind === 'cell' ? `${job.job}:${rank}` : null)
  session.onCommand = (ranks, command) => {
    for (const rank of ranks) {
      if (command.do === 'regroup') session.say(rank, { type: 'regrouped', id: command.id, error: null })
      if (command.do === 'status') {
        session.say(rank, { type: 'status', id: command.id, busy: false, memoryBytes: 8, adapter: 'wasm' })
      }
      if (command.do === 'sync') session.say(rank, { type: 'synced', id: command.id, error: null })
    }
  }
}

function fail(rank: number, job: number, reason: FailureReason, message = `rank ${rank} broke`): void {
  const error: CellError = { name: 'TypeError', message, frames: [], cause: null, rank, node: 'this page', code: null }
  session.say(rank, { type: 'started', job })
  session.say(rank, { type: 'failed', job, milliseconds: 1, error, reason })
}

it('opens ranks once and uses them again for the same shape only', async () => {
  obedient()
  expect(text(await pool.launch(program(), LAUNCH))).toBe('1:0')
  expect(text(await pool.launch(program(), LAUNCH))).toBe('2:0')
  expect(session.runs).toBe(1)
  await pool.launch(program(), { ...LAUNCH, devices: 3 })
  await pool.launch(program(), { ...LAUNCH, devices: 3, accelerator: 'cpu' })
  expect(session.runs).toBe(3)
  expect([...session.files.keys()]).toEqual([])
})

it('tells an error of a rank with its rank, ends the others, and starts new ones next time', async () => {
  session.onJob = (rank, { job }) => (rank === 1 ? fail(1, job.job, 'own') : undefined)
  await expect(pool.launch(program(), LAUNCH)).rejects.toMatchObject({ cellError: { rank: 1, name: 'TypeError' } })
  expect(session.stops).toMatchObject([{ error: { code: 'RANK_FAILED', rank: 1 } }])
  expect(pool.state).toBe('none')
  obedient()
  await pool.launch(program(), LAUNCH)
  expect(session.runs).toBe(2)
})

it('waits for the own word of the rank that others only heard of', async () => {
  session.onJob = (rank, { job }) => {
    if (rank === 0) fail(0, job.job, 'other', 'rank 1 is gone')
    else setTimeout(() => fail(1, job.job, 'own', 'the cause'), 50)
  }
  await expect(pool.launch(program(), LAUNCH)).rejects.toMatchObject({ cellError: { rank: 1, message: 'the cause' } })
})

it('tells the server’s verdict when ranks are lost', async () => {
  session.onJob = (rank, { job }) => {
    session.say(rank, { type: 'started', job: job.job })
    const message = 'Rank 1 is gone: its tab was closed.'
    if (rank === 1) setTimeout(() => session.end('failed', { code: 'RANK_LOST', name: 'RondoError', message }), 10)
  }
  await expect(pool.launch(program(), LAUNCH)).rejects.toMatchObject({ code: 'RANK_LOST' })
  obedient()
  await pool.launch(program(), LAUNCH)
})

it('stops a launch at the first press and says so to the panel', async () => {
  session.onJob = (rank, { job }) => session.say(rank, { type: 'started', job: job.job })
  const events: PoolEvent[] = []
  const launch = pool.launch(program(), LAUNCH, { onEvent: (event) => events.push(event) })
  await vi.waitFor(() => expect(events.some(({ type }) => type === 'started')).toBe(true))
  await pool.stop()
  await expect(launch).rejects.toMatchObject({ code: 'ABORTED' })
  expect(session.stops).toHaveLength(1)
  expect(events.at(-1)).toMatchObject({ type: 'ended', status: 'stopped' })
})

it('keeps persistent ranks through a failing cell: the others are interrupted, all regroup', async () => {
  obedient()
  await pool.distInit({ numProcesses: 2, slots: null })
  const order = { code: 'x', cellId: 'c', cellNumber: 1, ranks: null }
  expect((await pool.distRun(order)).map(text)).toEqual(['1:0', '1:1'])
  const answer = session.onCommand
  session.onCommand = (ranks, command) => {
    if (command.do === 'interrupt') for (const rank of ranks) fail(rank, command.job, 'interrupted')
    else answer(ranks, command)
  }
  session.onJob = (rank, { job }) =>
    rank === 1 ? fail(1, job.job, 'own') : session.say(rank, { type: 'started', job: job.job })
  await expect(pool.distRun(order)).rejects.toMatchObject({ cellError: { rank: 1 } })
  expect(session.commands.slice(-2)).toMatchObject([{ do: 'interrupt' }, { do: 'regroup' }])
  expect(session.stops).toEqual([])
  obedient()
  expect((await pool.distRun({ ...order, ranks: [1] })).map(text)).toEqual(['3:1'])
})

it('ends persistent ranks that do not let go when Stop is pressed again, also from the next cell', async () => {
  obedient()
  await pool.distInit({ numProcesses: 2, slots: null })
  session.onJob = (rank, { job }) => session.say(rank, { type: 'started', job: job.job })
  const order = { code: 'for (;;) {}', cellId: 'c', cellNumber: 1, ranks: null }
  for (const again of ['stop', 'next cell'] as const) {
    const first = new AbortController()
    const spinning = pool.distRun(order, { signal: first.signal })
    await vi.waitFor(() => expect(session.commands.at(-1)).toMatchObject({ do: 'job' }))
    first.abort(new DOMException('stopped', 'AbortError'))
    await vi.waitFor(() => expect(session.commands.at(-1)).toMatchObject({ do: 'interrupt' }))
    expect(pool.stopping).toBe(true)
    if (again === 'stop') {
      await pool.stop()
    } else {
      const second = new AbortController()
      const waiting = pool.distRun(order, { signal: second.signal })
      second.abort(new DOMException('stopped again', 'AbortError'))
      await expect(waiting).rejects.toThrow('stopped again')
    }
    await expect(spinning).rejects.toThrow('stopped')
    expect(pool.state).toBe('none')
    if (again === 'stop') await pool.distInit({ numProcesses: 2, slots: null })
  }
  expect(session.stops).toHaveLength(2)
})

it('refuses a launch beside persistent ranks, and cells without them', async () => {
  obedient()
  const order = { code: 'x', cellId: 'c', cellNumber: 1, ranks: null }
  await expect(pool.distRun(order)).rejects.toMatchObject({ code: 'NOT_LAUNCHED' })
  await pool.distInit({ numProcesses: null, slots: [0, 2] })
  await expect(pool.launch(program(), LAUNCH)).rejects.toMatchObject({ code: 'CONFLICT' })
  await expect(pool.distInit({ numProcesses: 2, slots: null })).rejects.toMatchObject({ code: 'CONFLICT' })
  await expect(pool.distRun({ ...order, ranks: [2] })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  session.end('failed', { code: 'RANK_LOST', name: 'RondoError', message: 'The tab was closed.' })
  await expect(pool.distSync()).rejects.toThrow(/The last ones ended: The tab was closed/)
  await pool.launch(program(), LAUNCH)
})

it('lets launches wait for one another', async () => {
  obedient()
  const both = await Promise.all([pool.launch(program(), LAUNCH), pool.launch(program(), LAUNCH)])
  expect(both.map(text)).toEqual(['1:0', '2:0'])
  expect(session.runs).toBe(1)
})

it('hears nothing from what is no message of a rank', async () => {
  session.onJob = (rank, { job }) => {
    session.tell(rank, { kind: 'message', data: { type: 'done', job: job.job } })
    session.tell(rank, { kind: 'message', data: { type: 'failed', job: job.job, error: 'x' } })
    session.tell(rank, { kind: 'message', data: null })
    session.finish(rank, job.job, rank === 0 ? 'right' : null)
  }
  expect(text(await pool.launch(program(), LAUNCH))).toBe('right')
})
