/**
 * What a process group offers to strategies and Fabric. Every collective must be called by every rank, in the
 * same order, with the same name, dtype and count; results are bit-identical on all ranks. Source of the
 * semantics: torch.distributed, with typed arrays for tensors.
 */
import type { LinkReport, RondoError } from '@rondo/protocol'
import type { Codec, CodecName } from './codecs/codec.ts'
import type { AllReduceAlgorithm, CostModel } from './cost-model.ts'
import type { NumericArray } from './dtype.ts'
import type { FlightRecorder } from './flight-recorder.ts'
import type { ReduceOp } from './reduce.ts'

export interface OperationOptions {
  /** Shown in errors and the flight recorder; must be equal on all ranks. */
  name?: string | undefined
  /** Aborting fails this operation and with it the group, on every rank: the others can't finish without us. */
  signal?: AbortSignal | undefined
  /** Milliseconds from its turn until TIMEOUT; the group's by default, `Infinity` for none. */
  timeoutMs?: number | undefined
}

export interface ReduceOptions<T extends NumericArray> extends OperationOptions {
  /** `sum` by default. `mean` (= `avg`) is refused for integers. */
  op?: ReduceOp | undefined
  /** How float32 values travel; sums stay float32. Lossy ones round at every hop. */
  codec?: Codec | CodecName | undefined
  /** Where the result goes instead of a new array. May be the input itself. */
  into?: T | undefined
}

export interface AllReduceOptions<T extends NumericArray> extends ReduceOptions<T> {
  /** `auto` by default: by the cost model. All ranks must say the same. */
  algorithm?: AllReduceAlgorithm | 'auto' | undefined
}

export interface SourceOptions extends OperationOptions {
  /** Rank that gives; 0 by default. */
  src?: number | undefined
}

export interface ProcessGroup {
  readonly rank: number
  readonly worldSize: number
  readonly generation: number
  /** The two numbers that algorithms are chosen by, equal on all ranks. */
  readonly costModel: CostModel
  /** Why the group can't be used any more; null while it can. */
  readonly failure: RondoError | null
  /** Called once when the group fails, also between operations. Not called by `close`. */
  onFailure: ((error: RondoError) => void) | null
  readonly flightRecorder: FlightRecorder
  /** Frame bytes, headers included, over all links. */
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Bytes of operands alone: what the cost formulas count. */
  readonly payloadBytesSent: number

  /** The reduction of all ranks' `x`, which must stay unchanged until then. Integers wrap. */
  allReduce<T extends NumericArray>(x: T, options?: AllReduceOptions<T>): Promise<T>
  /** Chunk `rank` of the reduction: elements ⌊rank·L/R⌋ to ⌊(rank+1)·L/R⌋. */
  reduceScatter<T extends NumericArray>(x: T, options?: ReduceOptions<T>): Promise<T>
  /** All ranks' `x`, of equal length, one after the other. */
  allGather<T extends NumericArray>(x: T, options?: OperationOptions & { into?: T }): Promise<T>
  /** All ranks' `x` of any length each; entry r is rank r's. */
  allGatherV<T extends NumericArray>(x: T, options?: OperationOptions): Promise<T[]>
  /** Overwrites `x` with rank `src`'s and returns it. */
  broadcast<T extends NumericArray>(x: T, options?: SourceOptions): Promise<T>
  /** All ranks' `x`, of equal length, one after the other, on rank `dst` (0 by default); null elsewhere. */
  gather<T extends NumericArray>(x: T, options?: OperationOptions & { dst?: number }): Promise<T | null>
  /** Fills `into` with this rank's part of rank `src`'s `values`, which has `worldSize` times its length. */
  scatter<T extends NumericArray>(into: T, options?: SourceOptions & { values?: T }): Promise<T>
  /** Part r of `x` goes to rank r; the result's part r came from rank r. The length is a multiple of `worldSize`. */
  allToAll<T extends NumericArray>(x: T, options?: OperationOptions): Promise<T>
  /** Sends to one rank, which must `recv` the same dtype and count. Resolves when the link took everything. */
  send(x: NumericArray, options: OperationOptions & { to: number }): Promise<void>
  /** Fills `into` with the next array that `from` sends, and returns it. */
  recv<T extends NumericArray>(into: T, options: OperationOptions & { from: number }): Promise<T>
  /** Resolves when every rank has called it. */
  barrier(name?: string, options?: Omit<OperationOptions, 'name'>): Promise<void>
  /** Rank `src`'s value on every rank; elsewhere the argument is not looked at. What may cross: object-codec.ts. */
  broadcastObject<T>(value: T, options?: SourceOptions): Promise<T>
  /** Every rank's value, by rank. */
  allGatherObject<T>(value: T, options?: OperationOptions): Promise<T[]>

  /** What each link of this rank is and has carried so far. */
  linkReports(): LinkReport[]
  /** Fails the group on every rank with `error`; one that is no RondoError becomes RANK_FAILED of this rank. */
  abort(error: Error): void
  /** Ends the group; pending operations fail. Closes its links unless they serve a successor. */
  close(options?: { keepLinks?: boolean }): Promise<void>
}
