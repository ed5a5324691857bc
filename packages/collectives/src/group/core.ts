/**
 * The engine of a process group: numbers operations, lets a few overlap, watches their deadlines, and makes
 * one failure everybody's. Not for: what operations do (algorithms/) or where frames go (inbound.ts).
 */
import { FRAME_HEADER_BYTES, FrameKind, invariant, RondoError } from '@rondo/protocol'
import type { Link, LinkEnd } from '@rondo/transport'
import { FlightRecorder } from '../flight-recorder.ts'
import type { Topology } from '../topology.ts'
import { CENSUS_MS, timedOut } from './census.ts'
import { encodeError, PAIR_BIT, rankLost } from './failures.ts'
import { FramePool } from './frame-pool.ts'
import { Inbound, type InboundHost, pairKey } from './inbound.ts'
import { Operation, type OperationHost, type OperationRequest } from './operation.ts'
import { type Stamp, URGENT } from './outbox.ts'
import { Peer } from './peer.ts'
import { takeFromPredecessor } from './succession.ts'
import { Watchdog } from './watchdog.ts'

/** Collectives in flight at once; one more hides the gaps of the one before, further ones only hold memory. */
const MAX_OVERLAP = 4
/** Milliseconds that close() gives the last frames to leave. */
const CLOSE_FLUSH_MS = 1_000
/** Milliseconds between probes of a link while operations run. */
const PROBE_INTERVAL_MS = 1_000

export interface CoreOptions {
  readonly rank: number
  readonly worldSize: number
  readonly generation: number
  readonly links: ReadonlyMap<number, Link>
  /** Node of each rank, by rank. */
  readonly labels: readonly string[]
  readonly topology: Topology
}

/** How the end of a link reads that was over before its group began. */
const ENDED_BEFORE: LinkEnd = { clean: false, reason: 'its link had ended before this group began' }

export class GroupCore implements OperationHost, InboundHost {
  readonly rank: number
  readonly worldSize: number
  readonly generation: number
  readonly labels: readonly string[]
  readonly topology: Topology
  readonly recorder = new FlightRecorder()
  readonly inbound = new Inbound(this)
  readonly peers: readonly Peer[]
  readonly pool: FramePool
  messageBytes: number
  failure: RondoError | null = null
  onFailure: ((error: RondoError) => void) | null = null
  /** Payload bytes of operations that were handed to carriers: what the formulas of docs/collectives.md count. */
  payloadBytesSent = 0
  readonly #byRank: Array<Peer | undefined>
  readonly #active = new Map<number, Operation>()
  readonly #watchdog = new Watchdog((now) => this.#due(now))
  #queue: Operation[] = []
  #next = 0
  #collectives = 0
  #probed = 0
  #closed = false

  constructor({ rank, worldSize, generation, links, labels, topology }: CoreOptions) {
    this.rank = rank
    this.worldSize = worldSize
    this.generation = generation
    this.labels = labels
    this.topology = topology
    const smallest = Math.min(...[...links.values()].map((link) => link.maxFrameBytes)) - FRAME_HEADER_BYTES
    this.messageBytes = smallest - (smallest % 8)
    this.pool = new FramePool(this.messageBytes + FRAME_HEADER_BYTES)
    this.#byRank = new Array(worldSize).fill(undefined)
    for (const [peer, link] of links) this.#byRank[peer] = this.#meet(peer, link)
    this.peers = this.#byRank.filter((peer) => peer !== undefined)
    for (const peer of this.peers) {
      peer.link.borrows = true
      peer.link.onFrame = (frame) => this.inbound.take(peer, frame)
      peer.link.onEnd = (end) => this.#ended(peer, end)
      for (const frame of takeFromPredecessor(peer.link)) this.inbound.take(peer, frame)
    }
    // A link tells its end once; after a predecessor heard it, nobody would.
    for (const peer of this.peers) if (peer.link.closed) this.#ended(peer, ENDED_BEFORE)
  }

  /** The ranks agreed on messages of at most `bytes`; no operation may be running. */
  useMessageBytes(bytes: number): void {
    if (bytes === this.messageBytes) return
    this.messageBytes = bytes
    this.pool.resize(bytes + FRAME_HEADER_BYTES)
  }

