/**
 * All-reduce of groups with near and far links: every rank gives shard k of its vector to its group's owner of
 * shard k, the owners of one shard run a ring between the groups, and each hands what is finished to its group.
 * As many owners in each group as the smallest group has ranks, so a far link carries 2(G−1)/G of the vector per
 * group, whatever the groups' sizes. All three stages overlap, message by message. Sources: Thakur & Gropp, 2003;
 * the 2-level all-reduce of Horovod and NCCL. Not for: choosing the groups (topology.ts, cost-model.ts).
 */
import type { Algorithm, Frame, Wire } from '../algorithm.ts'
import { chunkBounds, gatherSendChunk, reduceSendChunk } from '../chunks.ts'
import { divide } from '../reduce.ts'
import { type ElementWire, elementWire } from './elements.ts'
import { Expected } from './expected.ts'
import type { ReductionPlan } from './plan.ts'

export interface TwoLevelPlan extends ReductionPlan {
  /** All ranks, each in one group; at least two groups. */
  readonly groups: ReadonlyArray<readonly number[]>
}

/** The elements of one message. */
interface Slot {
  readonly from: number
  readonly count: number
}

export class TwoLevel implements Algorithm {
  readonly #plan: TwoLevelPlan
  readonly #expected = new Expected()
  #wire!: Wire
  #elements!: ElementWire
  #groups = 0
  #shards = 0
  #group = 0
  /** Ranks of our group, and our index among them: index k below `shards` owns shard k. */
  #near: readonly number[] = []
  #index = 0
  /** Owners of our shard in the groups after and before ours. */
  #next = 0
  #previous = 0
  /** Our shard's messages in the order in which the group's sums are made, and how many of them are made. */
  #slots: Slot[] = []
  #summed = 0
  /** Contributions that wait for those of others, by slot, each by index in the group. */
  readonly #given = new Map<number, Array<Frame | undefined>>()
  readonly #contributed: number[] = []
  /** Messages of the ring: the reduce slots, then the gather slots; those of `held` wait for our group's sum. */
  #ring: Slot[] = []
  #reduceSlots = 0
  #turned = 0
  #held: Frame[] = []
  /** By index in the group: the finished messages of its shard, and how many are stored. */
  readonly #finished: Slot[][] = []
  readonly #stored: number[] = []
  #missing = 0

  constructor(plan: TwoLevelPlan) {
    this.#plan = plan
  }

  get done(): boolean {
    return this.#missing === 0
  }

  get steps(): number {
    if (this.done) return (this.#plan.groups.some((group) => group.length > 1) ? 2 : 0) + 2 * (this.#groups - 1)
    return this.#ring.length === 0 ? 0 : Math.floor((2 * (this.#groups - 1) * this.#turned) / this.#ring.length)
  }

  waitingFor(): number[] {
    return this.#expected.waitingFor()
  }

  start(wire: Wire): void {
    const { dtype, codec, groups, input, output } = this.#plan
    this.#wire = wire
    this.#elements = elementWire(dtype, codec, wire.messageBytes)
    this.#groups = groups.length
    this.#shards = Math.min(...groups.map((group) => group.length))
    this.#group = groups.findIndex((group) => group.includes(wire.rank))
    this.#near = groups[this.#group]!
    this.#index = this.#near.indexOf(wire.rank)
    for (let i = 0; i < this.#near.length; i++) {
      this.#contributed.push(0)
      this.#stored.push(0)
      this.#finished.push(
        i < this.#shards ? this.#shardSlots(i, (turn) => gatherSendChunk(this.#group, turn, this.#groups)) : [],
      )
    }
    if (this.#index < this.#shards) this.#expectAsOwner()
    this.#near.forEach((rank, i) => {
      if (i === this.#index) return
      for (const { count } of this.#finished[i]!) this.#expect(rank, count)
    })
    // The group's sums of our shard are made in `output`; what the others contribute is added to ours.
    const [from, to] = this.#shardBounds(this.#index)
    if (input !== output) output.set(input.subarray(from, to) as never, from)
    for (let i = 1; i < this.#near.length; i++) this.#contribute((this.#index + i) % this.#near.length)
    if (this.#near.length === 1) this.#sum()
  }

  onMessage(from: number, frame: Frame): string | undefined {
    const wrong = this.#expected.arrive(from, frame)
    if (wrong !== undefined) return wrong
    const index = this.#near.indexOf(from)
    if (index < 0) {
      this.#held.push(frame)
      this.#turn()
      return undefined
    }
    if (this.#contributed[index]! < this.#slots.length) {
      const slot = this.#contributed[index]!++
      const frames = this.#given.get(slot) ?? []
      frames[index] = frame
      this.#given.set(slot, frames)
      this.#missing--
      this.#sum()
    } else {
      const { from: at, count } = this.#finished[index]![this.#stored[index]!++]!
      this.#elements.store(frame, count, this.#plan.output, at)
      this.#wire.recycle(frame)
      this.#missing--
    }
    return undefined
  }

  #expectAsOwner(): void {
    const { groups } = this.#plan
    this.#next = groups[(this.#group + 1) % this.#groups]![this.#index]!
    this.#previous = groups[(this.#group + this.#groups - 1) % this.#groups]![this.#index]!
    this.#slots = this.#shardSlots(this.#index, (turn) => reduceSendChunk(this.#group, turn, this.#groups))
    const before = this.#group - 1
    const turns = this.#groups - 1
    const reduce = this.#shardSlots(this.#index, (turn) => reduceSendChunk(before, turn, this.#groups), turns)
    this.#reduceSlots = reduce.length
    this.#ring = [
      ...reduce,
      ...this.#shardSlots(this.#index, (turn) => gatherSendChunk(before, turn, this.#groups), turns),
    ]
    this.#near.forEach((rank, i) => {
      if (i !== this.#index) for (const { count } of this.#slots) this.#expect(rank, count)
    })
    for (const { count } of this.#ring) this.#expect(this.#previous, count)
  }

  #expect(from: number, count: number): void {
    this.#expected.add(from, this.#elements.bytesFor(count))
    this.#missing++
  }

