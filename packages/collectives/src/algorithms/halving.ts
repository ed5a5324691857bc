/**
 * All-reduce by recursive halving and doubling: in step s partners at distance 2^s exchange halves of what they
 * still own and reduce the half they keep; then everything goes back the same way. 2·log2 R steps with the ring's
 * bytes. The nearest partners come first, when the halves are largest. Ranks beyond a power of two give their
 * vector to a neighbour and get the result from it. Source: Rabenseifner, 2004.
 */
import { type Algorithm, byteMessages, type Frame, payloadOf, type Wire } from '../algorithm.ts'
import { chunkBounds } from '../chunks.ts'
import { bytesOf } from '../dtype.ts'
import { divide } from '../reduce.ts'
import { type ElementWire, elementWire } from './elements.ts'
import { Expected } from './expected.ts'
import type { ReductionPlan } from './plan.ts'

export interface HalvingPlan extends ReductionPlan {
  /** Ranks in the order of the ring: neighbours are partners first. */
  readonly order: readonly number[]
}

/** One exchange with one partner: pieces [first, last) come; those of `sends` go when it begins. */
interface Stage {
  readonly partner: number
  /** Whether elements come that are to be reduced, or finished bytes. */
  readonly reduces: boolean
  readonly receives: readonly [first: number, last: number]
  readonly sends: readonly [first: number, last: number]
}

const NONE = [0, 0] as const

export class Halving implements Algorithm {
  readonly #plan: HalvingPlan
  readonly #expected = new Expected()
  #wire!: Wire
  #elements!: ElementWire
  #stages: Stage[] = []
  #stage = 0
  /** Elements or bytes of this stage that are taken. */
  #taken = 0
  /** The pieces that are left in the end, one for each rank of the largest power of two, as they travel. */
  #bounds: number[] = []
  #offsets: number[] = []
  #bytes!: Uint8Array
  #finished = false

  constructor(plan: HalvingPlan) {
    this.#plan = plan
  }

  get done(): boolean {
    return this.#finished
  }

