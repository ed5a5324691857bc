import { createServer } from 'node:http'
import { SignalingClient } from '@rondo/transport'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSignalingServer } from './index.ts'
import { brittleLine } from './testing/brittle-line.ts'
import { helloOf, joinOf, next, startLab, startServer, until } from './testing/fixtures.ts'

function clientOf(url: string, token?: string, role: 'page' | 'agent' = 'page'): SignalingClient {
  const client = new SignalingClient({ url, session: 'lab', role, ...(token === undefined ? {} : { token }) })
  onTestFinished(() => client.close())
  return client
}

/** A port where nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

describe('connecting', () => {
  it('waits for a server that is not there yet', async () => {
    const port = await freePort()
    const client = clientOf(`http://127.0.0.1:${port}`, undefined, 'agent')
    const connected = client.connect({ timeoutMs: 10_000 })
    expect(client.state).toBe('connecting')
    await new Promise((resolve) => setTimeout(resolve, 300))
    await startServer({ port })
    await connected
    expect(client.state).toBe('connected')
  })

  it('gives up at its deadline, and at once when aborted', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    await expect(clientOf(url, 'x').connect({ timeoutMs: 300 })).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    const abort = new AbortController()
    const aborted = clientOf(url, 'x').connect({ signal: abort.signal })
    abort.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('knows the session without having been there first', async () => {
    const lab = await startLab()
    await lab.page('a0')
    const client = clientOf(lab.server.url, lab.joinToken)
    await client.connect()
    expect((await until(client, (s) => s.members.length === 1)).session).toBe('lab')
  })

  it('refuses requests before it and after the end', async () => {
    const lab = await startLab()
    const client = clientOf(lab.server.url, lab.joinToken)
    await expect(client.request('leave', {})).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    await client.connect()
    client.close()
    expect(client.state).toBe('closed')
    await expect(client.request('leave', {})).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    await expect(client.connect()).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  })
})

describe('requests', () => {
  it('that are aborted change nothing', async () => {
    const lab = await startLab()
    const client = await lab.page('a0')
    await expect(client.request('leave', {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    })
    expect(client.snapshot?.members).toHaveLength(1)
  })

  it('reject when the client closes under them', async () => {
    const lab = await startLab()
    const client = await lab.page('a0')
    const pending = client.request('leave', {})
    client.close()
    await expect(pending).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  })
})

describe('a connection that was lost', () => {
  it('comes back by itself, says hello and join again, and only then counts as connected', async () => {
    const server = await startServer()
    const line = await brittleLine(server.port)
    const agent = clientOf(line.url, undefined, 'agent')
    await agent.connect()
    await agent.request('agent:hello', helloOf())
    await agent.request('join', joinOf('a0'))
    const changes: string[] = []
    const back = new Promise<void>((resolve) => {
      agent.onConnection((state) => {
        changes.push(state)
        if (state !== 'reconnecting') resolve()
      })
    })
    line.cut()
    await back
    expect(changes).toEqual(['reconnecting', 'connected'])
    const { members, agents } = await until(agent, (s) => s.members.length === 1)
    expect(members[0]?.pageId).toBe('a0')
    expect(agents).toHaveLength(1)
  })

  it('ends for good when the server refuses it', async () => {
    const port = await freePort()
    const before = await createSignalingServer({ host: '127.0.0.1', port })
    const { joinToken } = await before.createSession('lab')
    const client = clientOf(before.url, joinToken)
    await client.connect()
    const closed = new Promise<string>((resolve) => {
      client.onConnection((state, reason) => state === 'closed' && resolve(reason))
    })
    await before.close()
    await startServer({ port })
    expect(await closed).toContain('no session lab')
  })

  it('tells the last refusal when it was ended for misbehaving', async () => {
    const lab = await startLab()
    const client = await lab.page('a0')
    const closed = new Promise<string>((resolve) => {
      client.onConnection((state, reason) => state === 'closed' && resolve(reason))
    })
    for (let i = 0; i < 3; i++) client.notify('join', { pageId: '' } as never)
    expect(await closed).toContain('Last refusal: join is malformed')
  })

  it('delivers events to every listener until it stops listening', async () => {
    const lab = await startLab()
    const client = await lab.page('a0')
    let heard = 0
    const stop = client.on('session', () => {
      heard++
    })
    const seen = next(client, 'session', (s) => s.members.length === 2)
    await lab.page('a1')
    await seen
    const before = heard
    expect(before).toBeGreaterThan(0)
    stop()
    const again = next(client, 'session', (s) => s.members.length === 3)
    await lab.page('a2')
    await again
    expect(heard).toBe(before)
  })
})
