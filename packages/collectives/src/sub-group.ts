/**
 * A process group of some of another group's ranks. Every member sends its operand to every other member, with what it
 * is about, and computes the result itself, in the order of ranks: the same bits everywhere, at (k−1) times the bytes.
 * For small data and few ranks; not for gradients, which the whole group's ring carries.
 */
import { type LinkReport, RondoError } from '@rondo/protocol'
import { bad, checkCodec, checkInto, checkMultiple, checkOther, checkRank } from './arguments.ts'
import { chunkBounds } from './chunks.ts'
import { bytesOf, type DType, dtypeOf, type NumericArray } from './dtype.ts'
import type { FlightRecorder } from './flight-recorder.ts'
import { decodeObject, encodeObject } from './object-codec.ts'
import type { AllReduceOptions, OperationOptions, ProcessGroup, ReduceOptions, SourceOptions } from './process-group.ts'
import { divide, reduction } from './reduce.ts'

/**
 * @param ranks members, as the parent numbers them; in the group they are numbered in ascending order
 * @returns the group on members, null elsewhere
 * @throws BAD_ARGUMENT for ranks that the parent does not have, or one twice
 */
export function subGroup(parent: ProcessGroup, ranks: readonly number[]): ProcessGroup | null {
  const members = [...ranks].sort((a, b) => a - b)
  for (const rank of members) checkRank('newGroup', 'rank', rank, parent.worldSize)
  if (members.length === 0 || new Set(members).size !== members.length) {
    throw bad('newGroup', `ranks [${ranks.join(', ')}]`, 'at least one rank, each once', 'List every member once.')
  }
  return members.includes(parent.rank) ? new SubGroup(parent, members) : null
}

/** What a member is doing; all must say the same. */
interface Call {
  op: string
  name: string
  dtype: string
  count: number | null
}

class SubGroup implements ProcessGroup {
  readonly rank: number
  readonly worldSize: number
  private readonly parent: ProcessGroup
  private readonly members: readonly number[]
  /** Operations of a group follow one another, so that their messages cannot cross. */
  private last: Promise<unknown> = Promise.resolve()

  constructor(parent: ProcessGroup, members: readonly number[]) {
    this.parent = parent
    this.members = members
    this.rank = members.indexOf(parent.rank)
    this.worldSize = members.length
  }

  get generation(): number {
    return this.parent.generation
  }
  get costModel(): ProcessGroup['costModel'] {
    return this.parent.costModel
  }
  get failure(): RondoError | null {
    return this.parent.failure
  }
  get onFailure(): ProcessGroup['onFailure'] {
    return this.parent.onFailure
  }
  set onFailure(handler: ProcessGroup['onFailure']) {
    this.parent.onFailure = handler
  }
  get flightRecorder(): FlightRecorder {
    return this.parent.flightRecorder
  }
  get bytesSent(): number {
    return this.parent.bytesSent
  }
  get bytesReceived(): number {
    return this.parent.bytesReceived
  }
  get payloadBytesSent(): number {
    return this.parent.payloadBytesSent
  }

  async allReduce<T extends NumericArray>(x: T, options: AllReduceOptions<T> = {}): Promise<T> {
    return this.reduce('allReduce', x, options, x.length, (whole) => whole)
  }

  async reduceScatter<T extends NumericArray>(x: T, options: ReduceOptions<T> = {}): Promise<T> {
    const bounds = chunkBounds(x.length, this.worldSize)
    const [from, to] = [bounds[this.rank] as number, bounds[this.rank + 1] as number]
    return this.reduce('reduceScatter', x, options, to - from, (whole) => whole.slice(from, to) as T)
  }

  async allGather<T extends NumericArray>(x: T, options: OperationOptions & { into?: T } = {}): Promise<T> {
    const { into, ...rest } = options
    const dtype = dtypeOf(x, 'allGather')
    const length = x.length * this.worldSize
    const result = into === undefined ? (dtype.make(length) as T) : checkInto('allGather', into, dtype, length)
    const all = await this.shareArrays('allGather', x, dtype, rest)
    for (const [rank, part] of all.entries()) result.set(part as never, rank * x.length)
    return result
  }

