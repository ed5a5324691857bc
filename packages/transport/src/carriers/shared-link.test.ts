/** The shared-memory carrier in one thread: the link contract, lent and reserved memory, a peer that breaks the rules. */
import { afterEach, describe, expect, it } from 'vitest'
import type { LinkEnd } from '../link.ts'
import { linkContract } from '../testing/link-contract.ts'
import { RingWriter } from './byte-ring.ts'
import { SHARED_LINK_BYTES, SharedLink } from './shared-link.ts'

const open: SharedLink[] = []
afterEach(() => {
  for (const link of open.splice(0)) link.close()
})

async function linkPair() {
  const { port1, port2 } = new MessageChannel()
  const memory = new SharedArrayBuffer(SHARED_LINK_BYTES)
  const left = new SharedLink({ rank: 0, peer: 1, port: port1, memory })
  const right = new SharedLink({ rank: 1, peer: 0, port: port2, memory })
  const greeting = { presence: null, warmUpBytes: 0 }
  await Promise.all([left.stand(greeting), right.stand(greeting)])
  return { left, right }
}

describe('a shared link keeps the contract', async () => {
  const { left, right } = await linkPair()
  for (const { name, ...sides } of linkContract(16 * 1_048_576)) {
    it(name, async () => {
      await Promise.all([sides.left(left), sides.right(right)])
    })
  }
})

describe('a shared link', () => {
  it('lends the ring itself to a receiver that borrows, and sends what was filled in place', async () => {
    const { left, right } = await linkPair()
    open.push(left, right)
    right.borrows = true
    const seen: number[][] = []
    const buffers = new Set<unknown>()
    right.onFrame = (frame) => {
      seen.push([...frame])
      buffers.add(frame.buffer)
      // Whoever borrows may write to it; the next frame must not be touched by that.
      frame.fill(0xff)
    }
    for (let i = 0; i < 3; i++) {
      const frame = left.reserve(4)
      frame?.set([i, i + 1, i + 2, i + 3])
      if (frame) await left.send(frame)
    }
    await expect.poll(() => seen).toEqual([0, 1, 2].map((i) => [i, i + 1, i + 2, i + 3]))
    expect([...buffers].map((buffer) => buffer instanceof SharedArrayBuffer)).toEqual([true])
  })

  it('has nothing to reserve while the ring is full', async () => {
    const { left, right } = await linkPair()
    open.push(left, right)
    const frame = new Uint8Array(left.maxFrameBytes)
    let room: undefined | Promise<void>
    while (!room) room = left.send(frame)
    expect(left.reserve(8)).toBeUndefined()
    right.onFrame = () => {}
    await room
    expect(left.reserve(8)?.byteLength).toBe(8)
  })

  it('ends when the ring holds what no link writes', async () => {
    const { port1, port2 } = new MessageChannel()
    const memory = new SharedArrayBuffer(SHARED_LINK_BYTES)
    const link = new SharedLink({ rank: 0, peer: 1, port: port1, memory })
    open.push(link)
    const end = new Promise<LinkEnd>((resolve) => {
      link.onEnd = resolve
    })
    link.onFrame = () => {}
    const writer = new RingWriter(memory, SHARED_LINK_BYTES / 2, SHARED_LINK_BYTES / 2 - 256)
    writer.place(16)
    new Uint32Array(memory, SHARED_LINK_BYTES / 2 + 256, 1)[0] = 0x7fff_0000
    writer.commit()
    port2.postMessage({ kind: 'hello', rank: 1, presence: null, padding: 0 })
    expect(await end).toMatchObject({ clean: false, reason: expect.stringMatching(/rank 1 wrote no frame/) })
  })
})
