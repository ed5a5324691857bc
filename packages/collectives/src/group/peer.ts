/**
 * One other rank as this rank knows it: its link, what waits for it, what came too early from it, when it
 * was last heard and how fast the link is. Not for: deciding what any of it means (core.ts).
 */
import type { LinkReport } from '@rondo/protocol'
import type { Link, LinkEnd } from '@rondo/transport'
import type { Frame } from '../algorithm.ts'
import type { FramePool } from './frame-pool.ts'
import { Outbox } from './outbox.ts'

/** Bytes. A window with less says more about latency than about the link. */
const MIN_MEASURED_BYTES = 262_144
/** Share of the newest measurement in the reported throughput and round trip. */
const NEWEST_SHARE = 0.3

/** A received frame together with what its header says about its place. */
export interface Arrival {
  readonly frame: Frame
  readonly sequence: number
  readonly fingerprint: number
  readonly index: number
}

export class Peer {
  readonly rank: number
  readonly label: string
  readonly link: Link
  readonly outbox: Outbox
  /** Frames of operations that this rank has not begun yet, by operation key. */
  readonly early = new Map<number, Arrival[]>()
  earlyBytes = 0
  bytesReceived = 0
  /** Sequence of the newest operation this peer sent data for; −1 for none. */
  lastSequence = -1
  /** `performance.now()` of its last frame, null before the first. */
  lastHeard: number | null = null
  /** Why its link ended. */
  end: LinkEnd | null = null
  /** Answer to the newest question "how many operations have you begun?", for naming who is missing. */
  begun: number | null = null
  nextSend = 0
  nextReceive = 0
  #roundTripMs: number | null = null
  #throughput: number | null = null
  #windowStart: number | null = null
  #windowBytes = 0

  constructor(rank: number, label: string, link: Link, pool: FramePool, onLost: (error: unknown) => void) {
    this.rank = rank
    this.label = label
    this.link = link
    this.outbox = new Outbox(link, pool, onLost)
  }

  /** As people read it: `rank 2 (node "lab-3")`. */
  get title(): string {
    return `rank ${this.rank} (node "${this.label}")`
  }

  get roundTripMs(): number | null {
    return this.#roundTripMs
  }

  measuredRoundTrip(ms: number): void {
    this.#roundTripMs = blend(this.#roundTripMs, ms)
  }

  measuredThroughput(bytesPerSecond: number): void {
    this.#throughput = blend(this.#throughput, bytesPerSecond)
  }

  /** Data moves from now on: the clock starts with the first frame heard, so waiting for a late rank is not counted. */
  openWindow(now: number): void {
    if (this.#windowStart !== null) return
    this.#windowStart = now
    this.#windowBytes = this.outbox.bytesSent
  }

  closeWindow(now: number): void {
    if (this.#windowStart === null) return
    const bytes = this.outbox.bytesSent - this.#windowBytes
    const ms = now - this.#windowStart
    if (bytes >= MIN_MEASURED_BYTES && ms > 0) this.measuredThroughput((1000 * bytes) / ms)
    this.#windowStart = null
  }

  report(from: number): LinkReport {
    return {
      from,
      to: this.rank,
      carrier: this.link.carrier,
      bytesSent: this.outbox.bytesSent,
      throughput: this.#throughput,
      roundTripMs: this.#roundTripMs,
    }
  }
}

function blend(old: number | null, newest: number): number {
  return old === null ? newest : old + NEWEST_SHARE * (newest - old)
}