  async allGatherV<T extends NumericArray>(x: T, options: OperationOptions = {}): Promise<T[]> {
    const dtype = dtypeOf(x, 'allGatherV')
    const all = await this.share({ op: 'allGatherV', name: '', dtype: dtype.name, count: null }, bytesOf(x), options)
    return all.map((bytes) => arrayOf(bytes, dtype) as T)
  }

  async broadcast<T extends NumericArray>(x: T, options: SourceOptions = {}): Promise<T> {
    const src = checkRank('broadcast', 'src', options.src ?? 0, this.worldSize)
    const all = await this.shareArrays(`broadcast(from ${src})`, x, dtypeOf(x, 'broadcast'), options)
    x.set(all[src] as never)
    return x
  }

  async gather<T extends NumericArray>(x: T, options: OperationOptions & { dst?: number } = {}): Promise<T | null> {
    const dst = checkRank('gather', 'dst', options.dst ?? 0, this.worldSize)
    const whole = await this.allGather(x, { ...options, name: `${options.name ?? ''} gather(to ${dst})` })
    return dst === this.rank ? whole : null
  }

  async scatter<T extends NumericArray>(into: T, options: SourceOptions & { values?: T } = {}): Promise<T> {
    const dtype = dtypeOf(into, 'scatter')
    const src = checkRank('scatter', 'src', options.src ?? 0, this.worldSize)
    const length = into.length * this.worldSize
    const mine = src === this.rank ? checkInto('scatter: values', options.values as T, dtype, length) : null
    const what = { op: `scatter(from ${src})`, name: '', dtype: dtype.name, count: into.length }
    const all = await this.share(what, mine === null ? new Uint8Array(0) : bytesOf(mine), options)
    const values = arrayOf(all[src] as Uint8Array, dtype)
    into.set(values.subarray(this.rank * into.length, (this.rank + 1) * into.length) as never)
    return into
  }

  async allToAll<T extends NumericArray>(x: T, options: OperationOptions = {}): Promise<T> {
    const dtype = dtypeOf(x, 'allToAll')
    const part = checkMultiple('allToAll', x.length, this.worldSize)
    const all = await this.shareArrays('allToAll', x, dtype, options)
    const result = dtype.make(x.length) as T
    all.forEach((values, rank) => {
      result.set(values.subarray(this.rank * part, (this.rank + 1) * part) as never, rank * part)
    })
    return result
  }

  async send(x: NumericArray, options: OperationOptions & { to: number }): Promise<void> {
    const to = checkOther('send', 'to', options.to, this.rank, this.worldSize)
    await this.parent.send(x, { ...options, to: this.members[to] as number })
  }

  async recv<T extends NumericArray>(into: T, options: OperationOptions & { from: number }): Promise<T> {
    const from = checkOther('recv', 'from', options.from, this.rank, this.worldSize)
    return this.parent.recv(into, { ...options, from: this.members[from] as number })
  }

  async barrier(name = '', options: Omit<OperationOptions, 'name'> = {}): Promise<void> {
    const what = { op: 'barrier', name: '', dtype: '-', count: 0 }
    await this.share(what, new Uint8Array(0), { ...options, name })
  }

  async broadcastObject<T>(value: T, options: SourceOptions = {}): Promise<T> {
    const src = checkRank('broadcastObject', 'src', options.src ?? 0, this.worldSize)
    const mine = src === this.rank ? encodeObject(value, 'broadcastObject') : new Uint8Array(0)
    const what = { op: `broadcastObject(from ${src})`, name: '', dtype: 'object', count: null }
    const all = await this.share(what, mine, options)
    return src === this.rank ? value : (decodeObject(all[src] as Uint8Array) as T)
  }

  async allGatherObject<T>(value: T, options: OperationOptions = {}): Promise<T[]> {
    const what = { op: 'allGatherObject', name: '', dtype: 'object', count: null }
    const all = await this.share(what, encodeObject(value, 'allGatherObject'), options)
    return all.map((bytes, rank) => (rank === this.rank ? value : (decodeObject(bytes) as T)))
  }