  get steps(): number {
    const { cores, extra } = coresOf(this.#plan.order.length)
    return this.done ? 2 * Math.log2(cores) + (extra > 0 ? 2 : 0) : this.#stage
  }

  waitingFor(): number[] {
    return this.#expected.waitingFor()
  }

  start(wire: Wire): void {
    const { dtype, codec, input, output, order } = this.#plan
    this.#wire = wire
    this.#elements = elementWire(dtype, codec, wire.messageBytes)
    this.#bounds = chunkBounds(input.length, coresOf(order.length).cores)
    this.#offsets = [0]
    for (let i = 1; i < this.#bounds.length; i++) {
      const count = this.#bounds[i]! - this.#bounds[i - 1]!
      this.#offsets.push(this.#offsets[i - 1]! + (codec === undefined ? count * dtype.bytes : codec.bytesFor(count)))
    }
    this.#bytes = codec === undefined ? bytesOf(output) : new Uint8Array(this.#offsets.at(-1)!)
    // Sums are made in `output`: the half that a partner keeps is sent from there before anything replaces it.
    if (input !== output) bytesOf(output).set(bytesOf(input))
    this.#stages = stagesOf(order, wire.rank)
    for (const stage of this.#stages) {
      for (const bytes of this.#sizes(stage)) this.#expected.add(stage.partner, bytes)
    }
    this.#enter(0)
    this.#advance()
  }

  onMessage(from: number, frame: Frame): string | undefined {
    const wrong = this.#expected.keep(from, frame)
    if (wrong === undefined) this.#advance()
    return wrong
  }

  /** Takes what has come as far as its turn has come, and begins the stages that follow. */
  #advance(): void {
    while (this.#stage < this.#stages.length) {
      const stage = this.#stages[this.#stage]!
      const [from, to] = this.#range(stage)
      while (this.#taken < to - from) {
        const frame = this.#expected.take(stage.partner)
        if (frame === undefined) return
        this.#taken += stage.reduces ? this.#reduce(frame, from, to) : this.#store(frame, from)
        this.#wire.recycle(frame)
      }
      this.#enter(this.#stage + 1)
    }
    if (!this.#finished) this.#finish()
  }

  #enter(index: number): void {
    const wasReducing = this.#stages[this.#stage]?.reduces ?? false
    this.#stage = index
    this.#taken = 0
    const stage = this.#stages[index]
    if (wasReducing && stage?.reduces !== true) this.#complete()
    if (stage === undefined) return
    const [first, last] = stage.sends
    if (stage.reduces) {
      const { output } = this.#plan
      this.#wire.stream(stage.partner, this.#elements.messages(output, this.#bounds[first]!, this.#bounds[last]!))
    } else if (this.#offsets[first]! < this.#offsets[last]!) {
      const bytes = this.#bytes.subarray(this.#offsets[first], this.#offsets[last])
      this.#wire.stream(stage.partner, byteMessages(bytes, this.#wire.messageBytes))
    }
  }

  #reduce(frame: Frame, from: number, to: number): number {
    const { output, combine } = this.#plan
    const at = from + this.#taken
    const count = Math.min(this.#elements.perMessage, to - at)
    combine(output.subarray(at, at + count), this.#elements.read(frame, count), 0)
    return count
  }

  #store(frame: Frame, from: number): number {
    this.#bytes.set(payloadOf(frame), from + this.#taken)
    return payloadOf(frame).byteLength
  }

  /** Our own piece is reduced: divides it and writes it as everybody will read it. */
  #complete(): void {
    const { output, codec, divisor, order } = this.#plan
    const core = coreIndex(order, this.#wire.rank)
    if (core === null) return
    const piece = pieceOf(core, coresOf(order.length).cores)
    const values = output.subarray(this.#bounds[piece]!, this.#bounds[piece + 1]!)
    if (divisor !== 1) divide(values, divisor)
    codec?.encode(values as Float32Array, this.#bytes.subarray(this.#offsets[piece], this.#offsets[piece + 1]))
  }

  #finish(): void {
    const { output, codec } = this.#plan
    this.#finished = true
    for (let i = 0; codec !== undefined && i + 1 < this.#bounds.length; i++) {
      const values = output.subarray(this.#bounds[i]!, this.#bounds[i + 1]!)
      codec.decode(this.#bytes.subarray(this.#offsets[i], this.#offsets[i + 1]), values as Float32Array)
    }
  }

  #range({ reduces, receives: [first, last] }: Stage): [from: number, to: number] {
    const borders = reduces ? this.#bounds : this.#offsets
    return [borders[first]!, borders[last]!]
  }

  /** Payload bytes of the messages that come in a stage. */
  #sizes(stage: Stage): number[] {
    const [from, to] = this.#range(stage)
    const step = stage.reduces ? this.#elements.perMessage : this.#wire.messageBytes
    const sizes: number[] = []
    for (let at = from; at < to; at += step) {
      const amount = Math.min(step, to - at)
      sizes.push(stage.reduces ? this.#elements.bytesFor(amount) : amount)
    }
    return sizes
  }
}

/** The largest power of two that is no more than `ranks`, and how many ranks are left over. */
export function coresOf(ranks: number): { cores: number; extra: number } {
  const cores = 2 ** Math.floor(Math.log2(ranks))
  return { cores, extra: ranks - cores }
}

/** The ranks of the exchanges at distance 2^`step`, as pairs. */
export function partnersAt(order: readonly number[], step: number): Array<[number, number]> {
  const { cores } = coresOf(order.length)
  const pairs: Array<[number, number]> = []
  for (let core = 0; core < cores; core++) {
    if (!(core & (1 << step))) pairs.push([coreAt(order, core), coreAt(order, core | (1 << step))])
  }
  return pairs
}

/**
 * Where a rank stands: its index among the cores, null if it is folded into one; the rank that is folded into it, or into
 * which it is; and the ranks of other cores.
 */
export function placeOf(
  order: readonly number[],
  rank: number,
): { core: number | null; folded: number | undefined; coreAt: (core: number) => number } {
  const core = coreIndex(order, rank)
  const { extra } = coresOf(order.length)
  const folded = core === null ? order[order.indexOf(rank) - 1] : core < extra ? order[2 * core + 1] : undefined
  return { core, folded, coreAt: (other) => coreAt(order, other) }
}

/** Of the first 2·extra places every second one folds into the one before it; the others are the cores. */
function coreAt(order: readonly number[], core: number): number {
  const { extra } = coresOf(order.length)
  return order[core < extra ? 2 * core : core + extra]!
}

function coreIndex(order: readonly number[], rank: number): number | null {
  const { extra } = coresOf(order.length)
  const place = order.indexOf(rank)
  if (place >= 2 * extra) return place - extra
  return place % 2 === 0 ? place / 2 : null
}

/** The piece that a core ends up with: the halves it kept, the largest first, are the bits of its index. */
function pieceOf(core: number, cores: number): number {
  let piece = 0
  for (let bit = 1; bit < cores; bit *= 2) piece = 2 * piece + (core & bit ? 1 : 0)
  return piece
}

function stagesOf(order: readonly number[], rank: number): Stage[] {
  const { cores } = coresOf(order.length)
  const all = [0, cores] as const
  const { core, folded } = placeOf(order, rank)
  if (core === null) {
    return [
      { partner: folded!, reduces: true, receives: NONE, sends: all },
      { partner: folded!, reduces: false, receives: all, sends: NONE },
    ]
  }
  const stages: Stage[] = []
  if (folded !== undefined) stages.push({ partner: folded, reduces: true, receives: all, sends: NONE })
  let [first, last] = all as readonly [number, number]
  const doubling: Stage[] = []
  for (let bit = 1; bit < cores; bit *= 2) {
    const partner = coreAt(order, core ^ bit)
    const middle = (first + last) / 2
    const [keeps, gives] =
      core & bit
        ? ([
            [middle, last],
            [first, middle],
          ] as const)
        : ([
            [first, middle],
            [middle, last],
          ] as const)
    stages.push({ partner, reduces: true, receives: keeps, sends: gives })
    doubling.unshift({ partner, reduces: false, receives: gives, sends: keeps })
    ;[first, last] = keeps
  }
  stages.push(...doubling)
  if (folded !== undefined) stages.push({ partner: folded, reduces: false, receives: NONE, sends: all })
  return stages
}
