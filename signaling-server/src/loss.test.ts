import { SignalingClient } from '@rondo/transport'
import { describe, expect, it, onTestFinished } from 'vitest'
import { brittleLine } from './testing/brittle-line.ts'
import {
  configOf,
  joinOf,
  next,
  progressOf,
  rawSocket,
  reportOf,
  startLab,
  startPair,
  until,
} from './testing/fixtures.ts'

/** Milliseconds: what is promised from the death of a tab to its name on every screen. */
const PROMISE_MS = 5_000

describe('a lost tab', () => {
  it('fails the run at once when its connection closes, naming rank, node and last step', async () => {
    const { controller, pages, at } = await startPair(await startLab())
    await pages[1].request('rank:event', { ...at, rank: 1, event: progressOf(2, 41) })
    const stopped = next(pages[0], 'run:stop')
    const died = performance.now()
    pages[1].close()
    expect((await stopped).error).toMatchObject({ code: 'RANK_LOST', rank: 1, node: 'Alpha' })
    expect(performance.now() - died).toBeLessThan(PROMISE_MS)
    const { run } = await until(controller, (s) => s.run?.status === 'failed')
    expect(run?.error?.message).toContain('rank 1 (Alpha, local rank 1; last sign of life')
    expect(run?.error?.message).toContain('at epoch 2, step 41')
    expect(run?.seats.map((seat) => seat.state)).toEqual(['starting', 'lost'])
  })

  it('is found by the heartbeat when its machine falls silent', async () => {
    const lab = await startLab({ heartbeat: { intervalMs: 200, timeoutMs: 300 } })
    const line = await brittleLine(lab.server.port)
    const silent = await rawSocket(line.url, { session: 'lab', token: lab.joinToken })
    await silent.emitWithAck('join', joinOf('silent'))
    const controller = await lab.controller()
    const { run } = await controller.request('run:open', { config: configOf(), nodes: null })
    expect(run.status).toBe('running')
    line.freeze()
    const failed = await until(controller, (s) => s.run?.status === 'failed')
    expect(failed.run?.error).toMatchObject({ code: 'RANK_LOST', rank: 0 })
    expect(failed.run?.error?.message).toContain('ping timeout')
  })

  it.each(['garble', 'freeze'] as const)(
    'keeps its rank when it is back before it was given up (%s)',
    async (fault) => {
      const lab = await startLab({ heartbeat: { intervalMs: 600, timeoutMs: 600 } })
      const line = await brittleLine(lab.server.port)
      const auth = { session: 'lab', token: lab.joinToken, clientKey: 'secret-of-this-page' }
      const before = await rawSocket(line.url, auth)
      await before.emitWithAck('join', joinOf('p0'))
      const controller = await lab.controller()
      const { run } = await controller.request('run:open', { config: configOf(), nodes: null })
      line[fault]()
      const after = await rawSocket(lab.server.url, auth)
      expect(await after.emitWithAck('join', joinOf('p0'))).toMatchObject({ ok: true })
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      const { runId, generation } = run
      const done = { runId, generation, rank: 0, event: { kind: 'done', report: reportOf(0) } }
      expect(await after.emitWithAck('rank:event', done)).toMatchObject({ ok: true })
      expect((await until(controller, (s) => s.run?.status !== 'running')).run?.status).toBe('done')
    },
  )

  it('is told its start again when that may have been lost with the connection', async () => {
    const lab = await startLab({})
    const line = await brittleLine(lab.server.port)
    const page = new SignalingClient({ url: line.url, session: 'lab', token: lab.joinToken, role: 'page' })
    onTestFinished(() => page.close())
    await page.connect()
    await page.request('join', joinOf('p0'))
    const controller = await lab.controller()
    line.freeze()
    let starts = 0
    const started = next(page, 'run:start')
    page.on('run:start', () => {
      starts++
    })
    await controller.request('run:open', { config: configOf(), nodes: null })
    line.garble()
    line.hangUp()
    const { runId, generation, yours } = await started
    expect(yours).toEqual([0])
    await page.request('rank:event', { runId, generation, rank: 0, event: { kind: 'done', report: reportOf(0) } })
    expect((await until(controller, (s) => s.run?.status !== 'running')).run?.status).toBe('done')
    expect(starts).toBe(1)
  })

  it('is given up when a broken line does not come back', async () => {
    const lab = await startLab()
    const line = await brittleLine(lab.server.port)
    const page = await rawSocket(line.url, { session: 'lab', token: lab.joinToken })
    await page.emitWithAck('join', joinOf('p0'))
    const controller = await lab.controller()
    await controller.request('run:open', { config: configOf(), nodes: null })
    const broke = performance.now()
    line.garble()
    const { run } = await until(controller, (s) => s.run?.status === 'failed')
    expect(run?.error?.message).toContain('transport error')
    expect(performance.now() - broke).toBeLessThan(PROMISE_MS)
  })

  it('does not fail a run that only waits', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    const page = await lab.page('a0')
    await controller.request('run:open', { config: configOf({ devices: 2 }), nodes: [2] })
    page.close()
    const { run } = await until(controller, (s) => s.members.length === 0)
    expect(run?.status).toBe('waiting')
    expect(run?.seats.every((seat) => seat.memberId === null)).toBe(true)
  })
})