  linkReports(): LinkReport[] {
    return this.parent.linkReports().filter(({ to }) => this.members.includes(to))
  }

  abort(error: Error): void {
    this.parent.abort(error)
  }

  /** The parent and its links stay. */
  async close(): Promise<void> {}

  private async reduce<T extends NumericArray>(
    call: string,
    x: T,
    options: ReduceOptions<T>,
    length: number,
    part: (whole: T) => T,
  ): Promise<T> {
    const dtype = dtypeOf(x, call)
    const { op, combine, mean } = reduction(options.op ?? 'sum', dtype, call)
    if (checkCodec(call, options.codec, dtype) !== undefined) {
      throw bad(call, 'a codec in a group of some ranks', 'none there', 'Leave the codec out.')
    }
    const all = await this.shareArrays(`${call}(${op})`, x, dtype, options)
    const whole = (all[0] as T).slice() as T
    for (const other of all.slice(1)) combine(whole, other, 0)
    if (mean) divide(whole, this.worldSize)
    const result = part(whole)
    if (options.into === undefined) return result
    const into = checkInto(call, options.into, dtype, length)
    into.set(result as never)
    return into
  }

  private async shareArrays<T extends NumericArray>(
    op: string,
    x: T,
    dtype: DType,
    options: OperationOptions,
  ): Promise<T[]> {
    const all = await this.share({ op, name: '', dtype: dtype.name, count: x.length }, bytesOf(x), options)
    return all.map((bytes) => arrayOf(bytes, dtype) as T)
  }

  /** Every member's bytes, by rank in the group. Throws COLLECTIVE_MISMATCH on all when one does something else. */
  private share(call: Call, bytes: Uint8Array, { name = '', ...options }: OperationOptions): Promise<Uint8Array[]> {
    const what: Call = { ...call, name }
    const own = bytes.slice()
    const result = this.last.then(() => this.exchange(what, own, options))
    this.last = result.catch(() => {})
    return result
  }

  private async exchange(what: Call, own: Uint8Array, options: OperationOptions): Promise<Uint8Array[]> {
    const head = encodeObject(what, what.op)
    const others = this.members.filter((member) => member !== this.parent.rank)
    const name = `group [${this.members.join(', ')}]`
    const sizes = Int32Array.of(head.byteLength, own.byteLength)
    const sent = others.map(async (to) => {
      for (const part of [sizes, head, own]) await this.parent.send(part, { ...options, name, to })
    })
    const received = others.map(async (from) => {
      const recv = <T extends NumericArray>(into: T) => this.parent.recv(into, { ...options, name, from })
      const [headBytes = 0, ownBytes = 0] = await recv(new Int32Array(2))
      const theirs = decodeObject(await recv(new Uint8Array(headBytes))) as Call
      return { from, theirs, bytes: await recv(new Uint8Array(ownBytes)) }
    })
    const [, answers] = await Promise.all([Promise.all(sent), Promise.all(received)])
    for (const { from, theirs } of answers) {
      if (describe(theirs) !== describe(what)) throw mismatch(this.parent.rank, what, from, theirs)
    }
    return this.members.map((member) => answers.find(({ from }) => from === member)?.bytes ?? own)
  }
}

function arrayOf(bytes: Uint8Array, dtype: DType): NumericArray {
  return dtype.view(bytes.slice().buffer, 0, bytes.byteLength / dtype.bytes)
}

function describe({ op, name, dtype, count }: Call): string {
  return `${op}${name === '' ? '' : ` "${name}"`} of ${count === null ? '' : `${count} × `}${dtype}`
}

function mismatch(rank: number, mine: Call, other: number, theirs: Call): RondoError {
  return new RondoError(
    'COLLECTIVE_MISMATCH',
    `The ranks of a group do different things: rank ${rank} is in ${describe(mine)}, rank ${other} in ${describe(theirs)}. ` +
      'All members must call the same operations, in the same order, with the same sizes. Check branches that depend on the rank.',
    { rank },
  )
}
