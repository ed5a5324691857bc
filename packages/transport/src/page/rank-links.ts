/**
 * All links of one local rank, as its page sees them: a pair for every peer, until all stand or one cannot
 * be had. Not for: the carriers (pair.ts) or telling runs apart (link-broker.ts).
 */
import { type ProcessGroupBackend, RondoError, type Seat, toWireError } from '@rondo/protocol'
import type { Connections } from '../connections.ts'
import type { FromLinkWorker, ToLinkWorker } from '../page-messages.ts'
import type { PageServices } from './attempt.ts'
import { carriersFor, sameBrowser } from './carrier-choice.ts'
import { Pair } from './pair.ts'
import type { PairSignal } from './signals.ts'

export interface RankLinksOptions {
  runId: string
  generation: number
  seats: Seat[]
  backend: ProcessGroupBackend
  rank: number
  /** To the rank's worker, where `acceptLinks` listens. */
  port: MessagePort
  services: PageServices
  warmUpBytes: number
  connections: Connections
  toPeer(peer: number, signal: PairSignal): void
}

export class RankLinks {
  readonly #options: RankLinksOptions
  readonly #pairs = new Map<number, Pair>()
  readonly #missing: Set<number>
  readonly #done: Promise<void>
  #resolve!: () => void
  #reject!: (error: unknown) => void
  #ready!: () => void
  /** The worker listens. */
  readonly ready: Promise<void>
  #closed = false
  /** Messages for a rank that has not started have no pair to go to. */
  started = false

  constructor(options: RankLinksOptions) {
    this.#options = options
    this.#missing = new Set(options.seats.map((seat) => seat.rank).filter((rank) => rank !== options.rank))
    this.ready = new Promise((resolve) => {
      this.#ready = resolve
    })
    this.#done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#done.catch(() => {})
    options.port.onmessage = (event: MessageEvent<FromLinkWorker>) => this.#fromWorker(event.data)
  }

  /** Resolves when every link stands. */
  all(): Promise<void> {
    return this.#done
  }

  /** Begins with all peers at once; to be called after `ready`. */
  start(): void {
    this.started = true
    if (this.#missing.size === 0) this.#resolve()
    for (const peer of this.#missing) {
      const pair = this.#pair(peer)
      if (!pair) return
      this.#pairs.set(peer, pair)
    }
    for (const pair of this.#pairs.values()) pair.start()
  }

  signal(from: number, signal: PairSignal): void {
    this.#pairs.get(from)?.signal(signal)
  }

  relayed(from: number, frame: Uint8Array | ArrayBuffer): void {
    this.#pairs.get(from)?.relayed(frame)
  }

  /** Gives up: the worker's `acceptLinks` and this side's `all` end with the same error. */
  fail(error: RondoError): void {
    if (this.#closed) return
    this.#post({ type: 'failed', error: toWireError(error) })
    this.#reject(error)
    this.close()
  }

  close(): void {
    this.#closed = true
    for (const pair of this.#pairs.values()) pair.close()
    this.#options.port.onmessage = null
  }

  /** Names every pair without a link and what was tried. */
  missingError(timeoutMs: number): RondoError {
    const { rank } = this.#options
    const list = [...this.#missing].map((peer) => {
      const tried = this.#pairs.get(peer)?.describe() ?? `the worker of rank ${rank} has not started`
      return `${this.#pairText(peer)} (${tried})`
    })
    return this.#error(
      `No link stands after ${timeoutMs / 1000} s between ${list.join(', ')}. Every pair of ranks needs one within the start timeout. Check that the pages of these ranks are open and awake, and start again.`,
      [...this.#missing],
    )
  }

  #fromWorker(message: FromLinkWorker): void {
    if (this.#closed) return
    if (message.type === 'ready') this.#ready()
    else this.#pairs.get(message.peer)?.worker(message)
  }

  #pair(peer: number): Pair | null {
    const { runId, generation, seats, backend, rank, services, warmUpBytes, connections } = this.#options
    const mine = seats.find((seat) => seat.rank === rank)
    const theirs = seats.find((seat) => seat.rank === peer)
    const carriers = mine && theirs ? carriersFor(backend, mine, theirs) : []
    if (!mine || !theirs || carriers.length === 0) {
      this.fail(
        this.#error(
          `processGroupBackend '${backend}' cannot join ${this.#pairText(peer)}: they are not in the same browser. Ports stay within one browser and origin; 'webrtc', 'relay' and 'auto' reach further. Start again with --process-group-backend auto.`,
          [peer],
        ),
      )
      return null
    }
    const worldSize = seats.length
    const neighbour = (rank + 1) % worldSize === peer || (peer + 1) % worldSize === rank
    return new Pair({
      runId,
      generation,
      rank,
      peer,
      carriers,
      sameBrowser: sameBrowser(mine, theirs),
      warmUpBytes: neighbour ? warmUpBytes : 0,
      connections,
      services,
      toWorker: (message, transfer) => this.#post(message, transfer),
      toPeer: (signal) => this.#options.toPeer(peer, signal),
      onStanding: () => {
        this.#missing.delete(peer)
        if (this.#missing.size === 0) this.#resolve()
      },
      onFailed: (tried) =>
        this.fail(
          this.#error(
            `No link could be made between ${this.#pairText(peer)} with processGroupBackend '${backend}'. Tried ${tried}. ${
              backend === 'auto'
                ? 'Check the network between these two machines, and that both reach the server.'
                : 'Other backends may get through: start again with --process-group-backend auto, or configure a TURN server.'
            }`,
            [peer],
          ),
        ),
    })
  }

  #pairText(peer: number): string {
    const name = (rank: number) => {
      const label = this.#options.seats.find((seat) => seat.rank === rank)?.nodeLabel
      return label ? `rank ${rank} (${label})` : `rank ${rank}`
    }
    return `${name(this.#options.rank)} and ${name(peer)}`
  }

  #error(message: string, missing: number[]): RondoError {
    return new RondoError('LINK_FAILED', message, { rank: this.#options.rank, details: { missing } })
  }

  #post(message: ToLinkWorker, transfer: Transferable[] = []): void {
    this.#options.port.postMessage(message, transfer)
  }
}
