/**
 * Links over several lanes, with lanes in memory: the link contract, order whatever lanes do, a slow lane, a dying
 * one, a silent one, and a peer that breaks the rules. Real connections: e2e/links.spec.ts.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LinkEnd } from '../link.ts'
import { linkContract } from '../testing/link-contract.ts'
import { MemoryLane } from '../testing/memory-lanes.ts'
import { RtcLink } from './rtc-link.ts'

const MiB = 1_048_576
const GREETING = { presence: null, warmUpBytes: 65_536 }

interface Lanes {
  left: RtcLink
  right: RtcLink
  /** By lane: the end of the left link, and that of the right one. */
  lanes: Array<[MemoryLane, MemoryLane]>
}

/** Two links over as many lanes as there are delays. */
async function joined(delays: readonly number[]): Promise<Lanes> {
  const lanes = delays.map((delayMs) => MemoryLane.pair(delayMs))
  const [first, ...more] = lanes as [[MemoryLane, MemoryLane], ...Array<[MemoryLane, MemoryLane]>]
  const connections = delays.length
  const left = new RtcLink({ rank: 0, peer: 1, lane: first[0], connections })
  const right = new RtcLink({ rank: 1, peer: 0, lane: first[1], connections })
  await Promise.all([left.stand(GREETING), right.stand(GREETING)])
  for (const [mine, theirs] of more) {
    for (const end of [left.addLane(mine), right.addLane(theirs)]) end.standing(1)
  }
  // Lanes are used from the turn after they opened.
  await new Promise((resolve) => setTimeout(resolve, 0))
  return { left, right, lanes }
}

const ended = (link: RtcLink): Promise<LinkEnd> =>
  new Promise((resolve) => {
    link.onEnd = resolve
  })

/** Frames that carry their number, sent as fast as the link takes them. */
async function sendNumbered(link: RtcLink, count: number, bytes: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    const frame = new Uint8Array(bytes)
    new DataView(frame.buffer).setUint32(0, number)
    await link.send(frame)
  }
}

/** Resolves when `count` frames came; throws at the first that is out of order. */
function receiveNumbered(link: RtcLink, count: number): Promise<void> {
  let next = 0
  return new Promise((resolve, reject) => {
    link.onEnd = ({ reason }) => reject(new Error(`the link ended after ${next} frames: ${reason}`))
    link.onFrame = (frame) => {
      const number = new DataView(frame.buffer).getUint32(0)
      if (number !== next) reject(new Error(`frame ${number} came in place of ${next}`))
      next += 1
      if (next === count) resolve()
    }
  })
}

describe.each([[[0]], [[0, 1, 3, 7]]])('a link over lanes with delays of %j ms keeps the contract', async (delays) => {
  const { left, right } = await joined(delays)
  for (const { name, ...sides } of linkContract(16 * MiB)) {
    it(name, async () => {
      await Promise.all([sides.left(left), sides.right(right)])
    })
  }
})

