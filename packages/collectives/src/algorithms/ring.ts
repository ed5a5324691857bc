/**
 * The ring: R−1 reduce steps after which rank r holds chunk r finished, then R−1 gather steps that carry
 * every finished chunk round. Each message is reduced inside the buffer it arrived in and passed on at once,
 * so nothing is allocated or copied on the way. Not for: choosing it (cost-model.ts), links or failures.
 */
import { FRAME_HEADER_BYTES } from '@rondo/protocol'
import { type Algorithm, type Frame, isLent, type Wire } from '../algorithm.ts'
import { receivedChunk, reduceSendChunk } from '../chunks.ts'
import { divide } from '../reduce.ts'
import { type ElementWire, elementWire } from './elements.ts'
import type { ReductionPlan } from './plan.ts'

export interface RingPlan extends ReductionPlan {
  /** Ranks in the order of the ring. */
  readonly order: readonly number[]
  /** R+1 borders of the chunks, in elements of the whole vector. Chunk r ends up finished on rank r. */
  readonly bounds: readonly number[]
  /** All-reduce when true, reduce-scatter when false. */
  readonly gather: boolean
}

export class Ring implements Algorithm {
  readonly borrows = true
  readonly #plan: RingPlan
  #wire!: Wire
  #elements!: ElementWire
  #place = 0
  #next = 0
  #previous = 0
  #turns = 0
  #lastStep = 0
  /** The step whose messages arrive now, and where in the vector the next one belongs. */
  #step = 0
  #position = 0
  #end = 0

  constructor(plan: RingPlan) {
    this.#plan = plan
  }

  get done(): boolean {
    return this.#step > this.#lastStep
  }

  get steps(): number {
    return this.#step
  }

  waitingFor(): number[] {
    return this.done ? [] : [this.#previous]
  }

  start(wire: Wire): void {
    const { dtype, codec, bounds, input, gather, order } = this.#plan
    this.#wire = wire
    this.#elements = elementWire(dtype, codec, wire.messageBytes)
    this.#turns = wire.worldSize - 1
    this.#lastStep = (gather ? 2 : 1) * this.#turns - 1
    this.#place = order.indexOf(wire.rank)
    this.#next = order[(this.#place + 1) % wire.worldSize]!
    this.#previous = order[(this.#place + this.#turns) % wire.worldSize]!
    const own = order[reduceSendChunk(this.#place, 0, wire.worldSize)]!
    this.#enter(0)
    wire.stream(this.#next, this.#elements.messages(input, bounds[own]!, bounds[own + 1]!))
  }

  onMessage(from: number, frame: Frame): string | undefined {
    if (from !== this.#previous) return `rank ${from} is not the one before this rank in the ring`
    if (this.done) return 'nothing more was expected'
    const count = Math.min(this.#elements.perMessage, this.#end - this.#position)
    const expected = this.#elements.bytesFor(count)
    const got = frame.byteLength - FRAME_HEADER_BYTES
    if (got !== expected) return `${got} payload bytes came where ${expected} were expected`
    if (this.#step < this.#turns) this.#reduce(frame, count)
    else this.#gather(frame, count)
    this.#position += count
    if (this.#position === this.#end) this.#enter(this.#step + 1)
    return undefined
  }

  #reduce(frame: Frame, count: number): void {
    const { input, output, combine, divisor, gather, bounds } = this.#plan
    const values = this.#elements.read(frame, count)
    combine(values, input, this.#position)
    const last = this.#step === this.#turns - 1
    if (last && divisor !== 1) divide(values, divisor)
    if (last && !gather) {
      output.set(values as never, this.#position - bounds[this.#wire.rank]!)
      this.#wire.recycle(frame)
      return
    }
    this.#elements.rewrite(frame, values)
    // With a lossy codec the chunk's owner too takes what the others will read.
    if (last) this.#elements.store(frame, count, output, this.#position)
    this.#pass(frame, count, last)
  }

  #gather(frame: Frame, count: number): void {
    this.#elements.store(frame, count, this.#plan.output, this.#position)
    if (this.#step < this.#lastStep) this.#pass(frame, count, true)
    else this.#wire.recycle(frame)
  }

  /** On to the next rank. A lent message need not be copied when the output holds the same bytes for as long. */
  #pass(frame: Frame, count: number, stored: boolean): void {
    const { codec, output } = this.#plan
    if (!stored || codec !== undefined || !isLent(frame)) this.#wire.post(this.#next, frame)
    else this.#wire.stream(this.#next, this.#elements.messages(output, this.#position, this.#position + count))
  }

  /** Goes to `step`, or past it as long as its chunk is empty and therefore has no message. */
  #enter(step: number): void {
    const { worldSize } = this.#wire
    const { bounds, order } = this.#plan
    this.#step = step
    while (this.#step <= this.#lastStep) {
      const chunk = order[receivedChunk(this.#place, this.#step, worldSize)]!
      this.#position = bounds[chunk]!
      this.#end = bounds[chunk + 1]!
      if (this.#position < this.#end) return
      this.#step++
    }
  }
}
