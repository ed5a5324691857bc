/**
 * One local rank's way to a link with one peer: tries the carriers in order until one stands. The lower
 * rank decides when to go on to the next, so that both sides are always at the same attempt. Not for: how
 * a carrier is made (the attempts).
 */
import { type Carrier, invariant } from '@rondo/protocol'
import type { Connections } from '../connections.ts'
import type { FromLinkWorker, ToLinkWorker } from '../page-messages.ts'
import type { Attempt, AttemptContext, PageServices } from './attempt.ts'
import { MoreConnections } from './more-connections.ts'
import { attemptLocal, attemptPort, attemptShared } from './port-attempts.ts'
import { attemptRelay } from './relay-attempt.ts'
import type { PairSignal } from './signals.ts'
import { attemptWebrtc } from './webrtc-attempt.ts'

/** Relay messages that may come before this side has gone on to the relay. */
const MAX_EARLY_RELAYED = 64

export interface PairOptions {
  runId: string
  generation: number
  rank: number
  peer: number
  carriers: Carrier[]
  sameBrowser: boolean
  warmUpBytes: number
  connections: Connections
  services: PageServices
  /** To the local rank's worker. */
  toWorker(message: ToLinkWorker, transfer?: Transferable[]): void
  toPeer(signal: PairSignal): void
  onStanding(carrier: Carrier): void
  /** All carriers were tried; `tried` says what became of each. */
  onFailed(tried: string): void
}

type WorkerMessage = Exclude<FromLinkWorker, { type: 'ready' }>

export class Pair {
  readonly #options: PairOptions
  readonly #initiator: boolean
  #attempt = 0
  #current: Attempt | null = null
  /** Of the current attempt, once it stands over WebRTC. */
  #more: MoreConnections | null = null
  #state: 'trying' | 'standing' | 'over' = 'trying'
  #tried: string[] = []
  /** Of this attempt: what came while the attempt was being opened. */
  #earlyRelayed: Array<Uint8Array | ArrayBuffer> = []

  constructor(options: PairOptions) {
    this.#options = options
    this.#initiator = options.rank < options.peer
  }

  start(): void {
    this.#open()
  }

