/**
 * One running operation: its algorithm, what it may send, what is still unsent, its promise and deadline.
 * Not for: routing and failures (core.ts).
 */
import { FrameKind, fingerprint } from '@rondo/protocol'
import type { Algorithm, Frame, MessageSource, Wire } from '../algorithm.ts'
import type { OperationDescription } from '../flight-recorder.ts'
import type { FramePool } from './frame-pool.ts'
import type { Sender, Stamp } from './outbox.ts'
import type { Peer } from './peer.ts'

export interface OperationRequest {
  readonly what: OperationDescription
  /** Bytes of the operand, for the record. */
  readonly bytes: number
  readonly algorithm: Algorithm
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
  /** Set for send and recv, which only concern two ranks. */
  readonly pair?: { readonly peer: number; readonly receives: boolean }
}

/** What an operation needs of its group. */
export interface OperationHost {
  readonly rank: number
  readonly worldSize: number
  readonly generation: number
  readonly messageBytes: number
  readonly pool: FramePool
  peer(rank: number): Peer
  /** Something moved: the operation may be complete. */
  advanced(operation: Operation): void
  paid(payloadBytes: number): void
}

export class Operation implements Wire, Sender {
  readonly what: OperationDescription
  readonly algorithm: Algorithm
  readonly request: OperationRequest
  readonly sequence: number
  /** Where arriving frames find it: the sequence, and for a pair also the peer and the direction. */
  readonly key: number
  readonly fingerprint: number
  readonly promise: Promise<void>
  resolve!: () => void
  reject!: (error: unknown) => void
  recordId = 0
  deadline = Number.POSITIVE_INFINITY
  /** A peer's operation differs and was told so: what else it sends is not looked at. */
  disputed = false
  /** Its deadline has passed and the peers are being asked. */
  overdue = false
  onAbort: (() => void) | null = null
  readonly #host: OperationHost
  readonly #stamp: Stamp
  readonly #sentIndex: number[]
  readonly #receivedIndex: number[]
  #unsent = 0

  constructor(host: OperationHost, request: OperationRequest, sequence: number, key: number) {
    const { op, name, dtype, count } = request.what
    this.#host = host
    this.request = request
    this.what = request.what
    this.algorithm = request.algorithm
    this.sequence = sequence
    this.key = key
    this.fingerprint = fingerprint(op, name, dtype, count)
    this.#stamp = {
      kind: FrameKind.data,
      source: host.rank,
      generation: host.generation,
      sequence,
      fingerprint: this.fingerprint,
    }
    this.#sentIndex = new Array(host.worldSize).fill(0)
    this.#receivedIndex = new Array(host.worldSize).fill(0)
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  get rank(): number {
    return this.#host.rank
  }
  get worldSize(): number {
    return this.#host.worldSize
  }
  get messageBytes(): number {
    return this.#host.messageBytes
  }
  get complete(): boolean {
    return this.#unsent === 0 && this.algorithm.done
  }

  /** Hands a message to the algorithm; a returned text says what is wrong with it. */
  accept(from: number, index: number, frame: Frame): string | undefined {
    const expected = this.#receivedIndex[from]!++
    if (index !== expected) return `message ${index} came where message ${expected} was due`
    return this.algorithm.onMessage(from, this.algorithm.borrows ? frame : this.#host.pool.own(frame))
  }

  /** How many messages came from `from`. */
  receivedFrom(from: number): number {
    return this.#receivedIndex[from]!
  }

  post(to: number, frame: Frame): void {
    this.#unsent++
    this.#host.peer(to).outbox.post(this.sequence, this.#stamp, this.#sentIndex[to]!++, frame, this)
  }

  stream(to: number, source: MessageSource): void {
    this.#unsent += source.count
    const index = this.#sentIndex[to]!
    this.#sentIndex[to] = index + source.count
    this.#host.peer(to).outbox.stream(this.sequence, this.#stamp, index, source, this)
  }

  recycle(frame: Frame): void {
    this.#host.pool.give(frame)
  }

  sent(payloadBytes: number): void {
    this.#unsent--
    this.#host.paid(payloadBytes)
    this.#host.advanced(this)
  }
}
