/**
 * One synchronisation: buckets come off the device one after another and are summed over the ranks, each on its way
 * while later ones are still read or computed. All ranks submit the same operations in the same order, however far
 * each is. Not for: how one bucket is summed (hooks/).
 */
import type { ProcessGroup } from '@rondo/collectives'
import type { GradientBuckets, tf } from '@rondo/engine'
import type { DeviceRecovery } from '../strategy.ts'
import type { BucketReducer } from './hooks/bucket-reducer.ts'
import type { StepClock } from './step-clock.ts'

const BYTES_PER_VALUE = 4

export interface ExchangeParts {
  group: ProcessGroup
  signal: AbortSignal
  buckets: GradientBuckets
  reducer: BucketReducer
  clock: StepClock
  /** Whether parameters may be unused, on some ranks or all. */
  findUnused: boolean
  /** Only where a rank's device can be lost: then each synchronisation ends with who lost one. */
  devices: DeviceRecovery | null
}

/** What is known after all buckets went round. */
export interface Exchanged {
  /** Σ over ranks of Σ g·n, one array a bucket. */
  totals: Float32Array[]
  /** Σn. */
  weight: number
  /** Per trainable parameter: 1 when any rank had a gradient. */
  used: Uint8Array
  /** Ranks whose device was lost; then the totals mean nothing. */
  lostRanks: number[]
  /** A rank's gradients were not finite, and the hook does not show it in the totals. */
  overflowed: boolean
}

export class BucketExchange {
  private readonly parts: ExchangeParts
  private readonly weight: number
  private readonly used: Uint8Array
  private readonly weightSum: Promise<Float64Array>
  private readonly usedAnywhere: Promise<Uint8Array> | null
  private readonly reduced: Array<Promise<Float32Array>> = []
  /** The bucket before is read and submitted. */
  private before: Promise<unknown> = Promise.resolve()
  private pending = 0

  /** @param weight n of this rank; @param used per trainable parameter, 1 when this rank has a gradient */
  constructor(parts: ExchangeParts, weight: number, used: Uint8Array) {
    this.parts = parts
    this.weight = weight
    this.used = used
    const { group, signal } = parts
    this.weightSum = group.allReduce(Float64Array.of(weight), { op: 'sum', name: 'samples', signal })
    this.usedAnywhere = parts.findUnused ? group.allReduce(used, { op: 'max', name: 'used parameters', signal }) : null
    // A rejected op rejects all that follow; finish() awaits each, so none may count as unhandled meanwhile.
    this.weightSum.catch(() => {})
    this.usedAnywhere?.catch(() => {})
  }

  /** True while a bucket that was sent is not back yet. */
  get busy(): boolean {
    return this.pending > 0
  }

  /**
   * Takes bucket `k`, Σ g·n on the device, and frees it; buckets come in order from 0. Its read begins at once.
   * Resolves when it is read and on its way.
   */
  send(k: number, bucket: tf.Tensor1D): Promise<void> {
    const { buckets, clock } = this.parts
    const bytes = bucket.size * BYTES_PER_VALUE
    const read = clock.enter('readback', `read bucket ${k}`, bytes)
    const values = buckets.readback(bucket).finally(read)
    return this.submit(k, values, bytes)
  }

  /** Sends zeros for all buckets that were not sent: this rank's device is gone, and the others must not wait. */
  sendRest(): void {
    const { sizes } = this.parts.buckets
    for (let k = this.reduced.length; k < sizes.length; k++) {
      const size = sizes[k] as number
      this.submit(k, Promise.resolve(new Float32Array(size)), size * BYTES_PER_VALUE).catch(() => {})
    }
  }

  private submit(k: number, values: Promise<Float32Array<ArrayBuffer>>, bytes: number): Promise<void> {
    const { clock, reducer } = this.parts
    values.catch(() => {})
    this.pending += 1
    const { before } = this
    const submitted = (async () => {
      await before
      const own = await values.catch((error: unknown) => this.zerosIfLost(k, error))
      const communicated = clock.enter('communication', `all-reduce bucket ${k}`, bytes)
      // Wrapped, so that a promise of a result is not awaited here.
      return { result: reducer.reduceBucket(k, own, { own: this.weight, sum: this.weightSum }).finally(communicated) }
    })()
    this.before = submitted
    const back = submitted
      .then(({ result }) => result)
      .finally(() => {
        this.pending -= 1
      })
    back.catch(() => {})
    this.reduced.push(back)
    return submitted.then(() => undefined)
  }

  /** Resolves when everything that was sent is back. */
  async finish(): Promise<Exchanged> {
    const { devices, group, signal } = this.parts
    let lostRanks: number[] = []
    if (devices !== null) {
      // Only now is it known whether this rank's own device lasted.
      await this.before
      // A hook's own collectives come first on every rank.
      await this.parts.reducer.idle
      const flags = await group.allGather(Uint8Array.of(devices.isLost ? 1 : 0), { name: 'lost devices', signal })
      lostRanks = [...flags].flatMap((flag, rank) => (flag === 1 ? [rank] : []))
    }
    const weight = (await this.weightSum)[0] as number
    const used = this.usedAnywhere ? await this.usedAnywhere : this.used.fill(1)
    const totals = await Promise.all(this.reduced)
    return { totals, weight, used, lostRanks, overflowed: await this.parts.reducer.overflowedAnywhere() }
  }

  /** A bucket that could not be read because the device is gone travels as zeros; nobody will use the sum. */
  private async zerosIfLost(k: number, error: unknown): Promise<Float32Array<ArrayBuffer>> {
    if (!(await this.parts.devices?.failedByLoss())) throw error
    return new Float32Array(this.parts.buckets.sizes[k] as number)
  }
}
