import type { RankEvent } from '@rondo/protocol'
import { describe, expect, it } from 'vitest'
import { configOf, joinOf, next, rawSocket, reportOf, startLab, startPair, until } from './testing/fixtures.ts'

describe('starting a run', () => {
  it('seats pages as they come and starts every page with its own ranks', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    const first = await lab.page('a0', { slots: 2 })
    const opened = await controller.request('run:open', {
      config: configOf({ devices: 2, numNodes: 2 }),
      nodes: [2, 1],
    })
    expect(opened.run.status).toBe('waiting')
    expect(opened.run.seats.map((seat) => seat.pageId)).toEqual(['a0', 'a0', null])
    const starts = [next(first, 'run:start')]
    const second = await lab.connect('page', lab.joinToken)
    starts.push(next(second, 'run:start'))
    await second.request('join', joinOf('b0', { node: { id: 'beta', label: 'Beta' } }))
    const [one, two] = await Promise.all(starts)
    expect([one?.yours, two?.yours]).toEqual([[0, 1], [2]])
    expect(one?.generation).toBe(two?.generation)
    expect(one?.generation).toBeGreaterThan(opened.run.generation)
    const { run, generation } = await until(controller, (s) => s.run?.status === 'running')
    expect(run?.generation).toBe(generation)
    expect(run?.seats.map((seat) => [seat.rank, seat.nodeRank, seat.localRank])).toEqual([
      [0, 0, 0],
      [1, 0, 1],
      [2, 1, 0],
    ])
  })

  it('takes everyone who is present when no numbers are given', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    await expect(controller.request('run:open', { config: configOf(), nodes: null })).rejects.toMatchObject({
      code: 'NOT_ENOUGH_DEVICES',
    })
    await lab.page('a0')
    await lab.page('b0', { node: { id: 'beta', label: 'Beta' }, slots: 2 })
    const { run } = await controller.request('run:open', { config: configOf(), nodes: null })
    expect(run.status).toBe('running')
    expect(run.seats.map((seat) => seat.pageId)).toEqual(['a0', 'b0', 'b0'])
  })

  it('tells a page how many slots of its node take no part', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    const page = await lab.page('a0', { slots: 3 })
    await lab.page('b0', { node: { id: 'beta', label: 'Beta' }, slots: 2 })
    const started = next(page, 'run:start')
    await controller.request('run:open', { config: configOf({ devices: 1, numNodes: 2 }), nodes: [1, 2] })
    expect(await started).toMatchObject({ yours: [0], idleSlots: 2 })
  })

  it('is for controllers alone, one run at a time', async () => {
    const lab = await startLab()
    const { controller, pages } = await startPair(lab)
    const another = { config: configOf({ runId: 'run-2' }), nodes: null }
    await expect(controller.request('run:open', another)).rejects.toMatchObject({ code: 'RUN_ACTIVE' })
    await expect(pages[0].request('run:open', another)).rejects.toMatchObject({ code: 'BAD_TOKEN' })
  })

  it('fails after the start timeout and names each missing rank', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    await lab.page('a0')
    const config = configOf({ numNodes: 2, startTimeoutSeconds: 1 })
    await controller.request('run:open', { config, nodes: [1, 1] })
    const { run } = await until(controller, (s) => s.run?.status === 'failed')
    expect(run?.error).toMatchObject({
      code: 'TIMEOUT',
      rank: 1,
      details: { missing: [{ rank: 1, nodeRank: 1, localRank: 0 }] },
    })
    expect(run?.error?.message).toContain('rank 1 (node 1, local rank 0; no agent of this node has connected)')
  })

  it('fails as well when a started rank does not get ready', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    const pages = [await lab.page('a0'), await lab.page('a1')]
    const { run } = await controller.request('run:open', { config: configOf({ startTimeoutSeconds: 1 }), nodes: [2] })
    const { runId, generation } = run
    await pages[0]?.request('rank:event', { runId, generation, rank: 0, event: { kind: 'ready', links: [] } })
    const failed = await until(controller, (s) => s.run?.status === 'failed')
    expect(failed.run?.error).toMatchObject({ code: 'TIMEOUT', rank: 1 })
    expect(failed.run?.error?.message).toContain('did not get ready')
  })
})