  get begun(): number {
    return this.#next
  }

  peer(rank: number): Peer {
    const peer = this.#byRank[rank]
    invariant(peer, `rank ${this.rank} has no peer ${rank}`)
    return peer
  }

  active(key: number): Operation | undefined {
    return this.#active.get(key)
  }

  queued(key: number): boolean {
    return this.#queue.some((operation) => operation.key === key)
  }

  paid(payloadBytes: number): void {
    this.payloadBytesSent += payloadBytes
  }

  /** Runs an operation in its turn. Its number is taken now: the order of calls is the order of operations. */
  submit(request: OperationRequest): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure)
    const { what, pair, signal, bytes } = request
    const [sequence, key] = this.#number(pair)
    const operation = new Operation(this, request, sequence, key)
    operation.recordId = this.recorder.enqueue(what, sequence, pair?.peer ?? -1, bytes, performance.now())
    this.#queue.push(operation)
    if (signal !== undefined) {
      operation.onAbort = () => this.fail(aborted(operation, this.rank, signal.reason))
      signal.addEventListener('abort', operation.onAbort, { once: true })
    }
    if (signal?.aborted) operation.onAbort?.()
    else this.#pump()
    return operation.promise
  }

  /** Completes `operation` if nothing is left to do. */
  advanced(operation: Operation): void {
    if (!operation.complete || !this.#active.delete(operation.key)) return
    this.#settle(operation, null)
    if (operation.request.pair === undefined) this.#collectives--
    if (this.#active.size === 0) for (const peer of this.peers) peer.closeWindow()
    operation.resolve()
    this.#pump()
  }

  /** Fails every pending and later operation here, and tells all peers so that theirs fail too. */
  fail(error: RondoError): void {
    if (this.failure !== null) return
    this.failure = error
    this.#watchdog.stop()
    const pending = [...this.#active.values(), ...this.#queue]
    this.#active.clear()
    this.#queue = []
    for (const peer of this.peers) {
      peer.early.clear()
      peer.outbox.clear()
      if (peer.end === null) this.tell(peer, FrameKind.abort, 0, encodeError(error, this.messageBytes))
    }
    for (const operation of pending) {
      this.#settle(operation, error.message)
      operation.reject(error)
    }
    this.onFailure?.(error)
  }

  /** Probes a peer: its answer updates the round trip and `begun`. */
  ping(peer: Peer, payloadBytes = 8): void {
    if (peer.end !== null) return
    const payload = new Uint8Array(payloadBytes)
    new DataView(payload.buffer).setFloat64(0, performance.now(), true)
    this.tell(peer, FrameKind.ping, 0, payload)
  }

  stamp(kind: FrameKind, sequence: number, fingerprint = 0): Stamp {
    return { kind, source: this.rank, generation: this.generation, sequence, fingerprint }
  }

  tell(peer: Peer, kind: FrameKind, sequence: number, payload: Uint8Array, fingerprint = 0): void {
    const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.byteLength)
    frame.set(payload, FRAME_HEADER_BYTES)
    peer.outbox.post(URGENT, this.stamp(kind, sequence, fingerprint), 0, frame, null)
  }

  async close(keepLinks: boolean): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.onFailure = null
    const error = new RondoError(
      'ABORTED',
      `The process group of rank ${this.rank} was closed. No operation can run in it. Create a new group.`,
    )
    if (this.#active.size + this.#queue.length > 0) this.fail(error)
    this.failure ??= error
    this.#watchdog.stop()
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, CLOSE_FLUSH_MS)
    })
    await Promise.race([late, Promise.all(this.peers.map((peer) => peer.outbox.drained()))])
    clearTimeout(timer)
    for (const { link } of this.peers) {
      link.onFrame = null
      link.borrows = false
      link.onEnd = null
      if (!keepLinks) link.close(`rank ${this.rank} left the process group`)
    }
  }

  #meet(rank: number, link: Link): Peer {
    const peer: Peer = new Peer(rank, this.labels[rank]!, link, this.pool, (error) => {
      // A link that ends says so itself; afterwards what an operation still had for it is lost.
      if (link.closed) {
        if (peer.end !== null && peer.outbox.owes) this.#lose(peer)
        return
      }
      const why = error instanceof Error ? error.message : String(error)
      this.fail(new RondoError('LINK_FAILED', `The link to rank ${rank} refused a frame: ${why}`, { cause: error }))
    })
    return peer
  }

  #number(pair: OperationRequest['pair']): [sequence: number, key: number] {
    if (pair === undefined) {
      const sequence = this.#next++
      return [sequence, sequence]
    }
    const peer = this.peer(pair.peer)
    const sequence = (PAIR_BIT | (pair.receives ? peer.nextReceive++ : peer.nextSend++)) >>> 0
    return [sequence, pairKey(sequence, pair.peer, pair.receives)]
  }

  /** Starts what may start: pairs at once, collectives in order and a few at a time. */
  #pump(): void {
    for (let i = 0; i < this.#queue.length && this.failure === null; ) {
      const operation = this.#queue[i]!
      const isPair = operation.request.pair !== undefined
      if (!isPair && this.#collectives >= MAX_OVERLAP) {
        i++
        continue
      }
      this.#queue.splice(i, 1)
      if (!isPair) this.#collectives++
      this.#start(operation)
      i = 0
    }
  }

  #start(operation: Operation): void {
    const { pair, timeoutMs } = operation.request
    const now = performance.now()
    this.recorder.start(operation.recordId, now)
    this.#active.set(operation.key, operation)
    const gone = this.peers.find((peer) => peer.end !== null && (pair === undefined || pair.peer === peer.rank))
    if (gone !== undefined) {
      this.#lose(gone)
      return
    }
    operation.deadline = now + timeoutMs
    this.#watchdog.watch(operation.deadline)
    this.#probe(now)
    operation.algorithm.start(operation)
    for (const peer of this.peers) this.inbound.replay(operation, peer)
    this.advanced(operation)
  }

  /** Keeps round trips fresh while training runs, without a timer of its own. */
  #probe(now: number): void {
    if (now - this.#probed < PROBE_INTERVAL_MS) return
    this.#probed = now
    for (const peer of this.peers) this.ping(peer)
  }

  #settle(operation: Operation, error: string | null): void {
    this.recorder.end(operation.recordId, performance.now(), operation.algorithm.steps, error)
    if (operation.onAbort !== null) operation.request.signal?.removeEventListener('abort', operation.onAbort)
  }

  #ended(peer: Peer, end: LinkEnd): void {
    if (peer.end !== null) return
    peer.end = end
    if (this.failure !== null) return
    // A rank that left on purpose had finished what it called; only those who still need it have lost it.
    const needed = [...this.#active.values()].some((operation) => operation.algorithm.waitingFor().includes(peer.rank))
    if (!end.clean || needed || peer.outbox.owes) this.#lose(peer)
  }

  #lose(peer: Peer): void {
    const last = peer.lastSequence < 0 ? undefined : this.recorder.find(peer.lastSequence)
    this.fail(rankLost(peer, peer.end?.reason ?? 'its link ended', last, performance.now()))
  }

  /** Overdue operations: first ask the peers where they are, then fail with their answers. */
  #due(now: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const operation of this.#active.values()) {
      if (operation.deadline <= now) {
        if (operation.overdue) {
          this.fail(timedOut(operation, this.rank, this.peers))
          return Number.POSITIVE_INFINITY
        }
        operation.overdue = true
        operation.deadline = now + CENSUS_MS
        for (const peer of this.peers) {
          peer.begun = null
          this.ping(peer)
        }
      }
      next = Math.min(next, operation.deadline)
    }
    return next
  }
}

function aborted(operation: Operation, rank: number, reason: unknown): RondoError {
  const why = reason instanceof Error ? reason.message : String(reason)
  return new RondoError(
    'ABORTED',
    `${operation.what.op} (#${operation.sequence}) was aborted on rank ${rank}: ${why}. The other ranks were told, ` +
      `since none can finish it without this one. Create a new process group to go on.`,
    { rank, cause: reason },
  )
}
