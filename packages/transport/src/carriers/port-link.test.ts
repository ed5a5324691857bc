/** The port carrier on Node's MessagePorts: the link contract, and a peer that breaks the rules. */
import { afterEach, describe, expect, it } from 'vitest'
import type { LinkEnd } from '../link.ts'
import { linkContract } from '../testing/link-contract.ts'
import { PortLink, type PortLinkOptions } from './port-link.ts'
import type { SharedFile } from './shared-file.ts'

const open: PortLink[] = []
afterEach(() => {
  for (const link of open.splice(0)) link.close()
})

/** Files that live as long as somebody holds them, as tabs see those of their browser. */
function memoryFiles() {
  const open = new Map<string, Uint8Array>()
  return {
    open,
    openFile: async (name: string, bytes: number): Promise<SharedFile | null> => {
      const memory = open.get(name) ?? new Uint8Array(bytes)
      open.set(name, memory)
      return {
        write: (from, at) => memory.set(from, at),
        read: (into, at) => into.set(memory.subarray(at, at + into.byteLength)),
        close: () => void open.delete(name),
      }
    },
  }
}

async function linkPair(options: Pick<PortLinkOptions, 'openFile' | 'maxFrameBytes'> = {}) {
  const { port1, port2 } = new MessageChannel()
  const left = new PortLink({ rank: 0, peer: 1, carrier: 'port', port: port1, ...options })
  const right = new PortLink({ rank: 1, peer: 0, carrier: 'port', port: port2, ...options })
  const greeting = { presence: null, warmUpBytes: 0 }
  await Promise.all([left.stand(greeting), right.stand(greeting)])
  return { left, right }
}

describe('a port link with a shared file keeps the contract', async () => {
  const { left, right } = await linkPair({ openFile: memoryFiles().openFile, maxFrameBytes: 131_072 })
  it('both ends have opened it', () => expect.poll(() => left.copies && right.copies).toBe(true))
  for (const { name, ...sides } of linkContract(16 * 1_048_576)) {
    it(name, async () => {
      await Promise.all([sides.left(left), sides.right(right)])
    })
  }
})

describe('a port link that may open files', () => {
  it('lends what it reads, and lets go of the file at its end', async () => {
    const files = memoryFiles()
    const { left, right } = await linkPair({ openFile: files.openFile })
    await expect.poll(() => left.copies && right.copies).toBe(true)
    const buffers = new Set<unknown>()
    const seen: number[] = []
    right.borrows = true
    right.onFrame = (frame) => {
      buffers.add(frame.buffer)
      seen.push(frame[99_999]!)
    }
    for (const value of [7, 8]) await left.send(new Uint8Array(100_000).fill(value))
    await expect.poll(() => seen).toEqual([7, 8])
    expect(buffers.size).toBe(1)
    left.close()
    await expect.poll(() => right.closed && files.open.size).toBe(0)
  })

  it('goes on by transfer when the other end can open none', async () => {
    const { port1, port2 } = new MessageChannel()
    const left = new PortLink({ rank: 0, peer: 1, carrier: 'port', port: port1, openFile: memoryFiles().openFile })
    const right = new PortLink({ rank: 1, peer: 0, carrier: 'port', port: port2, openFile: async () => null })
    open.push(left, right)
    const greeting = { presence: null, warmUpBytes: 0 }
    await Promise.all([left.stand(greeting), right.stand(greeting)])
    const seen: number[] = []
    right.onFrame = (frame) => seen.push(frame.byteLength)
    await left.send(new Uint8Array(100_000))
    await expect.poll(() => seen).toEqual([100_000])
    expect([left.copies, right.copies]).toEqual([false, false])
  })
})

/** A link whose other end is this test. */
function hostile() {
  const { port1, port2: port } = new MessageChannel()
  const link = new PortLink({ rank: 0, peer: 1, carrier: 'port', port: port1, watermarks: { high: 100, low: 10 } })
  open.push(link)
  const end = new Promise<LinkEnd>((resolve) => {
    link.onEnd = resolve
  })
  return { link, port, end }
}
const HELLO = { kind: 'hello', rank: 1, presence: null, padding: 0 }

describe('a port link keeps the contract', async () => {
  const { left, right } = await linkPair({ maxFrameBytes: 131_072 })
  for (const { name, ...sides } of linkContract(16 * 1_048_576)) {
    it(name, async () => {
      await Promise.all([sides.left(left), sides.right(right)])
    })
  }
})

describe('a port link', () => {
  it('stands only after the peer said hello, and takes padding for itself', async () => {
    const { link, port } = hostile()
    const frames: number[] = []
    link.onFrame = (frame) => frames.push(frame.byteLength)
    const standing = link.stand({ presence: null, warmUpBytes: 0 })
    port.postMessage({ ...HELLO, presence: 'rondo-1', padding: 30 })
    for (const bytes of [20, 10, 7]) port.postMessage(new ArrayBuffer(bytes))
    expect(await standing).toBe('rondo-1')
    await expect.poll(() => frames).toEqual([7])
  })

  it('sends as much padding as it announced', async () => {
    const { link, port } = hostile()
    const seen: unknown[] = []
    const padded = new Promise<void>((resolve) => {
      port.onmessage = ({ data }) => {
        seen.push(data instanceof ArrayBuffer ? data.byteLength : data)
        if (seen.length === 2) resolve()
      }
    })
    void link.stand({ presence: null, warmUpBytes: 50 }).catch(() => {})
    await padded
    expect(seen).toEqual([{ kind: 'hello', rank: 0, presence: null, padding: 50 }, 50])
  })

  it('fails its greeting when it is closed first', async () => {
    const { link } = hostile()
    const standing = link.stand({ presence: null, warmUpBytes: 0 })
    link.close('too late')
    await expect(standing).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  })

  it.each<[string, unknown[], RegExp]>([
    ['a frame before the hello', [new ArrayBuffer(8)], /8 bytes before its hello/],
    ['an empty frame', [HELLO, new ArrayBuffer(0)], /a frame of 0 bytes/],
    ['a huge frame', [HELLO, new ArrayBuffer(2 ** 20 + 1)], /a frame of 1048577 bytes/],
    ["another rank's hello", [{ ...HELLO, rank: 2 }], /a hello of rank 2 came on the link to rank 1/],
    ['a second hello', [HELLO, HELLO], /a hello of rank 1/],
    ['a credit for nothing', [HELLO, 5], /credited 5 of 0 bytes/],
    ['a negative credit', [HELLO, -5], /credited -5 of 0 bytes/],
    ['the place of a frame in a file that it has not', [HELLO, [0, 8]], /named a place where no frame can be/],
    ['anything else', [HELLO, { kind: 'eval' }], /neither a frame nor a control message/],
  ])('ends when the peer sends %s', async (_, messages, reason) => {
    const { port, end, link } = hostile()
    for (const message of messages) port.postMessage(message)
    expect(await end).toMatchObject({ clean: false, reason: expect.stringMatching(reason) })
    expect(link.closed).toBe(true)
  })
})