  /** Sends our part of a shard to its owner, in the order in which the owner's ring takes it. */
  #contribute(shard: number): void {
    if (shard >= this.#shards) return
    for (const { from, count } of this.#shardSlots(shard, (turn) => reduceSendChunk(this.#group, turn, this.#groups))) {
      this.#wire.stream(this.#near[shard]!, this.#elements.messages(this.#plan.input, from, from + count))
    }
  }

  /** Adds up, slot by slot, what all of the group have given; those of the ring's first step leave at once. */
  #sum(): void {
    const { output, combine } = this.#plan
    for (; this.#summed < this.#slots.length; this.#summed++) {
      if (this.#near.some((_, i) => i !== this.#index && this.#contributed[i]! <= this.#summed)) break
      const { from, count } = this.#slots[this.#summed]!
      const sum = output.subarray(from, from + count)
      // In the order of the group, so that the same values always give the same bits.
      for (const frame of this.#given.get(this.#summed) ?? []) {
        if (frame === undefined) continue
        combine(sum, this.#elements.read(frame, count), 0)
        this.#wire.recycle(frame)
      }
      this.#given.delete(this.#summed)
      if (this.#summed < this.#slots.length - this.#reduceSlots) {
        this.#wire.stream(this.#next, this.#elements.messages(output, from, from + count))
      }
    }
    this.#turn()
  }

  /** Takes the ring's messages whose turn has come. */
  #turn(): void {
    const first = this.#slots.length - this.#reduceSlots
    let taken = 0
    for (const frame of this.#held) {
      const reducing = this.#turned < this.#reduceSlots
      if (reducing && this.#summed <= first + this.#turned) break
      const slot = this.#ring[this.#turned++]!
      taken++
      this.#missing--
      if (reducing) this.#reduce(frame, slot)
      else this.#gather(frame, slot)
    }
    if (taken > 0) this.#held = this.#held.slice(taken)
  }

  #reduce(frame: Frame, { from, count }: Slot): void {
    const { output, combine, divisor } = this.#plan
    const values = this.#elements.read(frame, count)
    combine(values, output, from)
    const last = this.#inChunk(from, this.#group)
    if (last && divisor !== 1) divide(values, divisor)
    this.#elements.rewrite(frame, values)
    if (last) {
      this.#elements.store(frame, count, output, from)
      this.#handOut(frame)
    }
    this.#wire.post(this.#next, frame)
  }

  #gather(frame: Frame, { from, count }: Slot): void {
    this.#elements.store(frame, count, this.#plan.output, from)
    this.#handOut(frame)
    // The chunk that the next group finished itself has been everywhere.
    if (this.#inChunk(from, (this.#group + 1) % this.#groups)) this.#wire.recycle(frame)
    else this.#wire.post(this.#next, frame)
  }

  #handOut(frame: Frame): void {
    this.#near.forEach((rank, i) => {
      if (i !== this.#index) this.#wire.post(rank, frame.slice())
    })
  }

  #shardBounds(shard: number): [from: number, to: number] {
    const bounds = chunkBounds(this.#plan.input.length, this.#shards)
    return shard < this.#shards ? [bounds[shard]!, bounds[shard + 1]!] : [0, 0]
  }

  #chunk(shard: number, chunk: number): [from: number, to: number] {
    const [from, to] = this.#shardBounds(shard)
    const bounds = chunkBounds(to - from, this.#groups)
    return [from + bounds[chunk]!, from + bounds[chunk + 1]!]
  }

  /** Whether an element of our shard lies in that chunk of it. */
  #inChunk(element: number, chunk: number): boolean {
    const [from, to] = this.#chunk(this.#index, chunk)
    return from <= element && element < to
  }

  /** The messages of a shard, chunk after chunk as `order` says. */
  #shardSlots(shard: number, order: (turn: number) => number, turns = this.#groups): Slot[] {
    const slots: Slot[] = []
    for (let turn = 0; turn < turns; turn++) {
      const [from, to] = this.#chunk(shard, order(turn))
      for (let at = from; at < to; at += this.#elements.perMessage) {
        slots.push({ from: at, count: Math.min(this.#elements.perMessage, to - at) })
      }
    }
    return slots
  }
}
