import { PROTOCOL_VERSION } from '@rondo/protocol'
import { SignalingClient } from '@rondo/transport'
import { io } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSignalingServer, type Health } from './index.ts'
import { rawSocket, startLab, startPair, startServer } from './testing/fixtures.ts'

/** Connects with an Origin header, as a browser would; resolves to whether that worked. */
function connectFrom(url: string, auth: object, origin: string, transport: 'websocket' | 'polling'): Promise<boolean> {
  const socket = io(url, {
    auth,
    extraHeaders: { origin },
    transports: [transport],
    reconnection: false,
    forceNew: true,
  })
  onTestFinished(() => {
    socket.disconnect()
  })
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('connect_error', () => resolve(false))
  })
}

describe('who may connect', () => {
  it('is decided by session and token, with an error that names the reason', async () => {
    const lab = await startLab()
    await expect(lab.connect('page', 'wrong')).rejects.toMatchObject({ code: 'BAD_TOKEN' })
    await expect(lab.connect('page')).rejects.toMatchObject({ code: 'BAD_TOKEN' })
    await expect(lab.connect('controller', lab.joinToken)).rejects.toMatchObject({ code: 'BAD_TOKEN' })
    await expect(lab.connect('page', lab.joinToken)).resolves.toBeDefined()
    const lost = new SignalingClient({ url: lab.server.url, session: 'nowhere', token: lab.joinToken, role: 'page' })
    await expect(lost.connect()).rejects.toMatchObject({ code: 'UNKNOWN_SESSION' })
    expect(lost.state).toBe('closed')
  })

  it('refuses other protocol versions and malformed handshakes', async () => {
    const lab = await startLab()
    const refusal = (auth: Record<string, unknown>) =>
      lab.raw(auth).then(
        () => null,
        (error) => error.data,
      )
    expect(await refusal({ protocol: PROTOCOL_VERSION + 1 })).toMatchObject({ code: 'UNSUPPORTED' })
    expect(await refusal({ session: '../etc' })).toMatchObject({ code: 'BAD_MESSAGE' })
    expect(await refusal({ role: 'root' })).toMatchObject({ code: 'BAD_MESSAGE' })
    expect(await refusal({ token: { $ne: null } })).toMatchObject({ code: 'BAD_MESSAGE' })
    expect(JSON.stringify(await refusal({ token: 'x' }))).not.toContain('stack')
  })

  it('leaves nothing behind of refused connections', async () => {
    const lab = await startLab()
    for (let i = 0; i < 20; i++) await rawSocket(lab.server.url, { session: 'lab', token: `no-${i}` }).catch(() => null)
    const metrics = await (await fetch(`${lab.server.url}/metrics`)).text()
    expect(metrics).toContain('rondo_connections 0')
  })

  it.each(['websocket', 'polling'] as const)('depends on the origin of the page (%s)', async (transport) => {
    const lab = await startLab({ corsOrigins: ['https://lab.example'] })
    const { url, port } = lab.server
    const auth = { protocol: PROTOCOL_VERSION, session: 'lab', token: lab.joinToken, role: 'page' }
    const from = (origin: string) => connectFrom(url, auth, origin, transport)
    expect(await from(url)).toBe(true)
    expect(await from('http://localhost:5173')).toBe(true)
    expect(await from('http://[::1]:8080')).toBe(true)
    expect(await from('https://lab.example')).toBe(true)
    expect(await from('https://evil.example')).toBe(false)
    expect(await from(`http://localhost.evil.example:${port}`)).toBe(false)
    expect(await from('null')).toBe(false)
  })

  it('answers CORS to known origins only', async () => {
    const { url } = await startServer()
    const allowed = async (path: string, origin: string) =>
      (await fetch(`${url}${path}`, { headers: { origin } })).headers.get('access-control-allow-origin')
    for (const path of ['/healthz', '/socket.io/?EIO=4&transport=polling']) {
      expect(await allowed(path, 'http://localhost:3000')).toBe('http://localhost:3000')
      expect(await allowed(path, 'https://evil.example')).toBeNull()
    }
  })
})

describe('the HTTP side', () => {
  it('says who it is', async () => {
    const lab = await startLab()
    const health = (await (await fetch(`${lab.server.url}/healthz`)).json()) as Health
    expect(health).toMatchObject({ name: 'rondo', protocol: PROTOCOL_VERSION, sessions: 1, sessionNames: ['lab'] })
    expect(health.uptime).toBeGreaterThanOrEqual(0)
    expect(JSON.stringify(health)).not.toContain(lab.joinToken)
  })

  it('counts what happens', async () => {
    const lab = await startLab()
    const { pages } = await startPair(lab)
    await pages[0].request('run:stop', { runId: 'nope', reason: '' }).catch(() => null)
    const metrics = await (await fetch(`${lab.server.url}/metrics`)).text()
    expect(metrics).toContain('rondo_sessions 1')
    expect(metrics).toContain('rondo_members 2')
    expect(metrics).toContain('rondo_runs{status="running"} 1')
    expect(metrics).toContain('rondo_messages_total{event="join"} 2')
    expect(metrics).toContain('rondo_refused_total{code="UNKNOWN_RUN"} 1')
  })

  it('hands everything else to its embedder, or says that there is nothing', async () => {
    const bare = await startServer()
    expect((await fetch(`${bare.url}/join`)).status).toBe(404)
    const { url } = await startServer({ requestHandler: (request, response) => response.end(`page ${request.url}`) })
    expect(await (await fetch(`${url}/join?x=1`)).text()).toBe('page /join?x=1')
  })

  it('says when its port is in use', async () => {
    const { port } = await startServer()
    await expect(createSignalingServer({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'PORT_IN_USE' })
  })

  it('refuses a second session of the same name', async () => {
    const lab = await startLab()
    await expect(lab.server.createSession('lab')).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})
