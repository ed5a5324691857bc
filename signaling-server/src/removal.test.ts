/** A controller sends a page away: what it loses, what it is told, and that it cannot come back under that name. */
import { describe, expect, it } from 'vitest'
import { configOf, joinOf, next, startLab, startPair, until } from './testing/fixtures.ts'

describe('removing a page', () => {
  it('takes its slots, tells it why and ends its connection', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    const page = await lab.page('a0', { slots: 2 })
    await lab.page('b0')
    await until(controller, (s) => s.members.length === 3)
    const told = next(page, 'refused')
    const closed = new Promise<string>((resolve) =>
      page.onConnection((state, reason) => {
        if (state === 'closed') resolve(reason)
      }),
    )
    await controller.request('page:remove', { pageId: 'a0', reason: 'not one of ours' })
    expect(await told).toMatchObject({ code: 'PAGE_REMOVED', message: expect.stringContaining('not one of ours') })
    expect(await closed).toContain('not one of ours')
    const { members } = await until(controller, (s) => s.members.length === 1)
    expect(members[0]?.pageId).toBe('b0')
  })

  it('does not let a page of that id in again, by whatever client', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    await lab.page('a0')
    await controller.request('page:remove', { pageId: 'a0', reason: 'enough' })
    const again = await lab.connect('page', lab.joinToken)
    await expect(again.request('join', joinOf('a0'))).rejects.toMatchObject({ code: 'PAGE_REMOVED' })
    const stranger = await lab.raw({ clientKey: 'k'.repeat(16) })
    expect(await stranger.emitWithAck('join', joinOf('a0'))).toMatchObject({ ok: false })
    // The link still lets other pages in: its token did not change.
    await again.request('join', joinOf('a1'))
    await until(controller, (s) => s.members.map(({ pageId }) => pageId).join() === 'a1')
  })

  it('fails a run that had ranks there, with the reason', async () => {
    const { controller } = await startPair(await startLab())
    await controller.request('page:remove', { pageId: 'p1', reason: 'too slow' })
    const { run } = await until(controller, (s) => s.run?.status === 'failed')
    expect(run?.error).toMatchObject({ code: 'RANK_LOST', message: expect.stringContaining('too slow') })
    expect(run?.seats.map(({ state }) => state)).toEqual(['starting', 'lost'])
  })

  it('leaves the connection of a page that is the controller itself', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    await controller.request('join', joinOf('own'))
    await controller.request('page:remove', { pageId: 'own', reason: 'only watching' })
    await until(controller, (s) => s.members.length === 0)
    await lab.page('a0')
    const { run } = await controller.request('run:open', { config: configOf(), nodes: null })
    expect(run.status).toBe('running')
  })

  it('is for controllers, and for pages that are there', async () => {
    const lab = await startLab()
    const { controller, pages } = await startPair(lab)
    const remove = { pageId: 'p1', reason: 'because' }
    await expect(pages[0].request('page:remove', remove)).rejects.toMatchObject({ code: 'BAD_TOKEN' })
    expect(controller.snapshot?.members).toHaveLength(2)
    await expect(controller.request('page:remove', { ...remove, pageId: 'nobody' })).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
    })
    await controller.request('page:remove', remove)
    await expect(controller.request('page:remove', remove)).resolves.toBeNull()
    await expect(controller.request('page:remove', { ...remove, reason: 'x'.repeat(200) })).rejects.toMatchObject({
      code: 'BAD_MESSAGE',
    })
  })
})
