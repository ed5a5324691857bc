/**
 * One offered carrier in the worker: the link on it, its greeting, and the watch over its peer. Not for:
 * deciding when all links are there (accept-links).
 */
import { channelLane, type Lane, portLane } from '../carriers/lane.ts'
import { PortLink } from '../carriers/port-link.ts'
import { RtcLink } from '../carriers/rtc-link.ts'
import { openSharedFile } from '../carriers/shared-file.ts'
import { SharedLink } from '../carriers/shared-link.ts'
import type { Watermarks } from '../flow-control.ts'
import type { LinkEnd } from '../link.ts'
import { DEFAULT_FRAME_BYTES } from '../link-base.ts'
import type { ConnectionFacts, ToLinkWorker } from '../page-messages.ts'
import type { WireLink } from '../wire-link.ts'
import { watchPresence } from './presence.ts'

/** Milliseconds that a peer connection may be `disconnected`: ICE often recovers from a short radio gap. */
const DISCONNECTED_GRACE_MS = 2_000
/** Milliseconds from a peer's death to the link's end: what it sent last, its goodbye too, may still be in the queue. */
const LAST_WORDS_MS = 300
/** Bytes on their way through the server: enough for its round trip, and no more than it should hold. */
const RELAY_WATERMARKS: Watermarks = { high: 1_048_576, low: 524_288 }

export interface WorkerLinkEvents {
  /** The link would like to have that many peer connections. */
  onWiden(connections: number): void
  onStanding(): void
  onEnded(reason: string): void
}

type Offer = Extract<ToLinkWorker, { type: 'offer' }>

export class WorkerLink {
  readonly attempt: number
  readonly link: WireLink
  standing = false
  readonly #offer: Offer
  readonly #presence: string | null
  readonly #events: WorkerLinkEvents
  readonly #watch = new AbortController()
  /** The peer connections beyond the first, by number. */
  readonly #more = new Map<number, ReturnType<RtcLink['addLane']>>()
  #grace: ReturnType<typeof setTimeout> | undefined
  #lastWords: ReturnType<typeof setTimeout> | undefined

  constructor(rank: number, offer: Offer, presence: string | null, events: WorkerLinkEvents) {
    this.attempt = offer.attempt
    this.#offer = offer
    this.#presence = presence
    this.#events = events
    this.link = linkFor(rank, offer, events)
    this.link.whenEnded((end) => this.#ended(end))
    // A data channel opens by itself, but frames must not exceed a limit that the page has yet to tell.
    if (offer.carrier !== 'webrtc') void this.#greet()
  }

  /** Another peer connection of the same link. */
  addLane(offer: Offer): void {
    if (this.link instanceof RtcLink) this.#more.set(offer.lane, this.link.addLane(laneOf(offer)))
  }

  connected(lane: number, { maxFrameBytes, candidateType, roundTripMs }: ConnectionFacts): void {
    if (lane > 0) {
      this.#more.get(lane)?.standing(roundTripMs)
      return
    }
    this.link.limitFrames(maxFrameBytes)
    this.link.candidateType = candidateType
    if (this.link instanceof RtcLink) this.link.measuredPath(roundTripMs)
    void this.#greet()
  }

  state(lane: number, state: RTCPeerConnectionState): void {
    if (lane > 0) {
      // A short silence is the first connection's to judge: they share the path.
      if (state === 'failed' || state === 'closed') this.#more.get(lane)?.gone(`its peer connection ${lane} ${state}`)
      return
    }
    clearTimeout(this.#grace)
    const connection = `the peer connection to rank ${this.link.peer}`
    switch (state) {
      case 'disconnected':
        this.#grace = setTimeout(
          () => this.link.fail(`${connection} was disconnected for ${DISCONNECTED_GRACE_MS / 1000} s`),
          DISCONNECTED_GRACE_MS,
        )
        break
      case 'failed':
      case 'closed':
        this.#endSoon(`${connection} ${state === 'failed' ? 'failed' : 'was closed'}`)
        break
      case 'new':
      case 'connecting':
      case 'connected':
        break
      default:
        state satisfies never
    }
  }

  async #greet(): Promise<void> {
    try {
      const peerPresence = await this.link.stand({ presence: this.#presence, warmUpBytes: this.#offer.warmUpBytes })
      if (this.link.closed) return
      if (this.#offer.sameBrowser && peerPresence !== null) {
        watchPresence(
          peerPresence,
          () => this.#endSoon(`the tab or worker of rank ${this.link.peer} is gone`),
          this.#watch.signal,
        )
      }
      this.standing = true
      this.#events.onStanding()
    } catch {
      // The link ended before it stood; #ended has told so.
    }
  }

  #endSoon(reason: string): void {
    this.#lastWords ??= setTimeout(() => this.link.fail(reason), LAST_WORDS_MS)
  }

  #ended(end: LinkEnd): void {
    clearTimeout(this.#grace)
    clearTimeout(this.#lastWords)
    this.#watch.abort()
    this.#events.onEnded(end.reason)
  }
}

function linkFor(rank: number, offer: Offer, { onWiden }: WorkerLinkEvents): WireLink {
  const { peer, carrier, connections } = offer
  if (carrier === 'webrtc') return new RtcLink({ rank, peer, lane: laneOf(offer), connections, widen: onWiden })
  if (!('port' in offer)) throw new TypeError(`a ${carrier} link needs a port`)
  if (offer.memory) return new SharedLink({ rank, peer, port: offer.port, memory: offer.memory })
  const crossesNetwork = carrier === 'relay'
  return new PortLink({
    rank,
    peer,
    carrier,
    port: offer.port,
    ...(crossesNetwork
      ? { watermarks: RELAY_WATERMARKS, maxFrameBytes: DEFAULT_FRAME_BYTES }
      : { openFile: openSharedFile }),
  })
}

const laneOf = (offer: Offer): Lane => ('channel' in offer ? channelLane(offer.channel) : portLane(offer.port))
