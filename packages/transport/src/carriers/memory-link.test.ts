/** The in-memory carrier: the link contract, and the knobs that only tests have. */
import { describe, expect, it } from 'vitest'
import type { Link, LinkEnd } from '../link.ts'
import { linkContract } from '../testing/link-contract.ts'
import { type MemoryMeshOptions, memoryMesh } from './memory-link.ts'

const LARGE_BYTES = 64 * 1_048_576

function linkPair(options: MemoryMeshOptions = {}) {
  const mesh = memoryMesh(2, options)
  return { mesh, left: mesh.links[0]?.get(1) as Link, right: mesh.links[1]?.get(0) as Link }
}

const endOf = (link: Link): Promise<LinkEnd> =>
  new Promise((resolve) => {
    link.onEnd = resolve
  })

const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0))

describe('a memory link keeps the contract', () => {
  const { left, right } = linkPair()
  for (const { name, ...sides } of linkContract(LARGE_BYTES)) {
    it(name, async () => {
      await Promise.all([sides.left(left), sides.right(right)])
    })
  }
})

describe('the knobs of a memory mesh', () => {
  it('makes one link for every pair', () => {
    const { links } = memoryMesh(4)
    expect(links.map((peers) => [...peers.keys()].sort())).toEqual([
      [1, 2, 3],
      [0, 2, 3],
      [0, 1, 3],
      [0, 1, 2],
    ])
  })

  it('never delivers within send', async () => {
    const { left, right } = linkPair()
    let received = 0
    right.onFrame = () => {
      received += 1
    }
    left.send(new Uint8Array(1))
    expect(received).toBe(0)
    await turn()
    expect(received).toBe(1)
  })

  it('delays in order', async () => {
    const { mesh, left, right } = linkPair({ delayMs: 30 })
    const seen: number[] = []
    const done = new Promise<void>((resolve) => {
      right.onFrame = (frame) => {
        seen.push(frame[0] as number)
        if (seen.length === 2) resolve()
      }
    })
    const sentAt = performance.now()
    left.send(new Uint8Array([1]))
    mesh.setDelay(0, 1, 0)
    left.send(new Uint8Array([2]))
    await done
    expect(seen).toEqual([1, 2])
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(29)
  })

  it('tells both sides when a rank is killed, and fails whoever waits', async () => {
    const { mesh, left, right } = linkPair({ watermarks: { high: 10, low: 1 } })
    const ends = Promise.all([endOf(left), endOf(right)])
    const waiting = left.send(new Uint8Array(11))
    expect(waiting).toBeInstanceOf(Promise)
    mesh.kill(1)
    expect((await ends).map((end) => end.clean)).toEqual([false, false])
    await expect(waiting).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    expect(() => left.send(new Uint8Array(1))).toThrow(/rank 0 to rank 1 has ended: rank 1 died/)
  })

  it('holds a partition back silently and heals it in order', async () => {
    const { mesh, left, right } = linkPair({ watermarks: { high: 2, low: 1 } })
    const seen: number[] = []
    right.onFrame = (frame) => seen.push(frame[0] as number)
    mesh.partition(0, 1)
    left.send(new Uint8Array([1]))
    left.send(new Uint8Array([2]))
    const room = left.send(new Uint8Array([3]))
    await turn()
    expect(seen).toEqual([])
    expect(left.closed).toBe(false)
    mesh.heal(0, 1)
    await room
    await turn()
    expect(seen).toEqual([1, 2, 3])
  })

  it('keeps the sender waiting while nobody takes the frames', async () => {
    const { left, right } = linkPair({ watermarks: { high: 10, low: 4 } })
    let open = false
    void left.send(new Uint8Array(11))?.then(() => {
      open = true
    })
    await turn()
    expect(open).toBe(false)
    right.onFrame = () => {}
    await turn()
    expect(open).toBe(true)
  })
})
