import { MAX_MESSAGE_BYTES, MAX_SIGNAL_BYTES } from '@rondo/protocol'
import type { Socket } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { joinOf, type Lab, progressOf, rawSocket, reportOf, startLab, startPair, until } from './testing/fixtures.ts'

function disconnected(socket: Socket): Promise<string> {
  return new Promise((resolve) => socket.once('disconnect', resolve))
}

/** `depth` arrays in one another, as text: building it in memory would overflow this test's own stack. */
function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth)
}

/** Writes one socket.io event packet by hand, past every check of the client library. */
function sendText(socket: Socket, json: string, ackId = ''): void {
  const { engine } = socket.io
  engine.write(`2${ackId}${json}`)
}

async function stillWorks(lab: Lab): Promise<void> {
  const page = await lab.page(`check-${Math.random().toString(36).slice(2)}`)
  await until(page, (s) => s.members.length > 0)
  page.close()
}

describe('malformed messages', () => {
  const cyclicKeys = JSON.parse('{"__proto__": {"polluted": true}}')
  it.each([
    ['an unknown event', 'steal', {}],
    ['a name from the prototype', 'constructor', {}],
    ['the event "error"', 'error', { message: 'boom' }],
    ['no payload', 'join', undefined],
    ['a wrong type', 'join', 'let me in'],
    ['null', 'join', null],
    ['a missing field', 'join', { pageId: 'x' }],
    ['negative slots', 'join', joinOf('x', { slots: -1 })],
    ['fractional slots', 'join', joinOf('x', { slots: 1.5 })],
    ['too many slots', 'join', joinOf('x', { slots: 1000 })],
    ['an id that is a prototype key', 'join', joinOf('__proto__')],
    ['a path as id', 'join', joinOf('../../x')],
    ['prototype keys', 'signal', { runId: 'r', generation: 0, from: 0, to: 1, data: cyclicKeys }],
    ['a huge array', 'run:request', { args: Array.from({ length: 60_000 }, () => 'x') }],
    ['binary where JSON belongs', 'signal', { runId: 'r', generation: 0, from: 0, to: 1, data: Buffer.alloc(10) }],
    ['JSON where binary belongs', 'relay', { runId: 'r', generation: 0, from: 0, to: 1, frame: [1, 2, 3] }],
    [
      'an oversized signal',
      'signal',
      { runId: 'r', generation: 0, from: 0, to: 1, data: 'x'.repeat(MAX_SIGNAL_BYTES) },
    ],
  ])('get a typed error: %s', async (_, event, payload) => {
    const lab = await startLab()
    const socket = await lab.raw()
    const args = payload === undefined ? [] : [payload]
    const reply = await socket.timeout(3_000).emitWithAck(event, ...args)
    expect(reply).toMatchObject({ ok: false, error: { code: 'BAD_MESSAGE', message: expect.any(String) } })
    expect(reply.error.stack).toBeUndefined()
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect(socket.connected).toBe(true)
    expect(await socket.emitWithAck('join', joinOf('good'))).toMatchObject({ ok: true })
  })

  it('are refused by a "refused" event when nobody waits for an answer', async () => {
    const lab = await startLab()
    const socket = await lab.raw()
    const refused = new Promise((resolve) => socket.once('refused', resolve))
    socket.emit('join', 42)
    expect(await refused).toMatchObject({ code: 'BAD_MESSAGE' })
  })

  it('end the connection at the third time, and nobody else’s', async () => {
    const lab = await startLab()
    const neighbour = await lab.page('a0')
    const socket = await lab.raw()
    await socket.emitWithAck('join', joinOf('bad'))
    const gone = disconnected(socket)
    for (let i = 0; i < 3; i++) socket.emit('join', { nonsense: i })
    expect(await gone).toBe('io server disconnect')
    const { members } = await until(neighbour, (s) => s.members.length === 1)
    expect(members[0]?.pageId).toBe('a0')
    expect(neighbour.state).toBe('connected')
  })

  it('do not count when they are only late', async () => {
    const lab = await startLab()
    const socket = await lab.raw()
    const late = { runId: 'old', generation: 1, rank: 0, event: { kind: 'done', report: reportOf(0) } }
    for (let i = 0; i < 10; i++) {
      expect(await socket.emitWithAck('rank:event', late)).toMatchObject({ ok: false, error: { code: 'UNKNOWN_RUN' } })
    }
    expect(socket.connected).toBe(true)
  })
})

