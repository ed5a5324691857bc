import { MAX_CLIENTS_PER_SESSION, MAX_SESSIONS } from '@rondo/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { helloOf } from '../testing/fixtures.ts'
import type { Connection } from './record.ts'
import { Sessions } from './sessions.ts'
import { MemoryStore } from './store.ts'

let count = 0
function connectionOf(role: Connection['role'] = 'page'): Connection {
  return { id: `connection-${count++}`, role, control: false, clientKey: undefined }
}

function sessionsOf(): Sessions {
  return new Sessions(new MemoryStore(), { perform: () => undefined, lastSeen: () => undefined })
}

describe('sessions without any socket', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('are bounded in number', async () => {
    const sessions = sessionsOf()
    for (let i = 0; i < MAX_SESSIONS; i++) await sessions.create(`s${i}`, null)
    await expect(sessions.create('one-more', null)).rejects.toMatchObject({ code: 'SESSION_FULL' })
    await expect(sessions.hello('two-more', connectionOf('agent'), false, helloOf())).rejects.toMatchObject({
      code: 'SESSION_FULL',
    })
  })

  it('are bounded in connections', async () => {
    const sessions = sessionsOf()
    await sessions.create('lab', null)
    for (let i = 0; i < MAX_CLIENTS_PER_SESSION; i++) await sessions.connect('lab', connectionOf())
    await expect(sessions.connect('lab', connectionOf())).rejects.toMatchObject({ code: 'SESSION_FULL' })
  })

  it('that an agent made end a while after the last connection, those of the owner stay', async () => {
    const sessions = sessionsOf()
    await sessions.create('owned', null)
    const visitor = connectionOf()
    await sessions.connect('owned', visitor)
    await sessions.disconnect('owned', visitor.id)
    const agent = connectionOf('agent')
    await sessions.hello('made', agent, false, helloOf())
    await sessions.disconnect('made', agent.id)
    await vi.advanceTimersByTimeAsync(30_000)
    const back = connectionOf()
    await sessions.connect('made', back)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await sessions.exists('made')).toBe(true)
    await sessions.disconnect('made', back.id)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await sessions.exists('made')).toBe(false)
    expect(await sessions.exists('owned')).toBe(true)
  })

  it('are not left behind by an agent that was refused', async () => {
    const sessions = sessionsOf()
    const agent = connectionOf('agent')
    await expect(sessions.hello('lab', agent, false, helloOf({ rank: 9 }))).rejects.toMatchObject({
      code: 'NODE_RANK_TAKEN',
    })
    expect(await sessions.exists('lab')).toBe(false)
    expect(agent.control).toBe(false)
    await expect(sessions.hello('lab', agent, false, helloOf({ rank: 1 }))).resolves.toMatchObject({ nodeRank: 1 })
  })

  it('have tokens that differ and fit the handshake', async () => {
    const sessions = sessionsOf()
    const tokens = [await sessions.create('a', null), await sessions.create('b', null)]
    const all = tokens.flatMap(({ joinToken, controlToken }) => [joinToken, controlToken])
    expect(new Set(all).size).toBe(4)
    for (const token of all) expect(token).toMatch(/^[\w-]{24}$/)
    expect(await sessions.grant('a', tokens[0]?.joinToken)).toBe('join')
    expect(await sessions.grant('a', tokens[0]?.controlToken)).toBe('control')
    expect(await sessions.grant('a', tokens[1]?.joinToken)).toBeUndefined()
    expect(await sessions.grant('a', undefined)).toBeUndefined()
  })
})
