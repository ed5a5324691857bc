/** Pages that must be let in by a person: they wait outside of every run until a controller says yes. */
import { describe, expect, it } from 'vitest'
import { configOf, next, startLab, until } from './testing/fixtures.ts'

describe('a session that asks', () => {
  it('gives no rank to a page before it is admitted, and all its ranks after', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    await lab.page('a0')
    await controller.request('session:admission', { admission: 'ask' })
    const late = await lab.page('b0', { slots: 2 })
    const waiting = await until(controller, (s) => s.members.length === 3)
    expect(waiting.admission).toBe('ask')
    expect(waiting.members.map(({ admitted }) => admitted)).toEqual([true, false, false])
    const chosen = waiting.members.map(({ memberId }) => memberId)
    const open = { config: configOf(), nodes: null, members: chosen }
    await expect(controller.request('run:open', open)).rejects.toMatchObject({
      code: 'NOT_ENOUGH_DEVICES',
      message: expect.stringContaining('waits to be let in'),
    })
    await controller.request('page:admit', { pageId: 'b0' })
    const started = next(late, 'run:start')
    await controller.request('run:open', open)
    expect((await started).yours).toEqual([1, 2])
  })

  it('takes only who is admitted when a run takes all', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    await controller.request('session:admission', { admission: 'ask' })
    await lab.page('a0')
    await lab.page('b0')
    await expect(controller.request('run:open', { config: configOf(), nodes: null })).rejects.toMatchObject({
      code: 'NOT_ENOUGH_DEVICES',
    })
    await controller.request('page:admit', { pageId: 'b0' })
    const { run } = await controller.request('run:open', { config: configOf(), nodes: null })
    expect(run.seats.map(({ pageId }) => pageId)).toEqual(['b0'])
  })

  it('starts a waiting run as soon as the page that it needs is admitted', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    await controller.request('session:admission', { admission: 'ask' })
    const page = await lab.page('a0')
    const { run } = await controller.request('run:open', { config: configOf(), nodes: [1] })
    expect(run.status).toBe('waiting')
    const started = next(page, 'run:start')
    await controller.request('page:admit', { pageId: 'a0' })
    expect((await started).yours).toEqual([0])
  })

  it('lets in those that wait when it opens', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    await controller.request('session:admission', { admission: 'ask' })
    await lab.page('a0')
    await until(controller, (s) => s.members[0]?.admitted === false)
    await controller.request('session:admission', { admission: 'open' })
    await until(controller, (s) => s.members[0]?.admitted === true && s.admission === 'open')
  })

  it('listens to controllers only', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    await controller.request('session:admission', { admission: 'ask' })
    const page = await lab.page('a0')
    await expect(page.request('page:admit', { pageId: 'a0' })).rejects.toMatchObject({ code: 'BAD_TOKEN' })
    await expect(page.request('session:admission', { admission: 'open' })).rejects.toMatchObject({ code: 'BAD_TOKEN' })
    await expect(controller.request('page:admit', { pageId: 'nobody' })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })
})
