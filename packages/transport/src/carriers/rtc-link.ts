/**
 * The carrier across machines: one or several WebRTC connections, each with one lane that this thread owns. What
 * is sent is numbered, goes to the lane that will deliver it first, and is put in order again at the other end.
 * Not for: making connections (page/) nor for choosing their number (connection-scaler.ts).
 */

import type { Connections } from '../connections.ts'
import { type LinkControl, parseLaneWord } from '../control.ts'
import type { Watermarks } from '../flow-control.ts'
import { DEFAULT_FRAME_BYTES } from '../link-base.ts'
import { WireLink } from '../wire-link.ts'
import { ConnectionScaler } from './connection-scaler.ts'
import type { Lane } from './lane.ts'
import { CREDIT_BYTES_ALONE, CREDIT_BYTES_SHARED } from './lane-window.ts'
import { Line, type Sent } from './line.ts'
import { Sequence } from './sequence.ts'

/** The gate knows lanes only by how full the emptiest is: 1 is a full window. A waiting sender goes on at a half. */
const GATE: Watermarks = { high: 1, low: 0.5 }
/** Bytes that go to one lane before another is looked for: each change costs a small message. */
const RUN_BYTES = 131_072
/**
 * Bytes that came before their predecessors and are credited all the same while this end takes what is in order, so
 * that a lane that recovers from a loss does not stop the others; and more than a peer that keeps to its windows
 * ever makes wait.
 */
const EARLY_CREDIT_BYTES = 8_388_608
const MAX_WAITING_BYTES = 33_554_432

/** Bytes per second that a line is taken for before any was measured. */
const FIRST_RATE = 1_000_000
/** Milliseconds by which a line that is full comes after all that are not. */
const FULL_MS = 3_600_000

/** Name and stream id of the payload lane: agreed beforehand, so that no side waits for the other's announcement. */
export const LANE_LABEL = 'rondo-lane'
export const LANE_INIT: RTCDataChannelInit = { negotiated: true, id: 100, ordered: true }

export interface RtcLinkOptions {
  rank: number
  peer: number
  lane: Lane
  connections?: Connections
  /** Asks for connections until there are that many. They come by `addLane`, or not at all. */
  widen?(connections: number): void
}

/** What comes in order: a frame with the line that still gets a credit for it, or a word that belongs between frames. */
type Item = { buffer: ArrayBuffer; owedTo: Line | null } | { control: LinkControl }

export class RtcLink extends WireLink {
  readonly #widen: (connections: number) => void
  readonly #connections: Connections
  readonly #lines: Line[] = []
  readonly #first: Line
  #scaler: ConnectionScaler
  /** What may be used: as many of the standing lines, in order, as pay. */
  #active: Line[]
  #asked = 1
  /** Sending. */
  #numbered = 0
  #current: Line
  #run = 0
  #busySince: number | null = null
  /** Receiving. */
  readonly #sequence = new Sequence<Item>()
  #waitingBytes = 0
  /** Of frames that were handed over and that nobody took yet: who gets the credit. */
  readonly #origins: Array<Line | null> = []

  constructor({ rank, peer, lane, connections = 'auto', widen = () => {} }: RtcLinkOptions) {
    super({ rank, peer, carrier: 'webrtc', maxFrameBytes: DEFAULT_FRAME_BYTES, watermarks: GATE })
    this.#widen = widen
    this.#connections = connections
    this.#scaler = new ConnectionScaler(connections, null)
    this.#first = this.#listen(lane)
    this.#current = this.#first
    this.#active = [this.#first]
  }

  /** Peer connections that this end uses to send. */
  get connections(): number {
    return this.#active.length
  }

  /** Milliseconds of the first connection's path without load, null when not known: before the greeting. */
  measuredPath(roundTripMs: number | null): void {
    this.#first.measuredPath(roundTripMs ?? 0)
    this.#scaler = new ConnectionScaler(this.#connections, roundTripMs)
  }

