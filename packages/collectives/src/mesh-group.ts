/**
 * The process group over links to every other rank: each method checks its arguments, describes the operation
 * for the others to compare, picks an algorithm and hands both to the core. Not for: moving messages.
 */
import { type LinkReport, RondoError } from '@rondo/protocol'
import type { Algorithm } from './algorithm.ts'
import { Chain } from './algorithms/chain.ts'
import { Exchange, withLength } from './algorithms/exchange.ts'
import type { ReductionPlan } from './algorithms/plan.ts'
import { Ring } from './algorithms/ring.ts'
import { directAllReduce } from './algorithms/small.ts'
import { allReduceAlgorithm } from './all-reduce.ts'
import { type AllReduceChoice, AllReduceChooser } from './all-reduce-choice.ts'
import {
  bad,
  checkAlgorithm,
  checkCodec,
  checkInto,
  checkMultiple,
  checkOther,
  checkRank,
  checkTimeout,
} from './arguments.ts'
import { chunkBounds } from './chunks.ts'
import type { Codec } from './codecs/codec.ts'
import { type AllReduceAlgorithm, type CostModel, chooseBroadcast } from './cost-model.ts'
import { bytesOf, type DType, dtypeOf, type NumericArray } from './dtype.ts'
import type { FlightRecorder } from './flight-recorder.ts'
import type { GroupCore } from './group/core.ts'
import { decodeObject, encodeObject } from './object-codec.ts'
import type { AllReduceOptions, OperationOptions, ProcessGroup, ReduceOptions, SourceOptions } from './process-group.ts'
import { type Reduction, reduction } from './reduce.ts'

const NOTHING = new Uint8Array(0)

export class MeshGroup implements ProcessGroup {
  readonly rank: number
  readonly worldSize: number
  readonly generation: number
  readonly costModel: CostModel
  readonly #core: GroupCore
  readonly #chooser: AllReduceChooser
  readonly #timeoutMs: number

  constructor(core: GroupCore, costModel: CostModel, timeoutMs: number) {
    this.rank = core.rank
    this.worldSize = core.worldSize
    this.generation = core.generation
    this.costModel = costModel
    this.#core = core
    this.#chooser = new AllReduceChooser(core.topology, core.messageBytes, costModel)
    this.#timeoutMs = timeoutMs
  }

  get failure(): RondoError | null {
    return this.#core.failure
  }
  get onFailure(): ((error: RondoError) => void) | null {
    return this.#core.onFailure
  }
  set onFailure(handler: ((error: RondoError) => void) | null) {
    this.#core.onFailure = handler
  }
  get flightRecorder(): FlightRecorder {
    return this.#core.recorder
  }
  get bytesSent(): number {
    return this.#core.peers.reduce((sum, peer) => sum + peer.outbox.bytesSent, 0)
  }
  get bytesReceived(): number {
    return this.#core.peers.reduce((sum, peer) => sum + peer.bytesReceived, 0)
  }
  get payloadBytesSent(): number {
    return this.#core.payloadBytesSent
  }

