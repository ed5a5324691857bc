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
/** Share of the newest measurement in the reported throughput, and of a longer one in the round trip. */
const NEWEST_SHARE = 0.3
/** A probe waits behind bulk data and busy peers: shorter round trips count at once, longer ones very little. */
const LONGER_SHARE = 0.02
/** Rates travel in pongs as KiB per second. */
const RATE_UNIT = 1024

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
  #receiveRate: number | null = null
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

  measuredRoundTrip(ms: number): void {
    const old = this.#roundTripMs
    this.#roundTripMs = old === null || ms < old ? ms : old + LONGER_SHARE * (ms - old)
  }

  /** Bytes per second that reach this peer from us. */
  measuredThroughput(bytesPerSecond: number): void {
    this.#throughput = bytesPerSecond
  }

  /** What this peer says it gets from us: only the receiving end sees a rate that no buffer flatters. */
  toldRate(units: number): void {
    if (units > 0) this.#throughput = units * RATE_UNIT
  }

  /** How fast data comes from this peer, as told to it in pongs; 0 for not known. */
  get receiveRate(): number {
    return Math.min(0xffff_ffff, Math.round((this.#receiveRate ?? 0) / RATE_UNIT))
  }

  /** Data moves from now on: the clock starts with the first frame heard, so waiting for a late rank is not counted. */
  openWindow(now: number): void {
    if (this.#windowStart !== null) return
    this.#windowStart = now
    this.#windowBytes = this.bytesReceived
  }

  closeWindow(): void {
    if (this.#windowStart === null) return
    const bytes = this.bytesReceived - this.#windowBytes
    const ms = (this.lastHeard ?? 0) - this.#windowStart
    this.#windowStart = null
    if (bytes < MIN_MEASURED_BYTES || ms <= 0) return
    const rate = (1000 * bytes) / ms
    const old = this.#receiveRate
    this.#receiveRate = old === null ? rate : old + NEWEST_SHARE * (rate - old)
  }

  report(from: number): LinkReport {
    return {
      from,
      to: this.rank,
      carrier: this.link.carrier,
      ...(this.link.connections === undefined ? {} : { connections: this.link.connections }),
      ...(this.link.candidateType ? { candidate: this.link.candidateType } : {}),
      bytesSent: this.outbox.bytesSent,
      throughput: this.#throughput,
      roundTripMs: this.#roundTripMs,
    }
  }
}
