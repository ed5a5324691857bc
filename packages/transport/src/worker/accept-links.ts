/**
 * The worker's half of link making: takes the carriers that the page's broker offers and resolves when a
 * link to every other rank stands. Not for: choosing or making carriers (page/).
 */
import { fromWireError, RondoError } from '@rondo/protocol'
import type { Link } from '../link.ts'
import type { FromLinkWorker, ToLinkWorker } from '../page-messages.ts'
import { holdPresence, type Presence } from './presence.ts'
import { WorkerLink } from './worker-link.ts'

export interface AcceptOptions {
  rank: number
  worldSize: number
  signal: AbortSignal
  /** Milliseconds until the missing pairs are named and everything is closed. */
  timeoutMs: number
}

/**
 * Resolves with the links by peer rank once both ends of each are usable; empty for a world of one.
 * Rejects with LINK_FAILED naming the pairs without a link (deadline, or no carrier works), or ABORTED.
 * Links that end later say so through `Link.onEnd`.
 */
export async function acceptLinks(port: MessagePort, options: AcceptOptions): Promise<Map<number, Link>> {
  const { rank, worldSize, signal, timeoutMs } = options
  const peers = Array.from({ length: worldSize }, (_, peer) => peer).filter((peer) => peer !== rank)
  if (peers.length === 0) return new Map()
  const presence = await holdPresence()
  const acceptor = new Acceptor(port, rank, peers, presence)
  let timer: ReturnType<typeof setTimeout> | undefined
  const onAbort = () => acceptor.fail(aborted(rank, signal))
  try {
    if (signal.aborted) throw aborted(rank, signal)
    signal.addEventListener('abort', onAbort)
    timer = setTimeout(() => acceptor.fail(missing(rank, acceptor.missing(), timeoutMs)), timeoutMs)
    return await acceptor.all()
  } catch (error) {
    acceptor.dispose(error instanceof Error ? error.message : String(error))
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

class Acceptor {
  readonly #port: MessagePort
  readonly #rank: number
  readonly #peers: number[]
  readonly #presence: Presence
  readonly #current = new Map<number, WorkerLink>()
  readonly #done: Promise<void>
  #resolve!: () => void
  #reject!: (error: unknown) => void
  #complete = false

  constructor(port: MessagePort, rank: number, peers: number[], presence: Presence) {
    this.#port = port
    this.#rank = rank
    this.#peers = peers
    this.#presence = presence
    this.#done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#done.catch(() => {})
    port.onmessage = (event: MessageEvent<ToLinkWorker>) => this.#receive(event.data)
    this.#post({ type: 'ready' })
  }

  async all(): Promise<Map<number, Link>> {
    await this.#done
    return new Map(this.#peers.map((peer) => [peer, (this.#current.get(peer) as WorkerLink).link]))
  }

  missing(): Array<{ peer: number; tried: string | null }> {
    return this.#peers
      .filter((peer) => this.#current.get(peer)?.standing !== true)
      .map((peer) => ({ peer, tried: this.#current.get(peer)?.link.carrier ?? null }))
  }

  fail(error: RondoError): void {
    this.#reject(error)
  }

  dispose(reason: string): void {
    for (const current of this.#current.values()) current.link.close(reason)
    this.#presence.release()
    this.#port.close()
  }

  #receive(message: ToLinkWorker): void {
    if (message.type === 'failed') {
      const error = fromWireError(message.error)
      if (this.#complete) for (const current of this.#current.values()) current.link.abandon(error.message)
      else this.fail(error)
      return
    }
    const current = this.#current.get(message.peer)
    if (message.type === 'offer' && message.lane > 0) {
      if (current?.attempt !== message.attempt) return
      current.addLane(message)
      this.#post({ type: 'taken', peer: message.peer, attempt: message.attempt, lane: message.lane })
      return
    }
    if (message.type === 'offer') {
      // Once the links were handed out, replacing one would pull it from under its user.
      if (!this.#complete) this.#take(message, current)
      return
    }
    if (current?.attempt !== message.attempt) return
    switch (message.type) {
      case 'connected':
        current.connected(message.lane, message)
        break
      case 'state':
        current.state(message.lane, message.state)
        break
      case 'withdrawn':
        if (!current.standing) current.link.fail(message.reason)
        break
      default:
        message satisfies never
    }
  }

  #take(offer: Extract<ToLinkWorker, { type: 'offer' }>, previous: WorkerLink | undefined): void {
    previous?.link.fail('another carrier is tried')
    const { peer, attempt } = offer
    const next = new WorkerLink(this.#rank, offer, this.#presence.name, {
      onWiden: (connections) => this.#post({ type: 'widen', peer, attempt, connections }),
      onStanding: () => {
        this.#post({ type: 'standing', peer, attempt })
        this.#check()
      },
      onEnded: (reason) => {
        this.#post({ type: 'ended', peer, attempt, reason })
        // A link may stand and end while others are still being made.
        if (!this.#complete && next.standing) this.fail(lostEarly(this.#rank, peer, reason))
      },
    })
    this.#current.set(peer, next)
    this.#post({ type: 'taken', peer, attempt, lane: 0 })
  }

  #check(): void {
    if (this.#complete || this.missing().length > 0) return
    this.#complete = true
    this.#resolve()
  }

  #post(message: FromLinkWorker): void {
    this.#port.postMessage(message)
  }
}

const pairText = (rank: number, peer: number): string => `rank ${rank} and rank ${peer}`

function missing(rank: number, pairs: Array<{ peer: number; tried: string | null }>, timeoutMs: number): RondoError {
  const list = pairs.map(({ peer, tried }) => `${pairText(rank, peer)} (${tried ? `${tried} tried` : 'no offer came'})`)
  return new RondoError(
    'LINK_FAILED',
    `No link stands after ${timeoutMs / 1000} s between ${list.join(', ')}. Every pair of ranks needs one within the start timeout. Check that the other pages are open and awake, or try --process-group-backend auto.`,
    { rank, details: { missing: pairs.map(({ peer }) => peer) } },
  )
}

function lostEarly(rank: number, peer: number, reason: string): RondoError {
  return new RondoError(
    'LINK_FAILED',
    `The link between ${pairText(rank, peer)} ended while the others were still being made: ${reason}. All links must stand before a run starts. Check rank ${peer}'s page and start again.`,
    { rank, details: { missing: [peer] } },
  )
}

function aborted(rank: number, signal: AbortSignal): RondoError {
  return new RondoError('ABORTED', `Rank ${rank} stopped making links because the run was stopped.`, {
    rank,
    cause: signal.reason,
  })
}
