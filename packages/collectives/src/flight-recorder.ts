/**
 * The last operations of a process group, always on: what ran, when, and how it ended. Columns are allocated
 * once, so recording costs a few stores. Not for: metrics over a whole run (loggers).
 */

/** Operations kept. */
const FLIGHT_RECORDER_OPERATIONS = 2_000

const STATES = ['queued', 'running', 'done', 'failed'] as const
type OperationState = (typeof STATES)[number]

/** What an operation is, as every rank must agree on. */
export interface OperationDescription {
  /** Method and what changes its meaning, like `allReduce(sum, f16)` or `broadcast(from 0)`. */
  readonly op: string
  /** The caller's name for it; empty for none. */
  readonly name: string
  readonly dtype: string
  /** Elements. */
  readonly count: number
}

export interface FlightRecord extends OperationDescription {
  /** Number of the operation in its group; for send and recv, in its pair. */
  readonly sequence: number
  /** The other rank of a send or recv; null for an operation of all ranks. */
  readonly peer: number | null
  /** Bytes of the operand. */
  readonly bytes: number
  /** Milliseconds since the page's or process's time origin (`performance.now()`); null for not yet. */
  readonly enqueued: number
  readonly started: number | null
  readonly ended: number | null
  /** Rounds of dependent messages. */
  readonly steps: number
  readonly state: OperationState
  readonly error: string | null
}

export class FlightRecorder {
  #next = 0
  readonly #size: number
  readonly #what: Array<OperationDescription | undefined>
  readonly #errors: Array<string | null>
  readonly #sequence: Float64Array
  readonly #peer: Int32Array
  readonly #bytes: Float64Array
  readonly #enqueued: Float64Array
  readonly #started: Float64Array
  readonly #ended: Float64Array
  readonly #steps: Int32Array
  readonly #state: Uint8Array

  constructor(size = FLIGHT_RECORDER_OPERATIONS) {
    this.#size = size
    this.#what = new Array(size).fill(undefined)
    this.#errors = new Array(size).fill(null)
    this.#sequence = new Float64Array(size)
    this.#peer = new Int32Array(size)
    this.#bytes = new Float64Array(size)
    this.#enqueued = new Float64Array(size)
    this.#started = new Float64Array(size)
    this.#ended = new Float64Array(size)
    this.#steps = new Int32Array(size)
    this.#state = new Uint8Array(size)
  }

  /** Notes a call and returns its number, for `start` and `end`. `peer` is −1 for an operation of all ranks. */
  enqueue(what: OperationDescription, sequence: number, peer: number, bytes: number, now: number): number {
    const id = this.#next++
    const at = id % this.#size
    this.#what[at] = what
    this.#errors[at] = null
    this.#sequence[at] = sequence
    this.#peer[at] = peer
    this.#bytes[at] = bytes
    this.#enqueued[at] = now
    this.#started[at] = Number.NaN
    this.#ended[at] = Number.NaN
    this.#steps[at] = 0
    this.#state[at] = 0
    return id
  }

  start(id: number, now: number): void {
    if (!this.#keeps(id)) return
    this.#started[id % this.#size] = now
    this.#state[id % this.#size] = 1
  }

  end(id: number, now: number, steps: number, error: string | null): void {
    if (!this.#keeps(id)) return
    const at = id % this.#size
    this.#ended[at] = now
    this.#steps[at] = steps
    this.#state[at] = error === null ? 2 : 3
    this.#errors[at] = error
  }

  /** The newest record of `sequence` (with `peer`, −1 for none), if it is still kept. */
  find(sequence: number, peer = -1): FlightRecord | undefined {
    for (let id = this.#next - 1; this.#keeps(id); id--) {
      const at = id % this.#size
      if (this.#sequence[at] === sequence && this.#peer[at] === peer) return this.#record(at)
    }
    return undefined
  }

  /** All kept records, oldest first. Plain objects that survive JSON. */
  dump(): FlightRecord[] {
    const first = Math.max(0, this.#next - this.#size)
    return Array.from({ length: this.#next - first }, (_, i) => this.#record((first + i) % this.#size))
  }

  #keeps(id: number): boolean {
    return id >= 0 && id >= this.#next - this.#size
  }

  #record(at: number): FlightRecord {
    const time = (value: number): number | null => (Number.isNaN(value) ? null : value)
    const { op, name, dtype, count } = this.#what[at]!
    return {
      sequence: this.#sequence[at]!,
      op,
      name,
      dtype,
      count,
      peer: this.#peer[at]! < 0 ? null : this.#peer[at]!,
      bytes: this.#bytes[at]!,
      enqueued: this.#enqueued[at]!,
      started: time(this.#started[at]!),
      ended: time(this.#ended[at]!),
      steps: this.#steps[at]!,
      state: STATES[this.#state[at]!]!,
      error: this.#errors[at]!,
    }
  }
}