describe('errors at second hand', () => {
  const second = (code: 'CONNECTION_LOST' | 'SCRIPT_FAILED', message: string) =>
    ({ kind: 'error', error: { code, name: 'RondoError', message }, report: null }) as const

  it('give way to the error that caused them', async () => {
    const { controller, pages, at } = await startPair(await startLab())
    await pages[0].request('rank:event', { ...at, rank: 0, event: second('CONNECTION_LOST', 'rank 1 is gone') })
    expect(controller.snapshot?.run?.status).toBe('running')
    await pages[1].request('rank:event', { ...at, rank: 1, event: second('SCRIPT_FAILED', 'x is undefined') })
    const { run } = await until(controller, (s) => s.run?.status === 'failed')
    expect(run?.error).toMatchObject({ code: 'SCRIPT_FAILED', rank: 1 })
  })

  it('waits for the rank itself when another one passes its error on, whatever the code', async () => {
    const { controller, pages, at } = await startPair(await startLab())
    const passedOn = { code: 'SCRIPT_FAILED', name: 'Error', message: 'x is undefined', rank: 1 } as const
    await pages[0].request('rank:event', { ...at, rank: 0, event: { kind: 'error', error: passedOn, report: null } })
    const own = { ...passedOn, stack: 'Error: x is undefined\n    at script.ts:3:1' }
    await pages[1].request('rank:event', { ...at, rank: 1, event: { kind: 'error', error: own, report: null } })
    const { run } = await until(controller, (s) => s.run?.status === 'failed')
    expect(run?.error).toMatchObject({ rank: 1, stack: own.stack })
  })

  it('give way to the loss that caused them', async () => {
    const { controller, pages, at } = await startPair(await startLab())
    await pages[0].request('rank:event', { ...at, rank: 0, event: second('CONNECTION_LOST', 'rank 1 is gone') })
    pages[1].close()
    const { run } = await until(controller, (s) => s.run?.status === 'failed')
    expect(run?.error).toMatchObject({ code: 'RANK_LOST', rank: 1, details: { reportedFirst: 'rank 1 is gone' } })
  })

  it('stand when nothing else explains them', async () => {
    const { controller, pages, at } = await startPair(await startLab())
    await pages[0].request('rank:event', { ...at, rank: 0, event: second('CONNECTION_LOST', 'rank 1 is gone') })
    const { run } = await until(controller, (s) => s.run?.status === 'failed')
    expect(run?.error).toMatchObject({ code: 'CONNECTION_LOST', rank: 0, node: 'Alpha' })
  })

  it('keep the name of the rank that is lost', async () => {
    const { controller, pages, at } = await startPair(await startLab())
    const error = { code: 'RANK_LOST', name: 'RondoError', message: 'rank 1 is gone', rank: 1, node: 'Beta' } as const
    await pages[0].request('rank:event', { ...at, rank: 0, event: { kind: 'error', error, report: null } })
    const { run } = await until(controller, (s) => s.run?.status === 'failed')
    expect(run?.error).toMatchObject({ code: 'RANK_LOST', rank: 1, node: 'Beta' })
  })
})