describe('a link over several lanes', () => {
  it('keeps order whatever the lanes do', async () => {
    const course = fc.array(
      fc.record({
        frames: fc.array(fc.integer({ min: 1, max: 65_536 }), { minLength: 1, maxLength: 12 }),
        lane: fc.nat(2),
        delayMs: fc.integer({ min: 0, max: 4 }),
        held: fc.boolean(),
      }),
      { minLength: 1, maxLength: 8 },
    )
    await fc.assert(
      fc.asyncProperty(course, async (steps) => {
        const { left, right, lanes } = await joined([0, 0, 0])
        const sent: number[] = []
        const seen: number[] = []
        right.onFrame = (frame) => seen.push(frame.byteLength)
        for (const { frames, lane, delayMs, held } of steps) {
          const end = lanes[lane]?.[0] as MemoryLane
          end.delayMs = delayMs
          end.hold(held)
          for (const bytes of frames) {
            sent.push(bytes)
            // Lanes that are held may fill up; nothing is lost by not waiting here.
            void left.send(new Uint8Array(bytes))
          }
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
        for (const [end] of lanes) end.hold(false)
        await expect.poll(() => seen.length, { timeout: 5_000, interval: 2 }).toBe(sent.length)
        expect(seen).toEqual(sent)
        left.close()
      }),
      { numRuns: 25 },
    )
  })

  it('uses all lanes, the slow one less', async () => {
    const { left, right, lanes } = await joined([0, 1, 1, 1])
    const slow = lanes[1]?.[0] as MemoryLane
    slow.delayMs = 60
    await Promise.all([sendNumbered(left, 400, 60_000), receiveNumbered(right, 400)])
    const counts = lanes.map(([end]) => end.framesSent)
    expect(Math.min(...counts)).toBeGreaterThan(0)
    expect(slow.framesSent).toBeLessThan(Math.max(...counts) / 2)
  })

  it('goes on when one lane falls silent: what it holds goes over another', async () => {
    const { left, right, lanes } = await joined([1, 1, 1])
    const received = receiveNumbered(right, 300)
    await sendNumbered(left, 100, 60_000)
    lanes[2]?.[0].hold(true)
    for (let number = 100; number < 300; number++) {
      const frame = new Uint8Array(60_000)
      new DataView(frame.buffer).setUint32(0, number)
      await left.send(frame)
      // At the pace of a network: a frame is late only when time has passed.
      if (number % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 4))
    }
    await received
    expect(left.closed).toBe(false)
    // What was held arrives after all, and nobody minds.
    lanes[2]?.[0].hold(false)
    left.close('done')
    expect(await ended(right)).toMatchObject({ clean: true, reason: 'done' })
  })

  it('goes on when one lane dies with frames on their way', async () => {
    const { left, right, lanes } = await joined([2, 2, 2])
    const received = receiveNumbered(right, 300)
    const sent = sendNumbered(left, 300, 60_000)
    await expect.poll(() => lanes[1]?.[0].framesSent ?? 0).toBeGreaterThan(10)
    lanes[1]?.[0].die()
    await Promise.all([sent, received])
    expect([left.connections, right.connections]).toEqual([2, 2])
  })

  it('ends when its first lane dies', async () => {
    const { left, right, lanes } = await joined([1, 1])
    const ends = Promise.all([ended(left), ended(right)])
    lanes[0]?.[0].die()
    for (const { clean, reason } of await ends) {
      expect(clean).toBe(false)
      expect(reason).toMatch(/the lane died, on the way to rank/)
    }
  })

  it('ends cleanly after the last frame, however late its lane is', async () => {
    const { left, right, lanes } = await joined([0, 0, 0])
    for (const [end] of lanes.slice(1)) end.delayMs = 40
    let frames = 0
    right.onFrame = () => {
      frames += 1
    }
    const end = ended(right)
    for (let i = 0; i < 12; i++) void left.send(new Uint8Array(60_000))
    left.close('all sent')
    expect(await end).toMatchObject({ clean: true, reason: 'all sent' })
    expect(frames).toBe(12)
  })

  it('does without a lane that never came to be', async () => {
    const { left, right } = await joined([0, 0])
    const [mine] = MemoryLane.pair()
    left.addLane(mine).gone('no connection')
    await Promise.all([sendNumbered(left, 50, 60_000), receiveNumbered(right, 50)])
    expect(left.connections).toBe(2)
  })

  it('asks for the connections that it was told to have', async () => {
    const [mine, theirs] = MemoryLane.pair()
    const asked: number[] = []
    const left = new RtcLink({ rank: 0, peer: 1, lane: mine, connections: 4, widen: (count) => asked.push(count) })
    const right = new RtcLink({ rank: 1, peer: 0, lane: theirs })
    await Promise.all([left.stand(GREETING), right.stand(GREETING)])
    expect(asked).toEqual([4])
  })
})

describe('a peer that breaks the rules of lanes', () => {
  async function hostile() {
    const [mine, theirs] = MemoryLane.pair()
    const link = new RtcLink({ rank: 0, peer: 1, lane: mine })
    theirs.listen({ onFrame: () => {}, onWord: () => {}, onGone: () => {} })
    theirs.say({ kind: 'hello', rank: 1, presence: null, padding: 0 })
    await link.stand({ presence: null, warmUpBytes: 0 })
    return { link, theirs, end: ended(link) }
  }

  it.each<[string, unknown, RegExp]>([
    ['credits what was not sent', 5, /credited 5 of 0 bytes/],
    ['counts from nowhere', { kind: 'from', number: -1 }, /neither a frame nor a control message/],
    ['sends what is no word', 'eval', /neither a frame nor a control message/],
    ['greets again', { kind: 'hello', rank: 1, presence: null, padding: 0 }, /a hello of rank 1/],
  ])('is left when it %s', async (_, word, reason) => {
    const { theirs, end } = await hostile()
    theirs.say(word as object)
    expect(await end).toMatchObject({ clean: false, reason: expect.stringMatching(reason) })
  })

  it('is left when it fills this end with what waits for a frame that never comes', async () => {
    const { theirs, end } = await hostile()
    theirs.say({ kind: 'from', number: 1_000 })
    for (let i = 0; i < 34; i++) theirs.send(new Uint8Array(MiB))
    expect(await end).toMatchObject({ clean: false, reason: expect.stringMatching(/wait for what came before/) })
  })
})
