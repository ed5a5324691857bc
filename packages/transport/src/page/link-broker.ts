/**
 * The page's maker of links: for each local rank of a run it has a carrier made to every other rank and
 * hands it to the rank's worker, where `acceptLinks` takes it. Not for: using links, nor for joining the
 * session.
 */
import { type ProcessGroupBackend, type Relay, RondoError, type Seat, type Signal } from '@rondo/protocol'
import type { Connections } from '../connections.ts'
import type { PageServices } from './attempt.ts'
import { EarlyMessages } from './early-messages.ts'
import type { LinkSignaling } from './link-signaling.ts'
import { PortRendezvous } from './port-rendezvous.ts'
import { RankLinks } from './rank-links.ts'
import { parsePairSignal } from './signals.ts'

/** Bytes sent both ways over a new WebRTC link between ring neighbours: SCTP starts with a few packets a round trip. */
const DEFAULT_WARM_UP_BYTES = 262_144
/** Milliseconds for ICE and DTLS once both pages are awake: seconds even on bad networks. */
const DEFAULT_ICE_TIMEOUT_MS = 15_000

export interface LinkBrokerOptions {
  signaling: LinkSignaling
  /** What the page joined with (`browserIdentity`), null when its tabs cannot exchange ports. */
  browserId: string | null
  /** STUN and TURN servers. None by default: enough within one network, and nobody else is asked. */
  iceServers?: RTCIceServer[]
  /** The only addresses of this machine for WebRTC (`--interface`); by default the browser chooses. */
  iceAddresses?: readonly string[] | null
  /** Milliseconds that WebRTC may take once the other page answered; then the pair goes on to the relay or fails. */
  iceTimeoutMs?: number
  /** Where the SharedWorker script lies; default /runtime/port-broker.js. */
  portBrokerUrl?: string
}

export interface LinkRun {
  runId: string
  generation: number
  seats: Seat[]
  backend: ProcessGroupBackend
}

export interface ConnectOptions {
  signal: AbortSignal
  /** Milliseconds until the missing pairs are named. */
  timeoutMs: number
  /** Bytes per direction that warm a WebRTC link between ring neighbours up; 0 for none. */
  warmUpBytes?: number
  /**
   * Peer connections of each WebRTC link: 1 to 8, or as many as its path turns out to need, which is the default.
   * A fixed number is for measurements and tests.
   */
  connections?: Connections
}

interface ActiveRun {
  generation: number
  ranks: Map<number, RankLinks>
}

export class LinkBroker {
  readonly #signaling: LinkSignaling
  readonly #services: PageServices
  readonly #runs = new Map<string, ActiveRun>()
  readonly #early = new EarlyMessages()
  readonly #unsubscribe: Array<() => void>
  #rendezvous: PortRendezvous | null | undefined
  /** A page that goes away orderly hangs up: peers elsewhere know at once instead of after ICE's silence. */
  readonly #onPageHide = () => this.dispose('its page was closed')

