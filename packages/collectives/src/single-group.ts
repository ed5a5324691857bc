/**
 * The process group of one rank: same checks, same results, no network. Not for: pretending to be several.
 */
import { type LinkReport, RondoError } from '@rondo/protocol'
import { checkAlgorithm, checkCodec, checkInto, checkOther, checkRank, checkTimeout } from './arguments.ts'
import { dtypeOf, type NumericArray } from './dtype.ts'
import { FlightRecorder } from './flight-recorder.ts'
import { decodeObject, encodeObject } from './object-codec.ts'
import type { AllReduceOptions, OperationOptions, ProcessGroup, ReduceOptions, SourceOptions } from './process-group.ts'
import { reduction } from './reduce.ts'

export class SingleGroup implements ProcessGroup {
  readonly rank = 0
  readonly worldSize = 1
  readonly generation: number
  readonly costModel = { latencyMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY }
  readonly flightRecorder = new FlightRecorder()
  readonly bytesSent = 0
  readonly bytesReceived = 0
  readonly payloadBytesSent = 0
  failure: RondoError | null = null
  onFailure: ((error: RondoError) => void) | null = null
  #sequence = 0

  constructor(generation: number) {
    this.generation = generation
  }

  async allReduce<T extends NumericArray>(x: T, options: AllReduceOptions<T> = {}): Promise<T> {
    checkAlgorithm('allReduce', options.algorithm ?? 'auto')
    return this.#reduce('allReduce', x, options)
  }

  async reduceScatter<T extends NumericArray>(x: T, options: ReduceOptions<T> = {}): Promise<T> {
    return this.#reduce('reduceScatter', x, options)
  }

  async allGather<T extends NumericArray>(x: T, options: OperationOptions & { into?: T } = {}): Promise<T> {
    const dtype = dtypeOf(x, 'allGather')
    const into = options.into === undefined ? undefined : checkInto('allGather', options.into, dtype, x.length)
    this.#note('allGather', x, options)
    return copy(x, into)
  }

  async allGatherV<T extends NumericArray>(x: T, options: OperationOptions = {}): Promise<T[]> {
    dtypeOf(x, 'allGatherV')
    this.#note('allGatherV', x, options)
    return [copy(x, undefined)]
  }

  async broadcast<T extends NumericArray>(x: T, options: SourceOptions = {}): Promise<T> {
    dtypeOf(x, 'broadcast')
    checkRank('broadcast', 'src', options.src ?? 0, 1)
    this.#note('broadcast(from 0)', x, options)
    return x
  }

  async gather<T extends NumericArray>(x: T, options: OperationOptions & { dst?: number } = {}): Promise<T | null> {
    dtypeOf(x, 'gather')
    checkRank('gather', 'dst', options.dst ?? 0, 1)
    this.#note('gather(to 0)', x, options)
    return copy(x, undefined)
  }

  async scatter<T extends NumericArray>(into: T, options: SourceOptions & { values?: T } = {}): Promise<T> {
    const dtype = dtypeOf(into, 'scatter')
    checkRank('scatter', 'src', options.src ?? 0, 1)
    const values = checkInto('scatter: values', options.values as T, dtype, into.length)
    this.#note('scatter(from 0)', into, options)
    return copy(values, into)
  }

  async allToAll<T extends NumericArray>(x: T, options: OperationOptions = {}): Promise<T> {
    dtypeOf(x, 'allToAll')
    this.#note('allToAll', x, options)
    return copy(x, undefined)
  }

  async send(x: NumericArray, options: OperationOptions & { to: number }): Promise<void> {
    dtypeOf(x, 'send')
    checkOther('send', 'to', options.to, 0, 1)
  }

  async recv<T extends NumericArray>(into: T, options: OperationOptions & { from: number }): Promise<T> {
    dtypeOf(into, 'recv')
    checkOther('recv', 'from', options.from, 0, 1)
    return into
  }

  async barrier(name = '', options: Omit<OperationOptions, 'name'> = {}): Promise<void> {
    this.#note('barrier', new Uint8Array(0), { ...options, name })
  }

  /** The value goes through the encoding as it would with several ranks, so that what can't cross fails here, too. */
  async broadcastObject<T>(value: T, options: SourceOptions = {}): Promise<T> {
    checkRank('broadcastObject', 'src', options.src ?? 0, 1)
    encodeObject(value, 'broadcastObject')
    this.#note('broadcastObject(from 0)', new Uint8Array(0), options)
    return value
  }

  async allGatherObject<T>(value: T, options: OperationOptions = {}): Promise<T[]> {
    const bytes = encodeObject(value, 'allGatherObject')
    this.#note('allGatherObject', new Uint8Array(0), options)
    return [decodeObject(bytes) as T]
  }

  linkReports(): LinkReport[] {
    return []
  }

  abort(error: Error): void {
    if (this.failure !== null) return
    this.failure =
      error instanceof RondoError ? error : new RondoError('RANK_FAILED', error.message, { rank: 0, cause: error })
    this.onFailure?.(this.failure)
  }

  async close(): Promise<void> {
    this.failure ??= new RondoError('ABORTED', 'The process group was closed. Create a new group.')
  }

  #reduce<T extends NumericArray>(call: string, x: T, options: ReduceOptions<T>): T {
    const dtype = dtypeOf(x, call)
    const { op } = reduction(options.op ?? 'sum', dtype, call)
    const codec = checkCodec(call, options.codec, dtype)
    const into = options.into === undefined ? undefined : checkInto(call, options.into, dtype, x.length)
    this.#note(`${call}(${op}${codec === undefined ? '' : `, ${codec.name}`})`, x, options)
    return copy(x, into)
  }

  #note(op: string, x: NumericArray, { name = '', signal, timeoutMs = 1 }: OperationOptions): void {
    checkTimeout(op, timeoutMs)
    if (this.failure !== null) throw this.failure
    if (signal?.aborted) this.abort(new RondoError('ABORTED', `${op} was aborted: ${String(signal.reason)}.`))
    if (this.failure !== null) throw this.failure
    const now = performance.now()
    const dtype = op === 'barrier' || op.includes('Object') ? '-' : dtypeOf(x, op).name
    const id = this.flightRecorder.enqueue(
      { op, name, dtype, count: x.length },
      this.#sequence++,
      -1,
      x.byteLength,
      now,
    )
    this.flightRecorder.start(id, now)
    this.flightRecorder.end(id, now, 0, null)
  }
}

function copy<T extends NumericArray>(x: T, into: T | undefined): T {
  if (into === undefined) return x.slice() as T
  if (into !== x) into.set(x as never)
  return into
}