describe('hostile bytes', () => {
  it.each([
    ['deep JSON', `["signal",{"runId":"r","generation":0,"from":0,"to":1,"data":${nested(20_000)}}]`],
    ['deep JSON in an unknown place', `["run:request",{"args":${nested(100_000)}}]`],
    ['a number as event name', '[7,{}]'],
    ['too many arguments', '["leave",{},{},{},{}]'],
  ])('are refused: %s', async (_, json) => {
    const lab = await startLab()
    const socket = await lab.raw()
    const refused = new Promise((resolve) => socket.once('refused', resolve))
    sendText(socket, json)
    expect(await refused).toMatchObject({ code: 'BAD_MESSAGE' })
    await stillWorks(lab)
  })

  it.each([
    ['a reserved event name', '2["disconnect","x"]'],
    ['no JSON', '2{{{{'],
    ['no array', '2{"a":1}'],
    ['too many attachments', '599999-["relay",{}]'],
    ['an unknown packet type', '9'],
    ['deep JSON with an attachment', `51-["relay",${nested(100_000)}]`],
    ['text where an attachment belongs', '51-["relay",{"frame":{"_placeholder":true,"num":0}}]', '2["leave",{}]'],
    ['too many bytes', `2["join","${'x'.repeat(MAX_MESSAGE_BYTES)}"]`],
  ])('end their connection only: %s', async (_, ...packets) => {
    const lab = await startLab()
    const neighbour = await lab.page('a0')
    const socket = await lab.raw()
    const gone = disconnected(socket)
    for (const packet of packets) socket.io.engine.write(packet)
    if (packets[0]?.startsWith('51-["relay",[') === true) socket.io.engine.write(new Uint8Array(8).buffer as never)
    await gone
    expect(neighbour.state).toBe('connected')
    await stillWorks(lab)
  })

  it('an event without any name is refused', async () => {
    const lab = await startLab()
    const socket = await lab.raw()
    const refused = new Promise((resolve) => socket.once('refused', resolve))
    sendText(socket, '')
    expect(await refused).toMatchObject({ code: 'BAD_MESSAGE' })
  })

  it('a malformed handshake leaves nothing behind', async () => {
    const lab = await startLab()
    const attempts = [{ session: nested(10) }, { session: ['lab'] }, { token: 'x'.repeat(10_000) }, { role: null }]
    for (const auth of attempts) {
      await expect(rawSocket(lab.server.url, { session: 'lab', ...auth })).rejects.toMatchObject({
        data: { code: 'BAD_MESSAGE' },
      })
    }
    await stillWorks(lab)
  })
})

describe('floods', () => {
  it('of messages are refused, then the connection ends', async () => {
    const lab = await startLab({ limits: { control: 20 } })
    const neighbour = await lab.page('a0')
    const socket = await lab.raw()
    const gone = disconnected(socket)
    const codes: string[] = []
    socket.on('refused', (error) => codes.push(error.code))
    for (let i = 0; i < 40; i++) socket.emit('join', joinOf('flood'))
    expect(await gone).toBe('io server disconnect')
    expect(codes).toContain('RATE_LIMITED')
    await neighbour.request('join', joinOf('a0'))
  })

  it('of progress are thinned out without harm', async () => {
    const lab = await startLab({ limits: { progress: 10 } })
    const { controller, pages, at } = await startPair(lab)
    let heard = 0
    controller.on('run:event', () => {
      heard++
    })
    for (let step = 0; step < 50; step++) {
      await pages[0].request('rank:event', { ...at, rank: 0, event: progressOf(0, step) })
    }
    await pages[0].request('rank:event', { ...at, rank: 0, event: { kind: 'ready', links: [] } })
    await until(controller, (s) => s.run?.seats[0]?.state === 'running')
    expect(heard).toBe(11)
    expect(pages[0].state).toBe('connected')
  })

  it('of packets end the connection', async () => {
    const lab = await startLab({ limits: { packetsPerSecond: 100 } })
    const socket = await lab.raw()
    const gone = disconnected(socket)
    for (let i = 0; i < 1_000; i++) sendText(socket, '', '0')
    await gone
    await stillWorks(lab)
  })
})