  /** Another connection was made. What comes on it counts at once; it is sent on after `standing`. */
  addLane(lane: Lane): { standing(roundTripMs: number | null): void; gone(reason: string): void } {
    const line = this.#listen(lane)
    // From here on credits come in smaller parts; what is owed by the old measure would keep the first line closed.
    for (const each of this.#lines) each.payOwed()
    return {
      standing: (roundTripMs) =>
        void lane.opened.then(() => {
          if (this.closed || !this.#lines.includes(line)) return
          line.measuredPath(roundTripMs ?? 0)
          if (roundTripMs !== null) this.#scaler.measuredPath(roundTripMs)
          line.standing = true
          this.#chooseActive()
        }),
      gone: (reason) => this.#gone(line, reason),
    }
  }

  override async stand(...greeting: Parameters<WireLink['stand']>): Promise<string | null> {
    const presence = await super.stand(...greeting)
    this.#chooseActive()
    return presence
  }

  protected opened(): Promise<void> {
    return this.#first.lane.opened
  }

  protected override carry(frame: Uint8Array<ArrayBuffer>, transfer: boolean): undefined | Promise<void> {
    const line = this.#choose(frame.byteLength)
    if (!this.#sendOn(line, this.#numbered, frame, transfer)) {
      this.fail(`the data channel to rank ${this.peer} is not open`)
      throw this.lost()
    }
    this.#numbered += 1
    return this.gate.after(this.#fill())
  }

  /** Greeting and farewell keep their place between frames, so they are numbered too. */
  protected override sendControl(control: LinkControl): void {
    this.#first.number(this.#numbered)
    this.#numbered += 1
    this.#first.lane.say(control)
  }

  protected override taken(bytes: number): void {
    const line = this.#origins.shift()
    if (line && !this.closed) line.owe(bytes, this.#creditBytes)
  }

  /** Lanes say themselves that their end is meant: one may be gone before the farewell on the first is heard. */
  protected hangUp(): void {
    for (const line of this.#lines) {
      if (line !== this.#first) line.lane.say({ kind: 'bye', clean: true, reason: 'the link ends' })
      line.lane.close()
    }
  }

  /** Nothing of a link with lanes goes by these. */
  protected sendFrame(): void {}
  protected sendCredit(): void {}

  get #isAlone(): boolean {
    return this.#lines.length === 1
  }

  #listen(lane: Lane): Line {
    const line = new Line(lane)
    line.standing = this.#lines.length === 0
    this.#lines.push(line)
    lane.listen({
      onFrame: (buffer) => this.#came(line, { buffer, owedTo: line }),
      onWord: (word) => this.#heardOn(line, word),
      onGone: (reason) => this.#gone(line, reason),
    })
    return line
  }

  /** The connections that pay, once the link stands; more are asked for when there are too few. */
  #chooseActive(): void {
    const standing = this.#lines.filter((line) => line.standing)
    const { wanted } = this.#scaler
    this.#active = standing.slice(0, wanted)
    if (wanted > Math.max(this.#asked, standing.length)) {
      this.#asked = wanted
      this.#widen(wanted)
    }
    this.gate.drained(this.#fill())
  }

  /** The line that will deliver the next frame first; the current one for a while, unless it is full. */
  #choose(bytes: number): Line {
    const { window } = this.#current
    if (this.#active.length === 1) return this.#active[0] as Line
    const stays = this.#run < RUN_BYTES && window.underway <= window.size(false)
    if (!stays || !this.#active.includes(this.#current)) {
      this.#current = this.#soonest(bytes)
      this.#run = 0
    }
    this.#run += bytes
    return this.#current
  }

  /** The active line that is expected to deliver first, a full one only when all are. */
  #soonest(bytes: number, except?: Line): Line {
    let best = this.#active[0] as Line
    let soonest = Number.POSITIVE_INFINITY
    const usual = this.#usualRate()
    for (const line of this.#active) {
      if (line === except) continue
      const { window } = line
      // By the gate's own measure: it stays open while any line is not full.
      const isFull = window.underway > window.size(false)
      const due = line.expectedMs(bytes, window.rate ?? usual) + (isFull ? FULL_MS : 0)
      if (due < soonest) {
        best = line
        soonest = due
      }
    }
    return best
  }

  /** Bytes per second of a line that was not measured yet: as the others, or anything while none was. */
  #usualRate(): number {
    const rates = this.#active.flatMap(({ window: { rate } }) => (rate === null ? [] : [rate]))
    return rates.length === 0 ? FIRST_RATE : rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  }

  #sendOn(line: Line, number: number, frame: Uint8Array<ArrayBuffer>, transfer: boolean): Sent | null {
    const now = performance.now()
    const rate = line.window.rate ?? this.#usualRate()
    const sent = line.send(number, frame, { transfer, isAlone: this.#isAlone, rate, now })
    if (this.#busySince === null && line.window.isBusy(this.#isAlone)) this.#busySince = now
    return sent
  }

  /** What one line does not get through, or lost, goes over another; the far end drops what it has already. */
  #sendAgain(sent: readonly Sent[], from: Line): void {
    for (const { number, bytes, copy } of sent) {
      const line = this.#soonest(bytes, from)
      if (!copy || line === from) continue
      if (!this.#sendOn(line, number, copy, false)) {
        this.fail(`no other connection to rank ${this.peer} takes what one of them lost`)
        return
      }
    }
    for (const each of sent) each.again = true
  }

  /** How full the emptiest active line is, in windows. */
  #fill(): number {
    const isAlone = this.#active.length === 1
    let least = Number.POSITIVE_INFINITY
    for (const { window } of this.#active) least = Math.min(least, window.underway / window.size(isAlone))
    return least
  }

  #heardOn(line: Line, word: unknown): void {
    if (this.closed) return
    if (typeof word === 'number') this.#creditedOn(line, word)
    else {
      const control = parseLaneWord(word)
      if (control?.kind === 'bye') line.finished = control.clean || line === this.#first
      if (control?.kind === 'from') line.nextIn = control.number
      else if (control && line === this.#first) this.#came(line, { control })
      else if (control?.kind !== 'bye') this.heard(null)
      else if (!control.clean) this.#gone(line, control.reason)
    }
  }

  #creditedOn(line: Line, bytes: number): void {
    const now = performance.now()
    if (!line.credited(bytes, this.#isAlone, now)) {
      this.abandon(`rank ${this.peer} credited ${bytes} of ${line.window.underway} bytes`)
      return
    }
    for (const other of this.#isAlone ? [] : this.#lines) {
      if (other !== line) this.#sendAgain(other.overtaken(line.newest, now), other)
    }
    if (this.#busySince !== null) {
      this.#scaler.took(bytes, now - this.#busySince, this.#lines.filter(({ standing }) => standing).length)
      this.#busySince = this.#lines.some(({ window }) => window.isBusy(this.#isAlone)) ? now : null
      if (this.#scaler.wanted !== this.#active.length) this.#chooseActive()
    }
    this.gate.drained(this.#fill())
  }

  /** A frame or a word came; what is in order goes on, the rest waits for lines that are behind. */
  #came(line: Line, item: Item): void {
    if (this.closed) return
    const bytes = 'buffer' in item ? item.buffer.byteLength : 0
    const place = this.#sequence.put(line.nextIn, item)
    line.nextIn += 1
    if (place === 'known') {
      line.owe(bytes, this.#creditBytes)
      return
    }
    if (place === 'later') {
      this.#waitingBytes += bytes
      if (this.#waitingBytes > MAX_WAITING_BYTES) {
        this.abandon(`rank ${this.peer} sent ${this.#waitingBytes} bytes that wait for what came before them`)
      } else if ('buffer' in item && this.#origins.length === 0 && this.#waitingBytes <= EARLY_CREDIT_BYTES) {
        item.owedTo = null
        line.owe(bytes, this.#creditBytes)
      }
      return
    }
    this.#handOn(item)
    for (let next = this.#sequence.take(); next && !this.closed; next = this.#sequence.take()) {
      if ('buffer' in next) this.#waitingBytes -= next.buffer.byteLength
      this.#handOn(next)
    }
  }

  #handOn(item: Item): void {
    if ('control' in item) this.heard(item.control)
    else {
      this.#origins.push(item.owedTo)
      this.arrive(item.buffer)
    }
  }

  get #creditBytes(): number {
    return this.#isAlone ? CREDIT_BYTES_ALONE : CREDIT_BYTES_SHARED
  }

  /**
   * The first connection's end is the link's. Of the others, what they did not get through goes over those that are
   * left, and after a farewell these bring what is missing.
   */
  #gone(line: Line, reason: string): void {
    if (this.closed || line.gone) return
    line.gone = true
    line.lane.close()
    const lost = line === this.#first ? null : line.lost()
    const bringRest = line.finished && this.#lines.some(({ gone }) => !gone)
    if (!bringRest && (!lost || line.finished)) {
      this.fail(`${reason}, on the way to rank ${this.peer}`)
      return
    }
    if (line === this.#first) return
    this.#lines.splice(this.#lines.indexOf(line), 1)
    this.#chooseActive()
    if (lost && !line.finished) this.#sendAgain(lost, line)
  }
}
