/**
 * One offered carrier in the worker: the link on it, its greeting, and the watch over its peer. Not for:
 * deciding when all links are there (accept-links).
 */
import { PortLink } from '../carriers/port-link.ts'
import { RTC_WATERMARKS, RtcLink } from '../carriers/rtc-link.ts'
import { SharedLink } from '../carriers/shared-link.ts'
import type { CandidateType, LinkEnd } from '../link.ts'
import { DEFAULT_FRAME_BYTES } from '../link-base.ts'
import type { ToLinkWorker } from '../page-messages.ts'
import type { WireLink } from '../wire-link.ts'
import { watchPresence } from './presence.ts'

/** Milliseconds that a peer connection may be `disconnected`: ICE often recovers from a short radio gap. */
const DISCONNECTED_GRACE_MS = 2_000
/** Milliseconds from a peer's death to the link's end: what it sent last, its goodbye too, may still be in the queue. */
const LAST_WORDS_MS = 300

export interface WorkerLinkEvents {
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
  #grace: ReturnType<typeof setTimeout> | undefined
  #lastWords: ReturnType<typeof setTimeout> | undefined

  constructor(rank: number, offer: Offer, presence: string | null, events: WorkerLinkEvents) {
    this.attempt = offer.attempt
    this.#offer = offer
    this.#presence = presence
    this.#events = events
    const { peer, carrier } = offer
    this.link =
      'channel' in offer
        ? new RtcLink({ rank, peer, channel: offer.channel })
        : offer.memory
          ? new SharedLink({ rank, peer, port: offer.port, memory: offer.memory })
          : new PortLink({
              rank,
              peer,
              carrier,
              port: offer.port,
              // Both cross a network, and behind a page pump the far end is a data channel with this window.
              ...(carrier === 'relay' || carrier === 'webrtc'
                ? { watermarks: RTC_WATERMARKS, maxFrameBytes: DEFAULT_FRAME_BYTES }
                : {}),
            })
    this.link.whenEnded((end) => this.#ended(end))
    // A data channel opens by itself, but frames must not exceed a limit that the page has yet to tell.
    if (carrier !== 'webrtc') void this.#greet()
  }

  connected(maxFrameBytes: number, candidateType: CandidateType | null): void {
    this.link.limitFrames(maxFrameBytes)
    this.link.candidateType = candidateType
    void this.#greet()
  }

  state(state: RTCPeerConnectionState): void {
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
