/** Ranks of the notebook's own page and a server that is away, forgets, or is back: what goes on, what ends, what waits. */
import type { DirectRanks } from '@rondo/fabric/page'
import type { RankEvent } from '@rondo/protocol'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { RankMessage } from '../rank/messages.ts'
import { RankPool } from './rank-pool.ts'
import { LAUNCH, ScriptedSession } from './testing/scripted-session.ts'

const program = () => new ArrayBuffer(4)

type Heard = Parameters<DirectRanks['hear']>[1]

/** The page's side: what it hears is what a test says, its ranks begin every job. */
class OwnRanks implements DirectRanks {
  readonly files = new Map<string, ArrayBuffer>()
  readonly stopped: string[] = []
  #listener: Heard | null = null

  hear(_runId: string, listener: Heard): () => void {
    this.#listener = listener
    return () => {
      this.#listener = null
    }
  }

  commandRanks(_runId: string, _id: string, _ranks: readonly number[] | null, data: unknown): void {
    const { job } = data as { job: { job: number } }
    for (const rank of [0, 1]) this.say(rank, { type: 'started', job: job.job })
  }

  takeFile(_runId: string, name: string): ArrayBuffer | null {
    const bytes = this.files.get(name) ?? null
    this.files.delete(name)
    return bytes
  }

  async stopRun(_runId: string, reason: string): Promise<void> {
    this.stopped.push(reason)
  }

  say(rank: number, message: RankMessage): void {
    this.tell(rank, { kind: 'message', data: message })
  }

  tell(rank: number, event: RankEvent): void {
    this.#listener?.onEvent(rank, event)
  }

  finish(job: number): void {
    this.files.set('result', new TextEncoder().encode(`job ${job}`).buffer)
    for (const rank of [0, 1]) {
      this.say(rank, { type: 'done', job, milliseconds: 1, file: rank === 0 ? 'result' : null })
    }
  }
}

let session: ScriptedSession
let own: OwnRanks
let pool: RankPool
beforeEach(() => {
  session = new ScriptedSession(2)
  own = new OwnRanks()
  vi.stubGlobal('fetch', session.fetch)
  pool = new RankPool({ ...session.options, directRanks: () => own })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A launch whose ranks are at work. */
async function atWork(): Promise<{ value: Promise<string>; job: number }> {
  let started: () => void = () => {}
  const underWay = new Promise<void>((resolve) => {
    started = resolve
  })
  const onEvent = ({ type }: { type: string }): void => {
    if (type === 'started') started()
  }
  const value = pool.launch(program(), LAUNCH, { onEvent }).then((bytes) => new TextDecoder().decode(bytes))
  await underWay
  return { value, job: 1 }
}

it.each(['reconnecting', 'closed'] as const)('a job ends well while the connection is %s', async (state) => {
  const { value, job } = await atWork()
  session.connection(state)
  own.finish(job)
  expect(await value).toBe('job 1')
  // Ranks that nobody can give work to are ended; those that a server may know are kept.
  expect(pool.state).toBe(state === 'closed' ? 'none' : 'warm')
  expect(own.stopped).toHaveLength(state === 'closed' ? 1 : 0)
})

it('a job outlives that a new server knows nothing of it; its ranks do not', async () => {
  const { value, job } = await atWork()
  session.forget()
  expect(own.stopped).toEqual([])
  own.finish(job)
  expect(await value).toBe('job 1')
  expect(own.stopped).toHaveLength(1)
  expect(pool.state).toBe('none')
})

it('a rank that breaks while the server is away ends the job with its own error', async () => {
  const { value } = await atWork()
  session.connection('reconnecting')
  const error = { code: 'RANK_FAILED', name: 'RondoError', message: 'the device is gone', rank: 1 } as const
  own.tell(1, { kind: 'error', error, report: null })
  await expect(value).rejects.toThrow('the device is gone')
  expect(own.stopped).toEqual(['the device is gone'])
})

it('Stop needs no server', async () => {
  const { value } = await atWork()
  const failed = expect(value).rejects.toMatchObject({ code: 'ABORTED' })
  session.connection('reconnecting')
  await pool.stop()
  await failed
  expect(own.stopped).toEqual(['stopped in the notebook'])
})

it('a launch waits for a server that is away, and says so in the end', async () => {
  vi.useFakeTimers()
  session.connection('reconnecting')
  const refused = expect(pool.launch(program(), LAUNCH)).rejects.toThrow(
    /^fabric\.launch: the server does not answer.*npm start.*Cells that launch nothing go on/,
  )
  await vi.advanceTimersByTimeAsync(10_000)
  await refused
  session.connection('closed')
  await expect(pool.launch(program(), LAUNCH)).rejects.toThrow(/no longer connected.*link/)
})
