/**
 * The contract that every carrier passes, as cases with two sides: one runs at each end of a link, at the
 * same time, in whatever thread or tab that end lives. Cases end in `close`, so they run in this order.
 * Not for: making the link under test.
 */
import type { Link, LinkEnd } from '../link.ts'

type Frame = Uint8Array<ArrayBuffer>

export interface ContractCase {
  name: string
  left(link: Link): Promise<unknown>
  right(link: Link): Promise<unknown>
}

/** Frames of the ordering case. */
const ORDERED_FRAMES = 400

function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

/** Sizes from 1 byte to a full frame, in no order that chunking could hide behind. */
const sizeOf = (index: number, max: number): number => 1 + ((index * 7_919) % max)

/** A frame whose every byte depends on its number and place. */
function numbered(index: number, bytes: number): Frame {
  const frame = new Uint8Array(bytes)
  for (let i = 0; i < bytes; i++) frame[i] = (index * 31 + i * 7) & 0xff
  return frame
}

/** Collects frames until `enough` says so, then lets go of the handler. */
function receive(link: Link, take: (frame: Frame) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    link.onEnd = (end) => reject(new Error(`the link ended in mid-case: ${end.reason}`))
    link.onFrame = (frame) => {
      try {
        if (!take(frame)) return
        link.onFrame = null
        link.onEnd = null
        resolve()
      } catch (error) {
        reject(error)
      }
    }
  })
}

/** One byte says that this side is through with the case. */
const signOff = async (link: Link): Promise<void> => void (await link.send(new Uint8Array([1])))
const awaitSignOff = (link: Link): Promise<void> => receive(link, (frame) => frame.byteLength === 1)

function ended(link: Link): Promise<LinkEnd> {
  return new Promise((resolve) => {
    link.onEnd = resolve
  })
}

/** What a side of one case leaves for the next: the room that a full link's sender waits for. */
const waiting = new WeakMap<Link, Promise<void>>()

/** Bytes that a carrier may take while the other end takes nothing: the windows of all connections, and what overtakes. */
const MOST_UNTAKEN_BYTES = 12 * 1_048_576
/** Milliseconds after which a closed gate is taken to stay so. */
const SETTLE_MS = 100

const opensWithin = (room: Promise<void>, ms: number): Promise<boolean> =>
  Promise.race([room.then(() => true), new Promise<false>((resolve) => setTimeout(() => resolve(false), ms))])

/** The cases in their order; `largeBytes` go each way in the large one. */
export const linkContract = (largeBytes: number): ContractCase[] => [
  {
    name: 'frames of every size arrive complete and in order, and their buffers may be reused',
    async left(link) {
      const scratch = new Uint8Array(link.maxFrameBytes)
      for (let index = 0; index < ORDERED_FRAMES; index++) {
        const bytes = sizeOf(index, link.maxFrameBytes)
        scratch.set(numbered(index, bytes))
        await link.send(scratch.subarray(0, bytes))
        scratch.fill(0)
      }
      await awaitSignOff(link)
    },
    async right(link) {
      let index = 0
      await receive(link, (frame) => {
        const expected = numbered(index, sizeOf(index, link.maxFrameBytes))
        expect(frame.byteLength === expected.byteLength, `frame ${index} has ${frame.byteLength} bytes`)
        expect(frame.byteOffset === 0, `frame ${index} starts at offset ${frame.byteOffset} of its buffer`)
        for (let i = 0; i < frame.length; i++) {
          if (frame[i] !== expected[i]) throw new Error(`frame ${index} differs from what was sent at byte ${i}`)
        }
        index += 1
        return index === ORDERED_FRAMES
      })
      await signOff(link)
    },
  },
  {
    name: 'a large transfer runs both ways at once, with transfer of buffers and back-pressure',
    left: (link) => exchangeLarge(link, largeBytes),
    right: (link) => exchangeLarge(link, largeBytes),
  },
  {
    name: 'a sender waits while the other end takes nothing',
    async left(link) {
      const frame = new Uint8Array(link.maxFrameBytes)
      let sent = 0
      let room: undefined | Promise<void>
      // Several connections may take a few more frames while the first ones are still on their way.
      do {
        room = link.send(frame)
        sent += frame.byteLength
        expect(sent <= MOST_UNTAKEN_BYTES, `${sent} bytes were taken while nobody takes them from the link`)
      } while (!room || (await opensWithin(room, SETTLE_MS)))
      waiting.set(link, room)
    },
    // No handler: frames stay in the link.
    right: async () => {},
  },
  {
    name: 'it goes on when the other end takes frames again',
    async left(link) {
      await waiting.get(link)
      await signOff(link)
    },
    right: awaitSignOff,
  },
  {
    name: 'wrong frames are refused at the call',
    async left(link) {
      const refused = (call: () => unknown, what: string) => {
        try {
          call()
        } catch (error) {
          expect((error as { code?: string }).code === 'BAD_ARGUMENT', `${what}: ${String(error)}`)
          return
        }
        throw new Error(`${what} was accepted`)
      }
      refused(() => link.send(new Uint8Array(link.maxFrameBytes + 1)), 'a frame above maxFrameBytes')
      refused(() => link.send(new Uint8Array(0)), 'an empty frame')
      refused(() => link.send(new Uint8Array(8).subarray(1), { transfer: true }), 'a transferred part of a buffer')
      await signOff(link)
    },
    right: awaitSignOff,
  },
  {
    name: 'a close reaches the other end after the last frame, as a clean end',
    async left(link) {
      for (let index = 0; index < 20; index++) await link.send(numbered(index, 1_000))
      link.close('the work is done')
      expect(link.closed, 'a closed link says so')
      try {
        link.send(new Uint8Array(1))
      } catch (error) {
        expect((error as { code?: string }).code === 'CONNECTION_LOST', String(error))
        return
      }
      throw new Error('a closed link took a frame')
    },
    async right(link) {
      let frames = 0
      const end = ended(link)
      link.onFrame = () => {
        frames += 1
      }
      const { clean, reason } = await end
      expect(frames === 20, `${frames} of 20 frames came before the end`)
      expect(clean && reason === 'the work is done', `the end was told as ${clean ? 'clean' : 'unclean'}: ${reason}`)
    },
  },
]

async function exchangeLarge(link: Link, bytes: number): Promise<{ waits: number; ms: number }> {
  const frames = Math.ceil(bytes / link.maxFrameBytes)
  const started = performance.now()
  let received = 0
  const arrived = receive(link, (frame) => {
    expect(frame.byteLength === link.maxFrameBytes, `frame ${received} has ${frame.byteLength} bytes`)
    expect(frame[0] === (received & 0xff), `frame ${received} came as number ${frame[0]}`)
    received += 1
    return received === frames
  })
  let waits = 0
  for (let index = 0; index < frames; index++) {
    const frame = new Uint8Array(link.maxFrameBytes)
    frame[0] = index & 0xff
    const room = link.send(frame, { transfer: true })
    if (!room) continue
    waits += 1
    await room
  }
  await arrived
  expect(waits > 0, `${bytes} bytes were taken without a single wait: there is no back-pressure`)
  return { waits, ms: performance.now() - started }
}
