/**
 * The carrier of tests: N ranks in one JavaScript thread, with the same order, back-pressure and endings
 * as the real carriers, plus knobs for delay, a dead rank and a cut pair. Not for: moving data between
 * threads.
 */
import { invariant } from '@rondo/protocol'
import type { Watermarks } from '../flow-control.ts'
import type { Link, LinkEnd } from '../link.ts'
import { DEFAULT_FRAME_BYTES, LinkBase } from '../link-base.ts'

/** Bytes on their way: sixteen full frames, enough to keep a pipeline busy and few enough to test waiting. */
const DEFAULT_HIGH = 16 * DEFAULT_FRAME_BYTES
const DEFAULT_LOW = 4 * DEFAULT_FRAME_BYTES

type Frame = Uint8Array<ArrayBuffer>

/** What lent memory holds when it is the carrier's again: whoever still reads it gets nonsense. */
const RETURNED = 0xa5
/** A frame that does not span its buffer, at a place where payloads can be viewed. */
const withinLarger = (bytes: number): Frame => new Uint8Array(bytes + 8).subarray(8)

export interface MemoryMeshOptions {
  /** Milliseconds from send to arrival, for every pair; 0 arrives in a microtask. */
  delayMs?: number
  /** Bytes, header included. */
  maxFrameBytes?: number
  watermarks?: Watermarks
  /**
   * As carriers with memory of their own: receivers that borrow get memory that is overwritten when their handler
   * returns, and senders may reserve.
   */
  lends?: boolean
}

/** `links[rank].get(peer)`, and the knobs. */
export interface MemoryMesh {
  links: Array<Map<number, Link>>
  /** The rank's page dies: its peers see an unclean end, and so do its own links. */
  kill(rank: number, reason?: string): void
  /** Holds back everything between a and b, without telling anyone; senders run into back-pressure. */
  partition(a: number, b: number): void
  /** Ends a partition: what was held back arrives in order. */
  heal(a: number, b: number): void
  /** Ends the link of one pair uncleanly on both sides, as a failed connection does. */
  cut(a: number, b: number, reason?: string): void
  /** Milliseconds from send to arrival between a and b, from the next frame on. */
  setDelay(a: number, b: number, delayMs: number): void
}

class MemoryLink extends LinkBase {
  #twin: MemoryLink | null = null
  #queue: Array<{ due: number; item: Frame | LinkEnd }> = []
  #scheduled = false
  /** Bytes sent and not yet taken by the other end's handler. */
  #underway = 0
  #held = false
  delayMs: number
  borrows = false
  readonly #lends: boolean

  constructor(rank: number, peer: number, options: MemoryMeshOptions) {
    super({
      rank,
      peer,
      carrier: 'memory',
      maxFrameBytes: options.maxFrameBytes ?? DEFAULT_FRAME_BYTES,
      watermarks: options.watermarks ?? { high: DEFAULT_HIGH, low: DEFAULT_LOW },
    })
    this.delayMs = options.delayMs ?? 0
    this.#lends = options.lends ?? false
  }

  static pair(a: number, b: number, options: MemoryMeshOptions): [MemoryLink, MemoryLink] {
    const left = new MemoryLink(a, b, options)
    const right = new MemoryLink(b, a, options)
    left.#twin = right
    right.#twin = left
    return [left, right]
  }

  /** The other end. */
  get twin(): MemoryLink {
    invariant(this.#twin, 'a memory link is made in pairs')
    return this.#twin
  }

  hold(held: boolean): void {
    this.#held = held
    this.#schedule()
  }

  fail(reason: string): void {
    this.#queue = []
    this.finish({ clean: false, reason }, false)
  }

  reserve(bytes: number): Frame | undefined {
    return this.#lends ? withinLarger(bytes) : undefined
  }

  protected override hand(frame: Frame, handler: (frame: Frame) => void): void {
    if (!this.#lends || !this.borrows) {
      super.hand(frame, handler)
      return
    }
    const lent = withinLarger(frame.byteLength)
    lent.set(frame)
    try {
      super.hand(lent, handler)
    } finally {
      lent.fill(RETURNED)
    }
  }

  protected carry(frame: Frame, transfer: boolean): undefined | Promise<void> {
    this.#underway += frame.byteLength
    // A transferred buffer is detached, as on real carriers, so that tests catch its further use.
    this.#push(transfer ? new Uint8Array(structuredClone(frame.buffer, { transfer: [frame.buffer] })) : frame.slice())
    return this.gate.after(this.#underway)
  }

  protected release(end: LinkEnd, byUs: boolean): void {
    if (byUs) this.#push(end)
  }

  protected override taken(bytes: number): void {
    const sender = this.twin
    sender.#underway -= bytes
    sender.gate.drained(sender.#underway)
  }

  #push(item: Frame | LinkEnd): void {
    this.#queue.push({ due: this.delayMs > 0 ? performance.now() + this.delayMs : 0, item })
    this.#schedule()
  }

  #schedule(): void {
    const first = this.#queue[0]
    if (this.#scheduled || this.#held || !first) return
    this.#scheduled = true
    if (first.due > 0) setTimeout(() => this.#drain(), Math.max(0, first.due - performance.now()))
    else queueMicrotask(() => this.#drain())
  }

  #drain(): void {
    this.#scheduled = false
    const now = performance.now()
    try {
      for (let next = this.#queue[0]; next && next.due <= now && !this.#held; next = this.#queue[0]) {
        this.#queue.shift()
        if (next.item instanceof Uint8Array) this.twin.deliver(next.item)
        else this.twin.finish(next.item, false)
      }
    } finally {
      this.#schedule()
    }
  }
}

/**
 * A full mesh of links between `worldSize` ranks. Frames of one direction arrive in order, never within
 * the call of `send`. A mesh of one has no links.
 */
export function memoryMesh(worldSize: number, options: MemoryMeshOptions = {}): MemoryMesh {
  const links = Array.from({ length: worldSize }, () => new Map<number, MemoryLink>())
  for (let a = 0; a < worldSize; a++) {
    for (let b = a + 1; b < worldSize; b++) {
      const [left, right] = MemoryLink.pair(a, b, options)
      links[a]?.set(b, left)
      links[b]?.set(a, right)
    }
  }
  const both = (a: number, b: number): MemoryLink[] => {
    const link = links[a]?.get(b)
    invariant(link, `a mesh of ${worldSize} has no link between rank ${a} and rank ${b}`)
    return [link, link.twin]
  }
  return {
    links,
    kill(rank, reason = `rank ${rank} died`) {
      for (const link of links[rank]?.values() ?? []) {
        link.fail(reason)
        link.twin.fail(reason)
      }
    },
    partition: (a, b) => both(a, b).forEach((link) => void link.hold(true)),
    heal: (a, b) => both(a, b).forEach((link) => void link.hold(false)),
    cut: (a, b, reason = `the connection between rank ${a} and rank ${b} failed`) =>
      both(a, b).forEach((link) => void link.fail(reason)),
    setDelay(a, b, delayMs) {
      for (const link of both(a, b)) link.delayMs = delayMs
    },
  }
}
