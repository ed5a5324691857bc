/**
 * How many peer connections a link should use: one, until its path has a round trip worth the trouble and trials
 * with more (or fewer) show what they bring. A trial costs a second or two of a busy link and is undone when it
 * does not pay; after that the next one waits longer. Not for: making connections. Time is counted while the link
 * is busy only, so that pauses of the application count for nothing.
 */
import { type Connections, MAX_CONNECTIONS } from '../connections.ts'

/**
 * Milliseconds of round trip from which congestion windows, not processors, can be what limits a link. A congestion
 * window grows by a packet a round trip: on shorter ones it recovers from losses before anybody notices.
 */
const MIN_ROUND_TRIP_MS = 5
/** Milliseconds of sending in one look at the rate: that many at least, and that many round trips. */
const LOOK_MS = 500
const LOOK_ROUND_TRIPS = 15
/** Before a look at a changed number: new connections start slowly. */
const SETTLE_MS = 300
const SETTLE_ROUND_TRIPS = 15
/** Bytes in a look below which its rate says nothing. */
const LOOK_BYTES = 524_288
/** A trial with more: two trials lead to the most, and one connection more shows less than the noise of a path. */
const GROWTH = 4
/** A larger number must bring that much more, a smaller one may cost that much. */
const WORTH_MORE = 1.15
const WORTH_LESS = 0.95
/** Milliseconds of sending from a trial that failed to the next; doubled with each that fails. */
const FIRST_PATIENCE_MS = 5_000
const LAST_PATIENCE_MS = 160_000
/** Milliseconds of sending in which asked-for connections must stand. */
const WAIT_MS = 10_000

interface Trial {
  from: number
  /** Bytes per second at `from`. */
  rate: number
  phase: 'waiting' | 'settling' | 'measuring'
}

export class ConnectionScaler {
  /** The number that the link should use, and have made if it has fewer. */
  wanted: number
  readonly #isFixed: boolean
  #mayGrow: boolean
  readonly #lookMs: number
  readonly #settleMs: number
  #trial: Trial | null = null
  #up = true
  #patienceMs = 0
  #backoffMs = FIRST_PATIENCE_MS
  #ms = 0
  #bytes = 0

  /** `roundTripMs` of the path without load; null when not known, then trials alone decide. */
  constructor(connections: Connections, roundTripMs: number | null) {
    this.#isFixed = connections !== 'auto'
    this.wanted = connections === 'auto' ? 1 : connections
    this.#mayGrow = roundTripMs === null || roundTripMs >= MIN_ROUND_TRIP_MS
    this.#lookMs = Math.max(LOOK_MS, LOOK_ROUND_TRIPS * (roundTripMs ?? 0))
    this.#settleMs = Math.max(SETTLE_MS, SETTLE_ROUND_TRIPS * (roundTripMs ?? 0))
  }

  /**
   * Another connection was made and measured its path, in milliseconds. One that is short after all ends the matter:
   * on a busy machine the first measurement may have counted its pauses.
   */
  measuredPath(roundTripMs: number): void {
    if (this.#isFixed || roundTripMs >= MIN_ROUND_TRIP_MS) return
    this.#mayGrow = false
    this.#trial = null
    this.wanted = 1
    this.#reset()
  }

  /** The far end took `bytes` in `ms` milliseconds in which the link was busy; `standing` connections can be used. */
  took(bytes: number, ms: number, standing: number): void {
    if (this.#isFixed) return
    this.#bytes += bytes
    this.#ms += ms
    const trial = this.#trial
    if (trial?.phase === 'waiting') {
      if (standing >= this.wanted) this.#enter(trial, 'settling')
      else if (this.#ms > WAIT_MS) this.#undo(trial)
    } else if (trial?.phase === 'settling') {
      if (this.#ms >= this.#settleMs) this.#enter(trial, 'measuring')
    } else if (this.#ms >= this.#lookMs && this.#bytes >= LOOK_BYTES) {
      const rate = (1_000 * this.#bytes) / this.#ms
      this.#patienceMs -= this.#ms
      this.#reset()
      if (trial) this.#judge(trial, rate)
      else if (this.#patienceMs <= 0) this.#begin(rate)
    }
  }

  #begin(rate: number): void {
    const canGrow = this.#mayGrow && this.wanted < MAX_CONNECTIONS
    const canShrink = this.wanted > 1
    if (!canGrow && !canShrink) return
    this.#up = canGrow && (this.#up || !canShrink)
    this.#trial = { from: this.wanted, rate, phase: this.#up ? 'waiting' : 'settling' }
    this.wanted = this.#up ? Math.min(MAX_CONNECTIONS, GROWTH * this.wanted) : this.wanted >> 1
  }

  #judge(trial: Trial, rate: number): void {
    if (rate < trial.rate * (this.#up ? WORTH_MORE : WORTH_LESS)) {
      this.#undo(trial)
      return
    }
    this.#trial = null
    this.#backoffMs = FIRST_PATIENCE_MS
    // What paid once is tried again at once, but only upwards: fewer connections are nobody's hurry.
    this.#patienceMs = this.#up && this.wanted < MAX_CONNECTIONS ? 0 : this.#backoffMs
  }

  #undo({ from }: Trial): void {
    this.wanted = from
    this.#trial = null
    this.#up = !this.#up
    this.#patienceMs = this.#backoffMs
    this.#backoffMs = Math.min(LAST_PATIENCE_MS, 2 * this.#backoffMs)
    this.#reset()
  }

  #enter(trial: Trial, phase: Trial['phase']): void {
    trial.phase = phase
    this.#reset()
  }

  #reset(): void {
    this.#ms = 0
    this.#bytes = 0
  }
}
