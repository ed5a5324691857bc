/**
 * Where arriving frames go: to the operation they belong to, into waiting until it begins, or, when they
 * can't be right, into an error that names their sender. Not for: running operations (core.ts).
 */
import { FRAME_HEADER_BYTES, FrameKind, RondoError, readFrameHeader } from '@rondo/protocol'
import { type Frame, payloadOf } from '../algorithm.ts'
import type { FlightRecorder } from '../flight-recorder.ts'
import { badFrame, decodeDescription, decodeError, encodeDescription, mismatch, PAIR_BIT } from './failures.ts'
import type { FramePool } from './frame-pool.ts'
import type { Operation } from './operation.ts'
import { type Stamp, URGENT } from './outbox.ts'
import type { Arrival, Peer } from './peer.ts'
import { keepForSuccessor } from './succession.ts'

/** Bytes. What one peer may send ahead of this rank's own calls. */
const MAX_EARLY_BYTES = 2 ** 30
/** Bytes that keeping a frame costs besides its own. */
const EARLY_OVERHEAD = 128
/** Milliseconds; a probe that took longer is garbage. */
const MAX_ROUND_TRIP = 600_000
/** Keys of pair operations start beyond any sequence: peer and direction in the upper part. */
const PAIR_KEY = 2 ** 32

/** Where an operation's frames find it: collectives by sequence, send and recv also by peer and direction. */
export function pairKey(sequence: number, peer: number, receives: boolean): number {
  return sequence + PAIR_KEY * (2 * peer + (receives ? 2 : 1))
}

export interface InboundHost {
  readonly rank: number
  readonly generation: number
  readonly labels: readonly string[]
  readonly recorder: FlightRecorder
  readonly pool: FramePool
  readonly failure: RondoError | null
  /** Collectives called on this rank. */
  readonly begun: number
  active(key: number): Operation | undefined
  /** Called, but not started yet. */
  queued(key: number): boolean
  advanced(operation: Operation): void
  fail(error: RondoError): void
  stamp(kind: FrameKind, sequence: number, fingerprint?: number): Stamp
  tell(peer: Peer, kind: FrameKind, sequence: number, payload: Uint8Array, fingerprint?: number): void
}

export class Inbound {
  readonly #host: InboundHost
  /** Told for each pong: the warm-up listens here. */
  onPong: ((peer: Peer, payloadBytes: number) => void) | null = null

  constructor(host: InboundHost) {
    this.#host = host
  }

  take(peer: Peer, received: Frame): void {
    peer.bytesReceived += received.byteLength
    try {
      this.#route(peer, received)
    } catch (error) {
      if (!(error instanceof RondoError)) throw error
      this.#refuse(peer, error.message)
    }
  }

  /** Hands an operation that begins what came for it before. */
  replay(operation: Operation, peer: Peer): void {
    const early = peer.early.get(operation.key)
    if (early === undefined) return
    peer.early.delete(operation.key)
    for (const arrival of early) {
      peer.earlyBytes -= arrival.frame.byteLength + EARLY_OVERHEAD
      if (this.#host.failure === null) this.#give(operation, peer, arrival)
    }
  }

  #route(peer: Peer, received: Frame): void {
    const host = this.#host
    const { kind, generation, sequence, source, fingerprint, index } = readFrameHeader(received)
    if (source !== peer.rank) {
      this.#refuse(peer, `it says it comes from rank ${source}`)
      return
    }
    if (generation < host.generation) return
    if (generation > host.generation) {
      if (!keepForSuccessor(peer.link, host.pool.own(received))) this.#refuse(peer, `it is of generation ${generation}`)
      return
    }
    if (host.failure !== null) return
    peer.lastHeard = performance.now()
    // Payloads are viewed in place, which needs an even start.
    const even = received.byteOffset % 8 === 0 ? received : received.slice()
    // Only an operation's data are looked at where they lie: decoders of text refuse shared memory.
    const frame = kind === FrameKind.data ? even : host.pool.own(even)
    switch (kind) {
      case FrameKind.data:
        this.#data(peer, { frame, sequence, fingerprint, index })
        return
      case FrameKind.ping:
        peer.outbox.post(URGENT, host.stamp(FrameKind.pong, host.begun), peer.receiveRate, frame, null)
        return
      case FrameKind.pong:
        this.#pong(peer, sequence, index, frame)
        return
      case FrameKind.mismatch:
        this.#mismatch(peer, sequence, payloadOf(frame))
        return
      case FrameKind.abort: {
        const error = decodeError(payloadOf(frame))
        if (error === undefined) this.#refuse(peer, 'its abort holds no error')
        else host.fail(error)
        return
      }
      default:
        kind satisfies never
    }
  }