  /** From the other page. */
  signal(signal: PairSignal): void {
    if (this.#state === 'over') return
    switch (signal.step) {
      case 'handshake':
        if (signal.attempt !== this.#attempt) break
        if (signal.lane === 0) this.#current?.signal?.(signal.data)
        else this.#more?.signal(signal.lane, signal.data)
        break
      case 'widen':
        if (this.#initiator && signal.attempt === this.#attempt) this.#more?.widen(signal.connections)
        break
      case 'failed':
        if (this.#initiator && signal.attempt === this.#attempt && this.#state === 'trying')
          this.#advance(signal.reason)
        break
      case 'advance':
        if (this.#initiator || signal.attempt <= this.#attempt) break
        this.#leave(signal.reason)
        this.#attempt = signal.attempt
        this.#open()
        break
      default:
        signal satisfies never
    }
  }

  relayed(frame: Uint8Array | ArrayBuffer): void {
    if (this.#current?.relayed) this.#current.relayed(frame)
    else if (this.#state === 'trying' && this.#earlyRelayed.length < MAX_EARLY_RELAYED) this.#earlyRelayed.push(frame)
  }

  /** From the local worker. */
  worker(message: WorkerMessage): void {
    if (message.attempt !== this.#attempt || this.#state === 'over') return
    switch (message.type) {
      case 'taken':
        if (message.lane === 0) this.#current?.taken?.()
        else this.#more?.taken(message.lane)
        break
      case 'widen':
        this.#more?.widen(message.connections)
        break
      case 'standing':
        if (this.#state === 'trying') {
          this.#state = 'standing'
          this.#options.onStanding(this.#carrier() as Carrier)
        }
        break
      case 'ended':
        // After standing the carrier stays until the run closes: what was sent last may still be on its way.
        if (this.#state === 'trying') this.#failed(message.reason)
        break
      default:
        message satisfies never
    }
  }

  /** What was tried and what is being tried, for people. */
  describe(): string {
    return [...this.#tried, `${this.#carrier()}: no answer yet`].join('; ')
  }

  close(): void {
    this.#state = 'over'
    this.#letGo()
  }

  #letGo(): void {
    this.#current?.close()
    this.#more?.close()
    this.#current = null
    this.#more = null
  }

  #carrier(): Carrier | undefined {
    return this.#options.carriers[this.#attempt]
  }

  #open(): void {
    const carrier = this.#carrier()
    if (!carrier) {
      this.#state = 'over'
      this.#options.onFailed(this.#tried.join('; '))
      return
    }
    const context = this.#context(carrier)
    // A carrier that fails at once advances within its constructor: only then is this attempt not current any more.
    const attempt = this.#make(carrier, context)
    if (context.attempt !== this.#attempt || this.#isOver()) {
      attempt.close()
      return
    }
    this.#current = attempt
    if (carrier === 'webrtc') this.#more = this.#moreConnections()
    if (attempt.relayed) for (const frame of this.#earlyRelayed.splice(0)) attempt.relayed(frame)
  }

  #isOver(): boolean {
    return this.#state === 'over'
  }

  #make(carrier: Carrier, context: AttemptContext): Attempt {
    invariant(carrier !== 'memory', 'memory links are made by tests, not by pages')
    switch (carrier) {
      case 'shared':
        return attemptShared(context)
      case 'local':
        return attemptLocal(context)
      case 'port':
        return attemptPort(context)
      case 'webrtc':
        return attemptWebrtc(context)
      case 'relay':
        return attemptRelay(context)
      default:
        return carrier satisfies never
    }
  }

  #moreConnections(): MoreConnections {
    const attempt = this.#attempt
    return new MoreConnections({
      initiator: this.#initiator,
      context: (lane) => this.#context('webrtc', lane),
      askPeer: (connections) => this.#options.toPeer({ step: 'widen', attempt, connections }),
    })
  }

  #context(carrier: Carrier, lane = 0): AttemptContext {
    const { services, runId, generation, rank, peer, sameBrowser, connections, toWorker, toPeer } = this.#options
    const attempt = this.#attempt
    // Only SCTP starts slowly: ports have nothing to warm up, and the relay no bytes to spare.
    const warmUpBytes = carrier === 'webrtc' ? this.#options.warmUpBytes : 0
    const isCurrent = () => attempt === this.#attempt && this.#state !== 'over'
    return {
      ...services,
      runId,
      generation,
      rank,
      peer,
      attempt,
      initiator: this.#initiator,
      offer: (end) => {
        const transfer = 'port' in end ? end.port : end.channel
        const offer = { type: 'offer', peer, attempt, carrier, sameBrowser, warmUpBytes, lane, connections } as const
        toWorker({ ...offer, ...end }, [transfer])
      },
      connected: (facts) => toWorker({ type: 'connected', peer, attempt, lane, ...facts }),
      state: (state) => toWorker({ type: 'state', peer, attempt, lane, state }),
      handshake: (data) => {
        if (isCurrent()) toPeer({ step: 'handshake', attempt, lane, data: data as Record<string, unknown> })
      },
      fail: (reason) => {
        if (!isCurrent()) return
        if (lane > 0) this.#more?.drop(lane)
        if (lane > 0 || this.#state === 'standing') toWorker({ type: 'state', peer, attempt, lane, state: 'closed' })
        else this.#failed(reason)
      },
    }
  }

  #failed(reason: string): void {
    if (this.#initiator) this.#advance(reason)
    else this.#options.toPeer({ step: 'failed', attempt: this.#attempt, reason: reason.slice(0, 500) })
  }

  #advance(reason: string): void {
    this.#leave(reason)
    this.#attempt += 1
    this.#options.toPeer({ step: 'advance', attempt: this.#attempt, reason: reason.slice(0, 500) })
    this.#open()
  }

  #leave(reason: string): void {
    this.#tried.push(`${this.#carrier()}: ${reason}`)
    this.#state = 'trying'
    this.#letGo()
    this.#options.toWorker({ type: 'withdrawn', peer: this.#options.peer, attempt: this.#attempt, reason })
  }
}
