/**
 * A link between two workers: what a real carrier needs beyond `LinkBase`. Both ends greet, so that a link
 * stands only when bytes got through; padding may warm the path up first; the receiver returns byte credits
 * for what was taken, so that nothing piles up anywhere; everything that arrives is checked. Not for: tests
 * in one thread (memory link).
 */
import { type CandidateType, MAX_MESSAGE_BYTES } from '@rondo/protocol'
import { type LinkControl, MAX_PADDING_BYTES } from './control.ts'
import type { LinkEnd } from './link.ts'
import { LinkBase, type LinkIdentity } from './link-base.ts'

export interface Greeting {
  /** Name of the web lock that this worker holds while it lives, null where there are no locks. */
  presence: string | null
  /** Bytes of padding to send before the first frame; 0 for none. */
  warmUpBytes: number
}

export abstract class WireLink extends LinkBase {
  candidateType: CandidateType | null = null
  /** Padding that the peer announced and that has not arrived yet; null before its hello. */
  #padding: number | null = null
  #peerPresence: string | null = null
  #greeted!: (presence: string | null) => void
  #refused!: (error: unknown) => void
  /** The peer said hello and all its padding is here. */
  readonly #hello: Promise<string | null>
  /** Bytes that make the receiver send a credit; what it still owes then always lets the sender's gate open. */
  readonly #creditBytes: number
  /** Bytes sent and not credited yet. */
  #underway = 0
  /** Bytes taken here and not credited to the peer yet. */
  #owed = 0

  constructor(identity: LinkIdentity) {
    super(identity)
    this.#creditBytes = Math.max(1, identity.watermarks.low >> 1)
    this.#hello = new Promise((resolve, reject) => {
      this.#greeted = resolve
      this.#refused = reject
    })
    this.#hello.catch(() => {})
  }

  /** Resolves when the carrier can take bytes. */
  protected abstract opened(): Promise<void>
  protected abstract sendFrame(frame: Uint8Array<ArrayBuffer>, transfer: boolean): void
  protected abstract sendCredit(bytes: number): void
  protected abstract sendControl(control: LinkControl): void
  /** Lets go of the carrier; called once. */
  protected abstract hangUp(): void

  /**
   * Says hello, warms the path up and waits for the peer to have done the same. Resolves with the name of
   * the peer's presence lock. Rejects with CONNECTION_LOST when the link ends first; the caller's deadline
   * ends it by `close`.
   */
  async stand({ presence, warmUpBytes }: Greeting): Promise<string | null> {
    await Promise.race([this.opened(), this.#hello])
    if (this.closed) throw this.lost()
    const padding = Math.min(warmUpBytes, MAX_PADDING_BYTES)
    this.sendControl({ kind: 'hello', rank: this.rank, presence, padding })
    for (let left = padding; left > 0; left -= this.maxFrameBytes) {
      await this.carry(new Uint8Array(Math.min(left, this.maxFrameBytes)), true)
      if (this.closed) throw this.lost()
    }
    return this.#hello
  }

  protected carry(frame: Uint8Array<ArrayBuffer>, transfer: boolean): undefined | Promise<void> {
    this.#underway += frame.byteLength
    this.sendFrame(frame, transfer)
    return this.gate.after(this.#underway)
  }

  protected override taken(bytes: number): void {
    this.#owed += bytes
    if (this.#owed < this.#creditBytes || this.closed) return
    this.sendCredit(this.#owed)
    this.#owed = 0
  }

  /** The peer took that many bytes. */
  protected credited(bytes: number): void {
    if (!Number.isInteger(bytes) || bytes <= 0 || bytes > this.#underway) {
      this.abandon(`rank ${this.peer} credited ${bytes} of ${this.#underway} bytes`)
      return
    }
    this.#underway -= bytes
    this.gate.drained(this.#underway)
  }

  /** Whoever watches the carrier from outside found it dead. */
  fail(reason: string): void {
    this.finish({ clean: false, reason }, false)
  }

  /** Bytes arrived: padding first, frames afterwards. */
  protected arrive(received: ArrayBuffer | Uint8Array<ArrayBuffer>): void {
    const bytes = received.byteLength
    if (this.#padding === null || bytes === 0 || bytes > MAX_MESSAGE_BYTES) {
      this.abandon(
        this.#padding === null
          ? `rank ${this.peer} sent ${bytes} bytes before its hello`
          : `rank ${this.peer} sent a frame of ${bytes} bytes, allowed are 1 to ${MAX_MESSAGE_BYTES}`,
      )
      return
    }
    if (this.#padding > 0) {
      this.#padding -= bytes
      this.taken(bytes)
      if (this.#padding <= 0) this.#greeted(this.#peerPresence)
      return
    }
    this.deliver(received instanceof Uint8Array ? received : new Uint8Array(received))
  }

  /** A control message arrived, already parsed; null when it was none of ours. */
  protected heard(control: LinkControl | null): void {
    if (!control) this.abandon(`rank ${this.peer} sent a message that is neither a frame nor a control message`)
    else if (control.kind === 'bye') this.finish({ clean: control.clean, reason: control.reason }, false)
    else if (control.kind === 'file') this.abandon(`rank ${this.peer} named a file on a ${this.carrier} link`)
    else if (this.#padding !== null || control.rank !== this.peer) {
      this.abandon(`a hello of rank ${control.rank} came on the link to rank ${this.peer}`)
    } else {
      this.#padding = control.padding
      this.#peerPresence = control.presence
      if (control.padding === 0) this.#greeted(control.presence)
    }
  }

  /** Ends the link from this side, not as planned: the peer broke the rules, or the page goes away. It is told why. */
  abandon(reason: string): void {
    this.finish({ clean: false, reason }, true)
  }

  protected release(end: LinkEnd, byUs: boolean): void {
    this.#refused(this.lost())
    if (byUs) this.sendControl({ kind: 'bye', clean: end.clean, reason: end.reason })
    this.hangUp()
  }
}
