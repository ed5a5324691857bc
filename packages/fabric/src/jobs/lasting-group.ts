/**
 * A process group that outlives its failures: after a failed job the ranks form a new group on the same links, a
 * generation later, and everyone who holds this object goes on with it. Not for: links that are gone.
 */
import {
  type AllReduceOptions,
  createProcessGroup,
  type FlightRecorder,
  type NumericArray,
  type OperationOptions,
  type ProcessGroup,
  type ProcessGroupOptions,
  type ReduceOptions,
  type SourceOptions,
} from '@rondo/collectives'
import type { LinkReport, RondoError } from '@rondo/protocol'

/** Joins the first group; same errors as `createProcessGroup`. */
export async function createLastingGroup(options: ProcessGroupOptions): Promise<LastingGroup> {
  return new LastingGroup(options, await createProcessGroup(options))
}

export class LastingGroup implements ProcessGroup {
  readonly rank: number
  readonly worldSize: number
  private readonly options: ProcessGroupOptions
  private group: ProcessGroup
  /** What earlier groups sent and received. */
  private past = { sent: 0, received: 0, payload: 0, links: new Map<number, number>() }

  constructor(options: ProcessGroupOptions, first: ProcessGroup) {
    this.rank = options.rank
    this.worldSize = options.worldSize
    this.options = options
    this.group = first
  }

  /**
   * Collective: leaves the present group, failed or not, and joins the next one. Every rank has to call it the same
   * number of times. Rejects with TIMEOUT or RANK_LOST when one does not come; the run cannot go on then.
   */
  async regroup(): Promise<void> {
    const { group, past } = this
    past.sent += group.bytesSent
    past.received += group.bytesReceived
    past.payload += group.payloadBytesSent
    for (const { to, bytesSent } of group.linkReports()) past.links.set(to, (past.links.get(to) ?? 0) + bytesSent)
    const { onFailure, costModel } = group
    await group.close({ keepLinks: true })
    this.group = await createProcessGroup({ ...this.options, generation: group.generation + 1, costModel })
    this.group.onFailure = onFailure
  }

  get generation(): number {
    return this.group.generation
  }
  get costModel(): ProcessGroup['costModel'] {
    return this.group.costModel
  }
  get failure(): RondoError | null {
    return this.group.failure
  }
  get onFailure(): ProcessGroup['onFailure'] {
    return this.group.onFailure
  }
  set onFailure(handler: ProcessGroup['onFailure']) {
    this.group.onFailure = handler
  }
  get flightRecorder(): FlightRecorder {
    return this.group.flightRecorder
  }
  get bytesSent(): number {
    return this.past.sent + this.group.bytesSent
  }
  get bytesReceived(): number {
    return this.past.received + this.group.bytesReceived
  }
  get payloadBytesSent(): number {
    return this.past.payload + this.group.payloadBytesSent
  }

  allReduce<T extends NumericArray>(x: T, options?: AllReduceOptions<T>): Promise<T> {
    return this.group.allReduce(x, options)
  }
  reduceScatter<T extends NumericArray>(x: T, options?: ReduceOptions<T>): Promise<T> {
    return this.group.reduceScatter(x, options)
  }
  allGather<T extends NumericArray>(x: T, options?: OperationOptions & { into?: T }): Promise<T> {
    return this.group.allGather(x, options)
  }
  allGatherV<T extends NumericArray>(x: T, options?: OperationOptions): Promise<T[]> {
    return this.group.allGatherV(x, options)
  }
  broadcast<T extends NumericArray>(x: T, options?: SourceOptions): Promise<T> {
    return this.group.broadcast(x, options)
  }
  gather<T extends NumericArray>(x: T, options?: OperationOptions & { dst?: number }): Promise<T | null> {
    return this.group.gather(x, options)
  }
  scatter<T extends NumericArray>(into: T, options?: SourceOptions & { values?: T }): Promise<T> {
    return this.group.scatter(into, options)
  }
  allToAll<T extends NumericArray>(x: T, options?: OperationOptions): Promise<T> {
    return this.group.allToAll(x, options)
  }
  send(x: NumericArray, options: OperationOptions & { to: number }): Promise<void> {
    return this.group.send(x, options)
  }
  recv<T extends NumericArray>(into: T, options: OperationOptions & { from: number }): Promise<T> {
    return this.group.recv(into, options)
  }
  barrier(name?: string, options?: Omit<OperationOptions, 'name'>): Promise<void> {
    return this.group.barrier(name, options)
  }
  broadcastObject<T>(value: T, options?: SourceOptions): Promise<T> {
    return this.group.broadcastObject(value, options)
  }
  allGatherObject<T>(value: T, options?: OperationOptions): Promise<T[]> {
    return this.group.allGatherObject(value, options)
  }

  linkReports(): LinkReport[] {
    const { links } = this.past
    return this.group
      .linkReports()
      .map((report) => ({ ...report, bytesSent: report.bytesSent + (links.get(report.to) ?? 0) }))
  }
  abort(error: Error): void {
    this.group.abort(error)
  }
  close(options?: { keepLinks?: boolean }): Promise<void> {
    return this.group.close(options)
  }
}