describe('a run', () => {
  it('is done when all ranks are, and fans their events out to everyone', async () => {
    const { controller, pages, at } = await startPair(await startLab())
    const heard: string[] = []
    controller.on('run:event', ({ rank, event }) => {
      heard.push(`${rank} ${event.kind}`)
    })
    for (const [rank, page] of pages.entries()) {
      await page.request('rank:event', { ...at, rank, event: { kind: 'ready', links: [] } })
    }
    await until(controller, (s) => s.run?.seats.every((seat) => seat.state === 'running') === true)
    await pages[0].request('rank:event', { ...at, rank: 0, event: { kind: 'done', report: reportOf(0) } })
    expect((await until(controller, (s) => s.run?.seats[0]?.state === 'done')).run?.status).toBe('running')
    await pages[1].request('rank:event', { ...at, rank: 1, event: { kind: 'done', report: reportOf(1) } })
    const { run } = await until(controller, (s) => s.run?.status === 'done')
    expect(run?.endedAt).toBeGreaterThanOrEqual(run?.startedAt ?? Number.NaN)
    expect(heard).toEqual(['0 ready', '1 ready', '0 done', '1 done'])
    pages[0].close()
    const after = await until(controller, (s) => s.members.length === 1)
    expect(after.run?.status).toBe('done')
  })

  it('fails with the first error, rank and node filled in, and stops every page', async () => {
    const { controller, pages, at } = await startPair(await startLab())
    const stopped = Promise.all(pages.map((page) => next(page, 'run:stop')))
    const error = { code: 'SCRIPT_FAILED', name: 'TypeError', message: 'x is not a function' } as const
    await pages[1].request('rank:event', { ...at, rank: 1, event: { kind: 'error', error, report: null } })
    for (const stop of await stopped) expect(stop.error).toMatchObject({ ...error, rank: 1, node: 'Alpha' })
    const { run } = await until(controller, (s) => s.run?.status === 'failed')
    expect(run?.error).toMatchObject({ ...error, rank: 1, node: 'Alpha' })
    const late = { kind: 'error', error: { ...error, code: 'ABORTED' }, report: reportOf(0) } as const
    const heard = next(controller, 'run:event', (e) => e.rank === 0)
    await pages[0].request('rank:event', { ...at, rank: 0, event: late })
    expect((await heard).event.kind).toBe('error')
    expect(controller.snapshot?.run?.error?.code).toBe('SCRIPT_FAILED')
  })

  it('stops at the word of the controller or of any page', async () => {
    const lab = await startLab()
    const { controller, pages } = await startPair(lab)
    const stopped = next(pages[1], 'run:stop')
    await pages[0].request('run:stop', { runId: 'run-1', reason: 'enough' })
    expect(await stopped).toMatchObject({ runId: 'run-1', reason: 'enough', error: null })
    await until(controller, (s) => s.run?.status === 'stopped')
    await controller.request('run:stop', { runId: 'run-1', reason: 'again' })
    await controller.request('run:open', { config: configOf({ runId: 'run-2' }), nodes: [2] })
    await controller.request('run:stop', { runId: 'run-2', reason: 'Ctrl-C' })
    await until(controller, (s) => s.run?.runId === 'run-2' && s.run.status === 'stopped')
    await expect(controller.request('run:stop', { runId: 'run-9', reason: 'x' })).rejects.toMatchObject({
      code: 'UNKNOWN_RUN',
    })
  })

  it('accepts a rank’s events from its own page alone', async () => {
    const { pages, at } = await startPair(await startLab())
    const event: RankEvent = { kind: 'ready', links: [] }
    await expect(pages[0].request('rank:event', { ...at, rank: 1, event })).rejects.toMatchObject({
      code: 'BAD_MESSAGE',
    })
    const old = { ...at, generation: at.generation - 1 }
    await expect(pages[0].request('rank:event', { ...old, rank: 0, event })).rejects.toMatchObject({
      code: 'UNKNOWN_RUN',
    })
  })
})

describe('a Start button', () => {
  it('reaches the controllers, or says that there are none', async () => {
    const lab = await startLab()
    const page = await lab.page('a0')
    await expect(page.request('run:request', {})).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    const controller = await lab.controller()
    const requested = next(controller, 'run:requested')
    await page.request('run:request', { args: ['--lr', '0.1'] })
    expect((await requested).args).toEqual(['--lr', '0.1'])
  })
})

describe('signals', () => {
  it('pass between ranks of one run, from their owner only', async () => {
    const { pages, at } = await startPair(await startLab())
    const heard = next(pages[1], 'signal')
    const signal = { ...at, from: 0, to: 1, data: { type: 'offer', sdp: 'v=0' } }
    await pages[0].request('signal', signal)
    expect(await heard).toEqual(signal)
    await expect(pages[0].request('signal', { ...signal, from: 1, to: 0 })).rejects.toMatchObject({
      code: 'BAD_MESSAGE',
    })
    await expect(pages[0].request('signal', { ...signal, to: 7 })).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    await expect(pages[0].request('signal', { ...signal, generation: 0 })).rejects.toMatchObject({
      code: 'UNKNOWN_RUN',
    })
  })
})

it('spares those who said that they do not listen the events of ranks, and nothing else', async () => {
  const lab = await startLab()
  const heard: string[] = []
  const quiet = await rawSocket(lab.server.url, { session: 'lab', token: lab.joinToken, runEvents: false })
  quiet.onAny((event: string) => heard.push(event))
  const { pages, at } = await startPair(lab)
  const event: RankEvent = { kind: 'ready', links: [] }
  const told = next(pages[1], 'run:event')
  const shown = new Promise<void>((resolve) => {
    quiet.on('session', ({ run }) => run?.seats[0]?.state === 'running' && resolve())
  })
  await pages[0].request('rank:event', { ...at, rank: 0, event })
  expect((await told).event.kind).toBe('ready')
  await shown
  expect(new Set(heard)).toEqual(new Set(['session']))
})
