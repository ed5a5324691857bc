/**
 * All-reduce of one message by recursive doubling: in step s partners at distance 2^s exchange all they have and add it
 * up alike, so log2 R steps and R·log2 R messages do, where direct takes R² of them. Ranks beyond a power of two give
 * their vector to a neighbour and get the result from it. Source: Thakur, Rabenseifner & Gropp, 2005. Not for: vectors of
 * several messages, which halving moves with fewer bytes.
 */
import { FRAME_HEADER_BYTES } from '@rondo/protocol'
import type { Algorithm, Frame, Wire } from '../algorithm.ts'
import { divide } from '../reduce.ts'
import { type ElementWire, elementWire } from './elements.ts'
import { Expected } from './expected.ts'
import { coresOf, placeOf } from './halving.ts'
import type { ReductionPlan } from './plan.ts'

export interface DoublingPlan extends ReductionPlan {
  /** Ranks in the order of the ring: neighbours are partners first. */
  readonly order: readonly number[]
}

/** One meeting with one partner: `joins` adds what comes to what there is, else it replaces it. */
interface Stage {
  readonly partner: number
  readonly sends: boolean
  readonly receives: boolean
  readonly joins: boolean
  /** Whether ours is the left operand: both partners must join in the same order. */
  readonly first: boolean
}

export class Doubling implements Algorithm {
  readonly #plan: DoublingPlan
  readonly #expected = new Expected()
  #wire!: Wire
  #elements!: ElementWire
  #stages: Stage[] = []
  #stage = 0

  constructor(plan: DoublingPlan) {
    this.#plan = plan
  }

  get done(): boolean {
    return this.#stage === this.#stages.length
  }

  get steps(): number {
    const { cores, extra } = coresOf(this.#plan.order.length)
    return this.done ? Math.log2(cores) + (extra > 0 ? 2 : 0) : this.#stage
  }

  waitingFor(): number[] {
    return this.#expected.waitingFor()
  }

  start(wire: Wire): void {
    const { dtype, codec, input, output, order } = this.#plan
    this.#wire = wire
    this.#elements = elementWire(dtype, codec, wire.messageBytes)
    if (input !== output) output.set(input as never)
    this.#stages = this.#meetings(order)
    for (const { partner, receives } of this.#stages) {
      if (receives) this.#expected.add(partner, this.#elements.bytesFor(input.length))
    }
    this.#enter()
  }

  onMessage(from: number, frame: Frame): string | undefined {
    const wrong = this.#expected.keep(from, frame)
    if (wrong === undefined) this.#advance()
    return wrong
  }

  #meetings(order: readonly number[]): Stage[] {
    const { cores, extra } = coresOf(order.length)
    const { core, folded, coreAt } = placeOf(order, this.#wire.rank)
    const none = { sends: false, receives: false, joins: false, first: true }
    if (core === null) {
      return [
        { ...none, partner: folded!, sends: true },
        { ...none, partner: folded!, receives: true },
      ]
    }
    const stages: Stage[] = []
    if (folded !== undefined) stages.push({ ...none, partner: folded, receives: true, joins: true })
    for (let bit = 1; bit < cores; bit *= 2) {
      stages.push({ partner: coreAt(core ^ bit), sends: true, receives: true, joins: true, first: (core & bit) === 0 })
    }
    // With a codec all take the result as the folded ranks will read it.
    if (folded !== undefined) stages.push({ ...none, partner: folded, sends: true })
    else if (extra > 0) stages.push({ ...none, partner: -1 })
    return stages
  }

  /** Sends what this stage sends, and goes on if nothing has to come. */
  #enter(): void {
    const stage = this.#stages[this.#stage]
    if (stage === undefined) return
    const { output, codec, divisor } = this.#plan
    const lastOfAll = !stage.receives && this.#stage > 0
    if (lastOfAll && divisor !== 1) divide(output, divisor)
    if (stage.sends || lastOfAll) {
      const frame = new Uint8Array(FRAME_HEADER_BYTES + this.#elements.bytesFor(output.length))
      this.#elements.write(frame, output)
      if (codec !== undefined) this.#elements.store(frame, output.length, output, 0)
      if (stage.sends) this.#wire.post(stage.partner, frame)
    }
    if (!stage.receives) {
      this.#stage++
      this.#enter()
    } else this.#advance()
  }

  #advance(): void {
    const stage = this.#stages[this.#stage]
    const frame = stage === undefined ? undefined : this.#expected.take(stage.partner)
    if (stage === undefined || frame === undefined) return
    const { output, combine, divisor, order } = this.#plan
    const values = this.#elements.read(frame, output.length)
    if (!stage.joins) this.#elements.store(frame, output.length, output, 0)
    else if (stage.first) combine(output, values, 0)
    else {
      combine(values, output, 0)
      output.set(values as never)
    }
    this.#wire.recycle(frame)
    this.#stage++
    // Where nobody is folded the last exchange is the end; else the division comes before the result is passed on.
    if (this.done && stage.joins && coresOf(order.length).extra === 0 && divisor !== 1) divide(output, divisor)
    this.#enter()
  }
}
