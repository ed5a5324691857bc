/** The port carrier on Node's MessagePorts: the link contract, and a peer that breaks the rules. */
import { afterEach, describe, expect, it } from 'vitest'
import type { LinkEnd } from '../link.ts'
import { linkContract } from '../testing/link-contract.ts'
import { PortLink } from './port-link.ts'

const open: PortLink[] = []
afterEach(() => {
  for (const link of open.splice(0)) link.close()
})

async function linkPair() {
  const { port1, port2 } = new MessageChannel()
  const left = new PortLink({ rank: 0, peer: 1, carrier: 'local', port: port1 })
  const right = new PortLink({ rank: 1, peer: 0, carrier: 'local', port: port2 })
  const greeting = { presence: null, warmUpBytes: 0 }
  await Promise.all([left.stand(greeting), right.stand(greeting)])
  return { left, right }
}

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
  const { left, right } = await linkPair()
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
    ['anything else', [HELLO, { kind: 'eval' }], /neither a frame nor a control message/],
  ])('ends when the peer sends %s', async (_, messages, reason) => {
    const { port, end, link } = hostile()
    for (const message of messages) port.postMessage(message)
    expect(await end).toMatchObject({ clean: false, reason: expect.stringMatching(reason) })
    expect(link.closed).toBe(true)
  })
})
