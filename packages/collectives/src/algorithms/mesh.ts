/**
 * All-reduce in two steps over all links at once: everyone sends chunk r to rank r, which reduces it in rank
 * order and sends it to everyone. As few bytes as the ring and fewer steps, but more copies: for payloads whose
 * chunks are too short to keep a ring busy. Source: Thakur, Rabenseifner & Gropp, 2005 (direct reduce-scatter).
 */
import { FRAME_HEADER_BYTES } from '@rondo/protocol'
import type { Algorithm, Frame, Wire } from '../algorithm.ts'
import type { NumericArray } from '../dtype.ts'
import { divide } from '../reduce.ts'
import { type ElementWire, elementWire } from './elements.ts'
import type { ReductionPlan } from './plan.ts'

export interface MeshPlan extends ReductionPlan {
  /** R+1 borders of the chunks; chunk r is rank r's. */
  readonly bounds: readonly number[]
}

export class Mesh implements Algorithm {
  readonly #plan: MeshPlan
  #wire!: Wire
  #elements!: ElementWire
  /** Per rank: elements of our chunk, and then of its own finished chunk, that came from it. */
  #contributed: number[] = []
  #finished: number[] = []
  /** Contributions to our chunk that wait for those of other ranks, by message and rank. */
  readonly #waiting = new Map<number, Frame[]>()
  #missing = 0
  #reduced = false

  constructor(plan: MeshPlan) {
    this.#plan = plan
  }

  get done(): boolean {
    return this.#missing === 0
  }

  get steps(): number {
    return this.done ? 2 : this.#reduced ? 1 : 0
  }

  waitingFor(): number[] {
    return this.#contributed.map((_, rank) => rank).filter((rank) => rank !== this.#wire.rank && !this.#complete(rank))
  }

  start(wire: Wire): void {
    const { dtype, codec, input, bounds } = this.#plan
    this.#wire = wire
    this.#elements = elementWire(dtype, codec, wire.messageBytes)
    this.#contributed = new Array(wire.worldSize).fill(0)
    this.#finished = new Array(wire.worldSize).fill(0)
    this.#missing = this.waitingFor().length
    for (let shift = 1; shift < wire.worldSize; shift++) {
      const to = (wire.rank + shift) % wire.worldSize
      wire.stream(to, this.#elements.messages(input, bounds[to]!, bounds[to + 1]!))
    }
  }

  onMessage(from: number, frame: Frame): string | undefined {
    if (this.#complete(from)) return 'nothing more was expected'
    const own = this.#wire.rank
    const reducing = this.#contributed[from]! < this.#length(own)
    const progress = reducing ? this.#contributed : this.#finished
    const at = progress[from]!
    const count = Math.min(this.#elements.perMessage, this.#length(reducing ? own : from) - at)
    const expected = this.#elements.bytesFor(count)
    const got = frame.byteLength - FRAME_HEADER_BYTES
    if (got !== expected) return `${got} payload bytes came where ${expected} were expected`
    progress[from] = at + count
    if (this.#complete(from)) this.#missing--
    if (reducing) {
      this.#contribute(from, at, count, frame)
    } else {
      this.#elements.store(frame, count, this.#plan.output, this.#plan.bounds[from]! + at)
      this.#wire.recycle(frame)
    }
    return undefined
  }

  #contribute(from: number, at: number, count: number, frame: Frame): void {
    const { rank, worldSize } = this.#wire
    const frames = this.#waiting.get(at) ?? new Array<Frame>(worldSize)
    frames[from] = frame
    this.#waiting.set(at, frames)
    for (let other = 0; other < worldSize; other++) if (other !== rank && frames[other] === undefined) return
    this.#waiting.delete(at)
    this.#finish(frames, this.#plan.bounds[rank]! + at, count)
  }

  /** All contributions to one message of our chunk are here: reduces them in rank order and sends the result. */
  #finish(frames: Frame[], position: number, count: number): void {
    const { input, output, combine, divisor } = this.#plan
    const { rank, worldSize } = this.#wire
    const result = frames[rank === 0 ? 1 : 0]!
    // A copy: with a codec the next read reuses its buffer, and rank 0's own values must stay as they are.
    const values: NumericArray =
      rank === 0 ? input.slice(position, position + count) : this.#elements.read(result, count).slice()
    for (let other = 1; other < worldSize; other++) {
      if (other === rank) combine(values, input, position)
      else combine(values, this.#elements.read(frames[other]!, count), 0)
    }
    if (divisor !== 1) divide(values, divisor)
    this.#elements.write(result, values)
    this.#elements.store(result, count, output, position)
    this.#reduced = true
    for (let other = 0; other < worldSize; other++) {
      if (other === rank) continue
      const frame = frames[other]!
      // The contributions' buffers carry the result back.
      if (frame !== result) frame.set(result.subarray(FRAME_HEADER_BYTES), FRAME_HEADER_BYTES)
    }
    // Each rank begins with its neighbour, so that not all of them send to rank 0 first.
    for (let shift = 1; shift < worldSize; shift++) {
      const to = (rank + shift) % worldSize
      this.#wire.post(to, frames[to]!)
    }
  }

  #length(chunk: number): number {
    return this.#plan.bounds[chunk + 1]! - this.#plan.bounds[chunk]!
  }

  #complete(rank: number): boolean {
    return this.#contributed[rank] === this.#length(this.#wire.rank) && this.#finished[rank] === this.#length(rank)
  }
}