  async allReduce<T extends NumericArray>(x: T, options: AllReduceOptions<T> = {}): Promise<T> {
    const { dtype, codec, how, label } = this.#reducing('allReduce', x, options)
    const into = options.into === undefined ? make(x, dtype) : checkInto('allReduce', options.into, dtype, x.length)
    const wanted = checkAlgorithm('allReduce', options.algorithm ?? 'auto')
    const bytes = codec === undefined ? x.byteLength : codec.bytesFor(x.length)
    const chosen = this.#choose(wanted, bytes)
    if (chosen.algorithm !== 'direct') {
      const plan = this.#plan(x, into, dtype, codec, how)
      const algorithm = allReduceAlgorithm({ ...chosen, algorithm: chosen.algorithm }, plan, this.#core.topology)
      await this.#run(label, x, options, dtype.name, algorithm)
    } else {
      const { exchange, finish } = directAllReduce(this, x, into, dtype, codec, how)
      await this.#run(label, x, options, dtype.name, exchange)
      finish()
    }
    return into
  }

  async reduceScatter<T extends NumericArray>(x: T, options: ReduceOptions<T> = {}): Promise<T> {
    const { dtype, codec, how, label } = this.#reducing('reduceScatter', x, options)
    const bounds = chunkBounds(x.length, this.worldSize)
    const length = bounds[this.rank + 1]! - bounds[this.rank]!
    const into =
      options.into === undefined ? (dtype.make(length) as T) : checkInto('reduceScatter', options.into, dtype, length)
    const { order } = this.#core.topology
    const ring = new Ring({ ...this.#plan(x, into, dtype, codec, how), order, bounds, gather: false })
    await this.#run(label, x, options, dtype.name, ring)
    return into
  }

  async allGather<T extends NumericArray>(x: T, options: OperationOptions & { into?: T } = {}): Promise<T> {
    const dtype = dtypeOf(x, 'allGather')
    const length = x.length * this.worldSize
    const into =
      options.into === undefined ? (dtype.make(length) as T) : checkInto('allGather', options.into, dtype, length)
    into.set(x as never, this.rank * x.length)
    const incoming = this.#others((rank) => part(into, rank, x.length))
    await this.#run(
      'allGather',
      x,
      options,
      dtype.name,
      new Exchange(
        this.#others(() => bytesOf(x)),
        incoming,
      ),
    )
    return into
  }

  async allGatherV<T extends NumericArray>(x: T, options: OperationOptions = {}): Promise<T[]> {
    const dtype = dtypeOf(x, 'allGatherV')
    const all = await this.#gatherBytes('allGatherV', dtype.name, bytesOf(x), options)
    return all.map((bytes, rank) => {
      if (rank === this.rank) return x.slice() as T
      if (bytes.byteLength % dtype.bytes !== 0) throw unreadable('allGatherV', rank, bytes.byteLength)
      return dtype.view(bytes.slice().buffer, 0, bytes.byteLength / dtype.bytes) as T
    })
  }

  async broadcast<T extends NumericArray>(x: T, options: SourceOptions = {}): Promise<T> {
    const dtype = dtypeOf(x, 'broadcast')
    const src = checkRank('broadcast', 'src', options.src ?? 0, this.worldSize)
    const how = chooseBroadcast(x.byteLength, this.worldSize, this.#core.messageBytes, this.costModel)
    const algorithm =
      how === 'chain' ? new Chain(src, this.#core.topology.order, bytesOf(x)) : this.#star(src, bytesOf(x), bytesOf(x))
    await this.#run(`broadcast(from ${src})`, x, options, dtype.name, algorithm)
    return x
  }

  async gather<T extends NumericArray>(x: T, options: OperationOptions & { dst?: number } = {}): Promise<T | null> {
    const dtype = dtypeOf(x, 'gather')
    const dst = checkRank('gather', 'dst', options.dst ?? 0, this.worldSize)
    const isRoot = dst === this.rank
    const into = isRoot ? (dtype.make(x.length * this.worldSize) as T) : null
    into?.set(x as never, this.rank * x.length)
    // The root's empty answer keeps the others from running ahead of it.
    const algorithm =
      into === null
        ? new Exchange(new Map([[dst, bytesOf(x)]]), new Map([[dst, NOTHING]]))
        : new Exchange(
            this.#others(() => NOTHING),
            this.#others((rank) => part(into, rank, x.length)),
          )
    await this.#run(`gather(to ${dst})`, x, options, dtype.name, algorithm)
    return into
  }

  async scatter<T extends NumericArray>(into: T, options: SourceOptions & { values?: T } = {}): Promise<T> {
    const dtype = dtypeOf(into, 'scatter')
    const src = checkRank('scatter', 'src', options.src ?? 0, this.worldSize)
    const { values } = options
    if (src !== this.rank) {
      const algorithm = new Exchange(new Map([[src, NOTHING]]), new Map([[src, bytesOf(into)]]))
      await this.#run(`scatter(from ${src})`, into, options, dtype.name, algorithm)
      return into
    }
    if (values === undefined)
      throw bad(
        'scatter',
        'no values on rank src',
        `values of ${into.length * this.worldSize} elements`,
        'Pass them on that rank.',
      )
    checkInto('scatter: values', values, dtype, into.length * this.worldSize)
    const algorithm = new Exchange(
      this.#others((rank) => part(values, rank, into.length)),
      this.#others(() => NOTHING),
    )
    await this.#run(`scatter(from ${src})`, into, options, dtype.name, algorithm)
    bytesOf(into).set(part(values, src, into.length))
    return into
  }

  async allToAll<T extends NumericArray>(x: T, options: OperationOptions = {}): Promise<T> {
    const dtype = dtypeOf(x, 'allToAll')
    const length = checkMultiple('allToAll', x.length, this.worldSize)
    const into = make(x, dtype)
    part(into, this.rank, length).set(part(x, this.rank, length))
    const algorithm = new Exchange(
      this.#others((rank) => part(x, rank, length)),
      this.#others((rank) => part(into, rank, length)),
    )
    await this.#run('allToAll', x, options, dtype.name, algorithm)
    return into
  }

  async send(x: NumericArray, options: OperationOptions & { to: number }): Promise<void> {
    const dtype = dtypeOf(x, 'send')
    const to = checkOther('send', 'to', options.to, this.rank, this.worldSize)
    const algorithm = new Exchange(new Map([[to, bytesOf(x)]]), new Map())
    await this.#run('send/recv', x, options, dtype.name, algorithm, { peer: to, receives: false })
  }

  async recv<T extends NumericArray>(into: T, options: OperationOptions & { from: number }): Promise<T> {
    const dtype = dtypeOf(into, 'recv')
    const from = checkOther('recv', 'from', options.from, this.rank, this.worldSize)
    const algorithm = new Exchange(new Map(), new Map([[from, bytesOf(into)]]))
    await this.#run('send/recv', into, options, dtype.name, algorithm, { peer: from, receives: true })
    return into
  }

  async barrier(name = '', options: Omit<OperationOptions, 'name'> = {}): Promise<void> {
    const algorithm = new Exchange(
      this.#others(() => NOTHING),
      this.#others(() => NOTHING),
    )
    await this.#run('barrier', NOTHING, { ...options, name }, '-', algorithm)
  }

  async broadcastObject<T>(value: T, options: SourceOptions = {}): Promise<T> {
    const src = checkRank('broadcastObject', 'src', options.src ?? 0, this.worldSize)
    const isSource = src === this.rank
    const bytes = isSource ? withLength(encodeObject(value, 'broadcastObject')) : NOTHING
    const exchange = this.#star(src, bytes, 'unknown')
    await this.#run(`broadcastObject(from ${src})`, NOTHING, options, 'object', exchange)
    return isSource ? value : (decodeObject(exchange.received(src)) as T)
  }

  async allGatherObject<T>(value: T, options: OperationOptions = {}): Promise<T[]> {
    const own = encodeObject(value, 'allGatherObject')
    const all = await this.#gatherBytes('allGatherObject', 'object', own, options)
    return all.map((bytes, rank) => (rank === this.rank ? value : (decodeObject(bytes) as T)))
  }

  linkReports(): LinkReport[] {
    return this.#core.peers.map((peer) => peer.report(this.rank))
  }

  abort(error: Error): void {
    const options = { rank: this.rank, node: this.#core.labels[this.rank]!, cause: error }
    this.#core.fail(
      error instanceof RondoError
        ? error
        : new RondoError('RANK_FAILED', `Rank ${this.rank} failed: ${error.message}`, options),
    )
  }

  close({ keepLinks = false }: { keepLinks?: boolean } = {}): Promise<void> {
    return this.#core.close(keepLinks)
  }

  #reducing<T extends NumericArray>(call: string, x: T, options: ReduceOptions<T>) {
    const dtype = dtypeOf(x, call)
    const codec = checkCodec(call, options.codec, dtype)
    const how = reduction(options.op ?? 'sum', dtype, call)
    return { dtype, codec, how, label: `${call}(${how.op}${codec === undefined ? '' : `, ${codec.name}`})` }
  }

  #choose(wanted: AllReduceAlgorithm | 'auto', bytes: number): AllReduceChoice {
    const choice = this.#chooser.resolve(wanted, bytes)
    if (choice !== undefined) return choice
    throw bad(
      'allReduce',
      'algorithm two-level',
      'two-level only where some ranks, not all, share a page, a browser or a machine',
      'Leave the algorithm out.',
    )
  }

  #plan<T extends NumericArray>(
    x: T,
    output: T,
    dtype: DType,
    codec: Codec | undefined,
    { combine, mean }: Reduction,
  ): ReductionPlan {
    // Before a lossy codec the mean divides each contribution, so that no partial sum overflows half precision.
    const early = mean && codec !== undefined
    const input = early ? (x as Float32Array).map((value) => value / this.worldSize) : x
    return { dtype, codec, input, output, combine, divisor: mean && !early ? this.worldSize : 1 }
  }

  /** Root to everyone; the empty answers keep the root from running ahead of the others. */
  #star(src: number, bytes: Uint8Array, target: Uint8Array | 'unknown'): Exchange {
    return src === this.rank
      ? new Exchange(
          this.#others(() => bytes),
          this.#others(() => NOTHING),
        )
      : new Exchange(new Map([[src, NOTHING]]), new Map([[src, target]]))
  }

