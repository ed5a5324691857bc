/**
 * One local rank's way to a link with one peer: tries the carriers in order until one stands. The lower
 * rank decides when to go on to the next, so that both sides are always at the same attempt. Not for: how
 * a carrier is made (the attempts).
 */
import { type Carrier, invariant } from '@rondo/protocol'
import type { FromLinkWorker, ToLinkWorker } from '../page-messages.ts'
import type { Attempt, AttemptContext, PageServices } from './attempt.ts'
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
        if (signal.attempt === this.#attempt) this.#current?.signal?.(signal.data)
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
        this.#current?.taken?.()
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
    this.#current?.close()
    this.#current = null
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

  #context(carrier: Carrier): AttemptContext {
    const { services, runId, generation, rank, peer, sameBrowser, warmUpBytes, toWorker, toPeer } = this.#options
    const attempt = this.#attempt
    // Only SCTP starts slowly: ports have nothing to warm up, and the relay no bytes to spare.
    const padding = carrier === 'webrtc' ? warmUpBytes : 0
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
        toWorker({ type: 'offer', peer, attempt, carrier, sameBrowser, warmUpBytes: padding, ...end }, [transfer])
      },
      connected: (facts) => toWorker({ type: 'connected', peer, attempt, ...facts }),
      state: (state) => toWorker({ type: 'state', peer, attempt, state }),
      handshake: (data) => {
        if (isCurrent()) toPeer({ step: 'handshake', attempt, data: data as Record<string, unknown> })
      },
      fail: (reason) => {
        if (!isCurrent()) return
        if (this.#state === 'standing') toWorker({ type: 'state', peer, attempt, state: 'closed' })
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
    this.#current?.close()
    this.#current = null
    this.#options.toWorker({ type: 'withdrawn', peer: this.#options.peer, attempt: this.#attempt, reason })
  }
}