  #data(peer: Peer, arrival: Arrival): void {
    const { frame, sequence, fingerprint } = arrival
    const isPair = (sequence & PAIR_BIT) !== 0
    if (!isPair && sequence > peer.lastSequence) peer.lastSequence = sequence
    const key = isPair ? pairKey(sequence, peer.rank, true) : sequence
    const operation = this.#host.active(key)
    if (operation !== undefined) {
      peer.openWindow(peer.lastHeard!)
      this.#give(operation, peer, arrival)
      return
    }
    const begun = isPair ? (PAIR_BIT | peer.nextReceive) >>> 0 : this.#host.begun
    if (sequence < begun && !this.#host.queued(key)) {
      // An operation ends after its last message came. This one is over here, so the sender's was another one.
      this.#dispute(peer, sequence, fingerprint)
      return
    }
    peer.earlyBytes += frame.byteLength + EARLY_OVERHEAD
    if (peer.earlyBytes > MAX_EARLY_BYTES) {
      this.#refuse(peer, `it sent ${peer.earlyBytes} bytes ahead of this rank, more than ${MAX_EARLY_BYTES}`)
      return
    }
    const owned = { ...arrival, frame: this.#host.pool.own(frame) }
    const kept = peer.early.get(key)
    if (kept === undefined) peer.early.set(key, [owned])
    else kept.push(owned)
  }

  #give(operation: Operation, peer: Peer, { frame, sequence, fingerprint, index }: Arrival): void {
    if (operation.disputed) return
    if (fingerprint !== operation.fingerprint) {
      operation.disputed = true
      this.#dispute(peer, sequence, fingerprint)
      return
    }
    const wrong = operation.accept(peer.rank, index, frame)
    if (wrong === undefined) this.#host.advanced(operation)
    else this.#refuse(peer, `${wrong} in ${operation.what.op} (#${(sequence & ~PAIR_BIT) >>> 0})`)
  }

  /** Tells a peer what ours was; it knows its own and then fails everybody, naming both. */
  #dispute(peer: Peer, sequence: number, fingerprint: number): void {
    const ours = this.#host.recorder.find(sequence, (sequence & PAIR_BIT) === 0 ? -1 : peer.rank)
    const unknown = { op: 'something no longer on record', name: '', dtype: '-', count: 0 }
    this.#host.tell(peer, FrameKind.mismatch, sequence, encodeDescription(ours ?? unknown), fingerprint)
  }

  #mismatch(peer: Peer, sequence: number, payload: Uint8Array): void {
    const host = this.#host
    const theirs = decodeDescription(payload)
    if (theirs === undefined) {
      this.#refuse(peer, 'its mismatch describes no operation')
      return
    }
    const ours = host.recorder.find(sequence, (sequence & PAIR_BIT) === 0 ? -1 : peer.rank)
    host.fail(
      mismatch(
        sequence,
        { rank: host.rank, label: host.labels[host.rank]!, what: ours },
        { rank: peer.rank, label: peer.label, what: theirs },
      ),
    )
  }

  /** A pong's sequence says how many operations its sender has begun, its index how fast our data reaches it. */
  #pong(peer: Peer, begun: number, rate: number, frame: Frame): void {
    peer.begun = begun
    peer.toldRate(rate)
    const payloadBytes = frame.byteLength - FRAME_HEADER_BYTES
    if (payloadBytes === 8) {
      const sentAt = new DataView(frame.buffer, frame.byteOffset + FRAME_HEADER_BYTES).getFloat64(0, true)
      const ms = performance.now() - sentAt
      if (ms >= 0 && ms < MAX_ROUND_TRIP) peer.measuredRoundTrip(ms)
    }
    this.onPong?.(peer, payloadBytes)
  }

  /** Garbage costs its sender the link; the group can't go on without it and says so. */
  #refuse(peer: Peer, why: string): void {
    this.#host.fail(badFrame(peer, why))
    peer.end ??= { clean: false, reason: why }
    peer.link.close(why.slice(0, 200))
  }
}
