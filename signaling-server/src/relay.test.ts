import { MAX_RELAY_FRAME_BYTES } from '@rondo/protocol'
import { describe, expect, it } from 'vitest'
import { startLab, startPair } from './testing/fixtures.ts'

function frameOf(bytes: number, fill: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes).fill(fill)
}

describe('the relay', () => {
  it('carries frames in order, aligned and unchanged', async () => {
    const { pages, at } = await startPair(await startLab())
    const heard: Uint8Array[] = []
    pages[1].on('relay', ({ frame }) => {
      heard.push(frame)
    })
    const sizes = [0, 1, 24, 1000, 65_560, MAX_RELAY_FRAME_BYTES]
    const sent = sizes.map((bytes, i) =>
      pages[0].request('relay', { ...at, from: 0, to: 1, frame: frameOf(bytes, i + 1) }),
    )
    await Promise.all(sent)
    expect(heard.map((frame) => frame.byteLength)).toEqual(sizes)
    for (const [i, frame] of heard.entries()) {
      expect(frame.byteOffset % 8).toBe(0)
      expect(frame.every((byte) => byte === i + 1)).toBe(true)
    }
  })

  it('acknowledges only when the receiver took the frame', async () => {
    const { pages, at } = await startPair(await startLab())
    let release = () => {}
    const taken = new Promise<void>((resolve) => {
      release = resolve
    })
    const arrived = new Promise<void>((resolve) => {
      pages[1].on('relay', () => {
        resolve()
        return taken
      })
    })
    let acknowledged = false
    const sent = pages[0].request('relay', { ...at, from: 0, to: 1, frame: frameOf(8, 1) }).then(() => {
      acknowledged = true
    })
    await arrived
    await pages[0].request('rank:event', { ...at, rank: 0, event: { kind: 'ready', links: [] } })
    expect(acknowledged).toBe(false)
    release()
    await sent
    expect(acknowledged).toBe(true)
  })

  it('says so when the receiver is gone, does not listen, or hangs', async () => {
    const lab = await startLab({ limits: { relayTimeoutMs: 200 } })
    const { pages, at } = await startPair(lab)
    const message = { ...at, from: 0, to: 1, frame: frameOf(8, 1) }
    await expect(pages[0].request('relay', message)).rejects.toMatchObject({ code: 'LINK_FAILED' })
    const stop = pages[1].on('relay', () => new Promise(() => {}))
    await expect(pages[0].request('relay', message)).rejects.toMatchObject({ code: 'TIMEOUT' })
    stop()
    pages[1].on('relay', () => new Promise(() => pages[1].close()))
    await expect(pages[0].request('relay', message)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  })

  it('takes frames from the owner of a rank alone, of the current run, within the size', async () => {
    const { pages, at } = await startPair(await startLab())
    const message = { ...at, from: 0, to: 1, frame: frameOf(8, 1) }
    await expect(pages[0].request('relay', { ...message, from: 1, to: 0 })).rejects.toMatchObject({
      code: 'BAD_MESSAGE',
    })
    await expect(pages[0].request('relay', { ...message, runId: 'x' })).rejects.toMatchObject({ code: 'UNKNOWN_RUN' })
    const large = { ...message, frame: frameOf(MAX_RELAY_FRAME_BYTES + 1, 1) }
    await expect(pages[0].request('relay', large)).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
  })

  it('bounds what is on its way', async () => {
    const lab = await startLab({ limits: { relayFramesInFlight: 4 } })
    const { pages, at } = await startPair(lab)
    let release = () => {}
    const taken = new Promise<void>((resolve) => {
      release = resolve
    })
    pages[1].on('relay', () => taken)
    const send = () => pages[0].request('relay', { ...at, from: 0, to: 1, frame: frameOf(8, 1) })
    const fitting = [send(), send(), send(), send()]
    await expect(send()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    release()
    await Promise.all(fitting)
    await send()
  })

  it('makes frames above the rate wait, in order', async () => {
    const lab = await startLab({ limits: { relayKiB: 3 } })
    const { pages, at } = await startPair(lab)
    const heard: number[] = []
    pages[1].on('relay', ({ frame }) => {
      heard.push(frame[0] ?? -1)
    })
    const send = (fill: number) => pages[0].request('relay', { ...at, from: 0, to: 1, frame: frameOf(1024, fill) })
    await Promise.all([send(0), send(1), send(2)])
    const late = send(3)
    await pages[0].request('rank:event', { ...at, rank: 0, event: { kind: 'ready', links: [] } })
    expect(heard).toEqual([0, 1, 2])
    await late
    expect(heard).toEqual([0, 1, 2, 3])
  })
})