  constructor(options: LinkBrokerOptions) {
    const { signaling, browserId, iceServers = [], iceTimeoutMs = DEFAULT_ICE_TIMEOUT_MS, portBrokerUrl } = options
    const { iceAddresses = null } = options
    this.#signaling = signaling
    this.#services = {
      signaling,
      iceServers,
      iceAddresses,
      iceTimeoutMs,
      localEnds: new Map(),
      rendezvous: () => {
        if (this.#rendezvous === undefined) {
          this.#rendezvous = browserId === null ? null : PortRendezvous.open(portBrokerUrl)
        }
        return this.#rendezvous
      },
    }
    this.#unsubscribe = [
      signaling.on('signal', (signal) => this.#signaled(signal)),
      signaling.on('relay', (relay) => this.#relayed(relay)),
    ]
    globalThis.addEventListener?.('pagehide', this.#onPageHide)
  }

  /**
   * Makes the links of local `rank`, whose worker listens with `acceptLinks` at the other end of `port`.
   * Resolves when all stand. Rejects with LINK_FAILED naming the pairs (no carrier works, or deadline), or
   * ABORTED; the worker's `acceptLinks` then fails alike. What was made stays until `closeRun`.
   */
  async connect(run: LinkRun, rank: number, port: MessagePort, options: ConnectOptions): Promise<void> {
    const { signal, timeoutMs, warmUpBytes = DEFAULT_WARM_UP_BYTES, connections = 'auto' } = options
    const links = new RankLinks({
      ...run,
      rank,
      port,
      warmUpBytes,
      connections,
      services: this.#services,
      toPeer: (peer, data) =>
        this.#send(run, { runId: run.runId, generation: run.generation, from: rank, to: peer, data }),
    })
    const { ranks } = this.#activate(run)
    ranks.get(rank)?.close()
    ranks.set(rank, links)
    const onAbort = () => links.fail(aborted(rank, signal))
    const timer = setTimeout(() => links.fail(links.missingError(timeoutMs)), timeoutMs)
    signal.addEventListener('abort', onAbort)
    try {
      if (signal.aborted) onAbort()
      if (run.seats.length > 1) await Promise.race([links.ready, links.all()])
      links.start()
      this.#early.replay(run, rank, {
        signal: (early) => this.#signaled(early),
        relay: (early) => this.#relayed(early),
      })
      await links.all()
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Lets go of everything that was made for this run; late messages for it are ignored. */
  closeRun(runId: string, reason = 'its page closed the run'): void {
    end(this.#runs.get(runId), reason)
    this.#runs.delete(runId)
    this.#early.close(runId)
  }

  dispose(reason?: string): void {
    globalThis.removeEventListener?.('pagehide', this.#onPageHide)
    for (const runId of [...this.#runs.keys()]) this.closeRun(runId, reason)
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#rendezvous?.close()
  }

  /** A newer generation of a run replaces an older one. */
  #activate({ runId, generation }: LinkRun): ActiveRun {
    const known = this.#runs.get(runId)
    if (known && known.generation === generation) return known
    end(known, `generation ${generation} of the run began`)
    const active: ActiveRun = { generation, ranks: new Map() }
    this.#runs.set(runId, active)
    return active
  }

  #send(run: LinkRun, signal: Signal): void {
    const pageOf = (rank: number) => run.seats.find((seat) => seat.rank === rank)?.pageId ?? null
    const from = pageOf(signal.from)
    if (from !== null && from === pageOf(signal.to)) {
      queueMicrotask(() => this.#signaled(signal))
      return
    }
    this.#signaling.request('signal', signal).catch(() => {
      // The peer's page is not reachable now; the pair's deadline names it if it stays so.
    })
  }

  #signaled(signal: Signal): void {
    const links = this.#linksFor(signal)
    const parsed = parsePairSignal(signal.data)
    if (!parsed) return
    if (links === 'early') this.#early.keepSignal(signal)
    else links?.signal(signal.from, parsed)
  }

  #relayed(relay: Relay): void {
    const links = this.#linksFor(relay)
    if (links === 'early') this.#early.keepRelay(relay)
    else links?.relayed(relay.from, relay.frame)
  }

  /** Null for what is over: another run, an older generation. */
  #linksFor({ runId, generation, to }: Signal | Relay): RankLinks | 'early' | null {
    const active = this.#runs.get(runId)
    if (!active || generation > active.generation) return 'early'
    if (generation < active.generation) return null
    const links = active.ranks.get(to)
    return links?.started ? links : 'early'
  }
}

function end(run: ActiveRun | undefined, reason: string): void {
  for (const [rank, links] of run?.ranks ?? []) {
    links.fail(new RondoError('ABORTED', `The links of rank ${rank} are gone: ${reason}.`, { rank }))
  }
}

function aborted(rank: number, signal: AbortSignal): RondoError {
  return new RondoError('ABORTED', `Making the links of rank ${rank} was stopped.`, { rank, cause: signal.reason })
}
