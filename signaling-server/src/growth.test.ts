/** A run that grows: whoever is there stays and starts again in the larger world; whoever is lost meanwhile is named. */
import type { RunStart } from '@rondo/protocol'
import type { SignalingClient } from '@rondo/transport'
import { describe, expect, it } from 'vitest'
import { configOf, type Lab, next, progressOf, reportOf, startLab, until } from './testing/fixtures.ts'

interface Growing {
  lab: Lab
  controller: SignalingClient
  first: SignalingClient
  start: RunStart
}

/** One rank that runs. */
async function startOne(growable = true): Promise<Growing> {
  const lab = await startLab()
  const controller = await lab.controller()
  const first = await lab.page('p0', { firstLocalRank: 0 })
  const started = next(first, 'run:start')
  await controller.request('run:open', { config: configOf({ growable }), nodes: [1] })
  const start = await started
  const { runId, generation } = start
  await first.request('rank:event', { runId, generation, rank: 0, event: { kind: 'ready', links: [] } })
  return { lab, controller, first, start }
}

const RUN = { runId: 'run-1' }

describe('a run that grows', () => {
  it('starts everyone together a generation later, the first rank at its old place', async () => {
    const { lab, controller, first, start } = await startOne()
    const { run } = await controller.request('run:grow', { ...RUN, nodes: [3] })
    expect(run).toMatchObject({ status: 'waiting', config: { devices: 3, numNodes: 1 } })
    expect(run.seats.map((seat) => seat.state)).toEqual(['running', 'waiting', 'waiting'])
    // The first rank still speaks for itself.
    const event = { kind: 'console', level: 'log', text: 'still here' } as const
    await first.request('rank:event', { ...RUN, generation: start.generation, rank: 0, event })
    const again = next(first, 'run:start')
    const second = lab.page('p1', { firstLocalRank: 1, slots: 2 })
    const restarted = await again
    expect(restarted.generation).toBeGreaterThan(start.generation)
    expect(restarted.yours).toEqual([0])
    expect(restarted.seats.map((seat) => seat.pageId)).toEqual(['p0', 'p1', 'p1'])
    expect((await second).snapshot?.run?.status).toBe('running')
    const { generation } = restarted
    for (const rank of [0, 1, 2]) {
      const client = rank === 0 ? first : await second
      await client.request('rank:event', { ...RUN, generation, rank, event: { kind: 'done', report: reportOf(rank) } })
    }
    await until(controller, (snapshot) => snapshot.run?.status === 'done')
  })

  it('fails at once when its first rank is lost, fails or ends before the others are there', async () => {
    const lost = await startOne()
    await lost.controller.request('run:grow', { ...RUN, nodes: [2] })
    await lost.first.request('leave', {})
    expect((await until(lost.controller, (s) => s.run?.status === 'failed')).run?.error).toMatchObject({
      code: 'RANK_LOST',
      rank: 0,
    })

    const failed = await startOne()
    await failed.controller.request('run:grow', { ...RUN, nodes: [2] })
    const error = { code: 'SCRIPT_FAILED', name: 'Error', message: 'boom' } as const
    const at = { ...RUN, generation: failed.start.generation, rank: 0 }
    await failed.first.request('rank:event', {
      ...at,
      event: { kind: 'error', error: { ...error, rank: 0 }, report: null },
    })
    expect((await until(failed.controller, (s) => s.run?.status === 'failed')).run?.error?.message).toBe('boom')

    const ended = await startOne()
    await ended.controller.request('run:grow', { ...RUN, nodes: [2] })
    await ended.first.request('rank:event', {
      ...RUN,
      generation: ended.start.generation,
      rank: 0,
      event: { kind: 'done', report: reportOf(0) },
    })
    expect((await until(ended.controller, (s) => s.run?.status === 'failed')).run?.error?.message).toMatch(/await/)
  })

  it('is for controllers, for runs that may grow, and never takes a place away', async () => {
    const { controller, first } = await startOne()
    await expect(first.request('run:grow', { ...RUN, nodes: [2] })).rejects.toMatchObject({ code: 'BAD_TOKEN' })
    await expect(controller.request('run:grow', { ...RUN, nodes: [1] })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(controller.request('run:grow', { ...RUN, nodes: [0, 4] })).rejects.toThrow(/ranks that stay/)
    await expect(controller.request('run:grow', { ...RUN, nodes: [2 ** 31 - 1] })).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
    })
    const fixed = await startOne(false)
    await expect(fixed.controller.request('run:grow', { ...RUN, nodes: [2] })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    })
  })

  it('ends at its deadline naming who did not come', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    const first = await lab.page('p0', { firstLocalRank: 0 })
    const started = next(first, 'run:start')
    const config = configOf({ growable: true, startTimeoutSeconds: 1 })
    await controller.request('run:open', { config, nodes: [1] })
    const { generation } = await started
    await first.request('rank:event', { ...RUN, generation, rank: 0, event: { kind: 'ready', links: [] } })
    first.notify('rank:event', { ...RUN, generation, rank: 0, event: progressOf(0, 1) })
    await controller.request('run:grow', { ...RUN, nodes: [2] })
    const { run } = await until(controller, (snapshot) => snapshot.run?.status === 'failed')
    expect(run?.error).toMatchObject({ code: 'TIMEOUT', rank: 1 })
    expect(run?.error?.message).toContain('1 of 2 ranks did not arrive')
  })
})
