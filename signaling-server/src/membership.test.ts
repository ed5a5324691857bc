import { MAX_MEMBERS, MAX_SLOTS_PER_PAGE } from '@rondo/protocol'
import { describe, expect, it } from 'vitest'
import { joinOf, next, startLab, until } from './testing/fixtures.ts'

describe('joining and leaving', () => {
  it('gives ranks grouped by node, in a snapshot that everyone gets', async () => {
    const lab = await startLab()
    const first = await lab.page('a0')
    await lab.page('b0', { node: { id: 'beta', label: 'Beta' }, slots: 2 })
    await lab.page('a1')
    const { members } = await until(first, (snapshot) => snapshot.members.length === 4)
    expect(members.map(({ pageId, nodeRank, localRank }) => [pageId, nodeRank, localRank])).toEqual([
      ['a0', 0, 0],
      ['a1', 0, 1],
      ['b0', 1, 0],
      ['b0', 1, 1],
    ])
  })

  it('bumps the generation with every change of membership and only then', async () => {
    const lab = await startLab()
    const first = await lab.page('a0')
    const second = await lab.connect('page', lab.joinToken)
    const before = (await until(first, (s) => s.members.length === 1)).generation
    const joined = await second.request('join', joinOf('a1'))
    expect(joined.snapshot.generation).toBe(before + 1)
    const again = await second.request('join', joinOf('a1'))
    expect(again.snapshot.generation).toBe(before + 1)
    expect(again.members.map((m) => m.memberId)).toEqual(joined.members.map((m) => m.memberId))
    const more = await second.request('join', joinOf('a1', { slots: 3 }))
    expect(more.snapshot.generation).toBe(before + 2)
    expect(more.members).toHaveLength(3)
    await second.request('leave', {})
    const left = await until(first, (s) => s.generation === before + 3)
    expect(left.members.map((member) => member.pageId)).toEqual(['a0'])
  })

  it('forgets a page whose connection closed', async () => {
    const lab = await startLab()
    const first = await lab.page('a0')
    const second = await lab.page('a1')
    await until(first, (s) => s.members.length === 2)
    second.close()
    const { members } = await until(first, (s) => s.members.length === 1)
    expect(members[0]?.pageId).toBe('a0')
  })

  it('refuses local ranks that another tab of the node has, and takes them when numbered apart', async () => {
    const lab = await startLab()
    await lab.page('t0', { firstLocalRank: 0, slots: 2 })
    const other = await lab.connect('page', lab.joinToken)
    await expect(other.request('join', joinOf('t1', { firstLocalRank: 1 }))).rejects.toMatchObject({ code: 'CONFLICT' })
    const { members } = await other.request('join', joinOf('t1', { firstLocalRank: 2 }))
    expect(members.map((member) => member.localRank)).toEqual([2])
  })

  it('does not let a stranger take over the page of another connection', async () => {
    const lab = await startLab()
    const owner = await lab.page('a0')
    const stranger = await lab.connect('page', lab.joinToken)
    await expect(stranger.request('join', joinOf('a0'))).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(owner.state).toBe('connected')
  })

  it('lets the same client key take its page over on a new connection, slots unchanged', async () => {
    const lab = await startLab()
    const clientKey = 'k'.repeat(32)
    const before = await lab.raw({ clientKey })
    const joined = await before.emitWithAck('join', joinOf('a0'))
    const after = await lab.raw({ clientKey })
    const back = await after.emitWithAck('join', joinOf('a0'))
    expect(back.value.members.map((m: { memberId: string }) => m.memberId)).toEqual(
      joined.value.members.map((m: { memberId: string }) => m.memberId),
    )
    const watcher = await lab.controller()
    before.disconnect()
    await lab.page('a1')
    const { members } = await until(watcher, (s) => s.members.length === 2)
    expect(members.map((member) => member.pageId)).toEqual(['a0', 'a1'])
  })

  it('bounds the slots of a session', async () => {
    const lab = await startLab()
    const full = MAX_MEMBERS / MAX_SLOTS_PER_PAGE - 1
    const clients = await Promise.all(
      Array.from({ length: full }, (_, i) => lab.page(`full${i}`, { slots: MAX_SLOTS_PER_PAGE })),
    )
    clients.push(await lab.page('p1', { slots: MAX_SLOTS_PER_PAGE - 1 }))
    const last = await lab.connect('page', lab.joinToken)
    await expect(last.request('join', joinOf('p2', { slots: 2 }))).rejects.toMatchObject({ code: 'SESSION_FULL' })
    const { snapshot } = await last.request('join', joinOf('p2', { slots: 1 }))
    expect(snapshot.members).toHaveLength(MAX_MEMBERS)
    expect(clients).toHaveLength(full + 1)
  })

  it('sends the changes of one moment as few snapshots', async () => {
    const lab = await startLab()
    const watcher = await lab.controller()
    let snapshots = 0
    watcher.on('session', () => {
      snapshots++
    })
    const pages = await Promise.all(Array.from({ length: 12 }, () => lab.connect('page', lab.joinToken)))
    const before = snapshots
    await Promise.all(pages.map((page, i) => page.request('join', joinOf(`p${i}`))))
    await until(watcher, (s) => s.members.length === 12)
    expect(snapshots - before).toBeLessThan(12)
  })
})

describe('two sessions', () => {
  it('never mix', async () => {
    const lab = await startLab()
    const other = await lab.server.createSession('other')
    const here = await lab.page('a0')
    const there = await lab.raw({ session: 'other', token: other.joinToken })
    const heard: unknown[] = []
    there.onAny((event, payload) => heard.push({ event, payload }))
    const joined = await there.emitWithAck('join', joinOf('a0'))
    expect(joined).toMatchObject({ ok: true, value: { snapshot: { session: 'other' } } })
    const changed = next(here, 'session', (s) => s.members.length === 2)
    await lab.page('a1')
    expect((await changed).session).toBe('lab')
    expect(JSON.stringify(heard)).not.toContain('"lab"')
    expect(joined.value.snapshot.members).toHaveLength(1)
  })

  it('do not open with each other’s tokens', async () => {
    const lab = await startLab()
    const other = await lab.server.createSession('other')
    await expect(lab.connect('page', other.joinToken)).rejects.toMatchObject({ code: 'BAD_TOKEN' })
    await expect(lab.connect('controller', other.controlToken)).rejects.toMatchObject({ code: 'BAD_TOKEN' })
  })
})