  async #gatherBytes(call: string, dtype: string, own: Uint8Array, options: OperationOptions): Promise<Uint8Array[]> {
    const framed = withLength(own)
    const exchange = new Exchange(
      this.#others(() => framed),
      this.#others(() => 'unknown' as const),
    )
    await this.#run(call, NOTHING, options, dtype, exchange)
    return Array.from({ length: this.worldSize }, (_, rank) => (rank === this.rank ? own : exchange.received(rank)))
  }

  #others<V>(value: (rank: number) => V): Map<number, V> {
    return new Map(this.#core.peers.map(({ rank }) => [rank, value(rank)]))
  }

  #run(
    op: string,
    operand: NumericArray,
    { name = '', signal, timeoutMs = this.#timeoutMs }: OperationOptions,
    dtype: string,
    algorithm: Algorithm,
    pair?: { peer: number; receives: boolean },
  ): Promise<void> {
    checkTimeout(op, timeoutMs)
    return this.#core.submit({
      what: { op, name, dtype, count: operand.length },
      bytes: operand.byteLength,
      algorithm,
      signal,
      timeoutMs,
      ...(pair === undefined ? {} : { pair }),
    })
  }
}

function make<T extends NumericArray>(x: T, dtype: DType): T {
  return dtype.make(x.length) as T
}

/** The bytes of part `index` of an array cut into parts of `length` elements. */
function part(x: NumericArray, index: number, length: number): Uint8Array {
  const bytes = length * x.BYTES_PER_ELEMENT
  return bytesOf(x).subarray(index * bytes, (index + 1) * bytes)
}

function unreadable(call: string, rank: number, bytes: number): RondoError {
  return new RondoError('BAD_MESSAGE', `${call} got ${bytes} bytes from rank ${rank}, which are no whole elements.`, {
    rank,
  })
}
