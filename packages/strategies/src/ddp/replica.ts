/**
 * One rank's copy of a model under DDP: gradients of each backward are kept as Σ g·n, summed over the ranks
 * bucket by bucket, and divided by Σn for the optimizer. While one bucket is in the ring the next is read
 * back. Not for: choosing options or the initial broadcast (ddp.ts).
 */
import type { ProcessGroup } from '@rondo/collectives'
import { computeGradients, type GradientBuckets, type Optimizer, type Parameter } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { Replica, StepReport, StrategyContext } from '../strategy.ts'
import type { DdpOptions } from './ddp.ts'
import { BucketReducer } from './hooks/bucket-reducer.ts'
import type { CommHook } from './hooks/comm-hook.ts'
import { LocalGradients } from './local-gradients.ts'
import { StepClock } from './step-clock.ts'

export interface DdpReplicaOptions {
  context: StrategyContext
  parameters: readonly Parameter[]
  buckets: GradientBuckets
  options: Required<DdpOptions>
  /** How buckets are averaged; null for plain float32 sums. */
  hook: CommHook | null
}

export class DdpReplica implements Replica {
  private readonly group: ProcessGroup
  private readonly signal: AbortSignal
  private readonly parameters: readonly Parameter[]
  private readonly buckets: GradientBuckets
  private readonly options: Required<DdpOptions>
  private readonly reducer: BucketReducer
  private readonly local: LocalGradients
  private readonly clock = new StepClock()
  /** Σ over ranks and synchronisations of Σ g·n, one array a bucket; null before the first. */
  private totals: Float32Array[] | null = null
  /** Σn behind `totals`. */
  private totalWeight = 0
  /** Per trainable parameter: 1 when any rank had a gradient since zeroGrad. */
  private used: Uint8Array
  private samples = 0
  lastStep: StepReport | null = null

  constructor({ context, parameters, buckets, options, hook }: DdpReplicaOptions) {
    this.group = context.group
    this.signal = context.signal
    this.parameters = parameters
    this.buckets = buckets
    this.options = options
    this.reducer = new BucketReducer(context, parameters, buckets, hook)
    this.local = new LocalGradients()
    this.used = new Uint8Array(parameters.length)
  }

  async backward(lossFn: () => unknown, samples: number, synchronise: boolean): Promise<number> {
    this.clock.startStep()
    const done = this.clock.enter('compute')
    const { loss, gradients, unused } = computeGradients(lossFn, this.parameters, {
      findUnused: this.options.findUnusedParameters,
    })
    const weight = this.options.gradientAverage === 'uniform' ? 1 : samples
    this.local.add(gradients, weight, unused)
    this.samples += samples
    const value = await loss
    done()
    if (synchronise) await this.synchronise()
    return value
  }

  async step(optimizer: Optimizer): Promise<void> {
    if (!this.totals && this.group.worldSize > 1) this.refuseStep()
    const done = this.clock.enter('apply')
    if (this.group.worldSize === 1) this.stepAlone(optimizer)
    else this.stepAveraged(optimizer, this.totals as Float32Array[])
    done()
    this.lastStep = { ...this.clock.finishStep(), samples: this.samples }
    this.samples = 0
  }

  zeroGrad(): void {
    this.local.clear()
    this.totals = null
    this.totalWeight = 0
    this.used.fill(0)
  }

  dispose(): void {
    this.zeroGrad()
  }

  /** Sums what was added since the last synchronisation over all ranks. World 1 touches no network. */
  private async synchronise(): Promise<void> {
    if (this.group.worldSize === 1) return
    const { gradients, scale, weight, used } = this.local.take()
    const weightSum = this.group.allReduce(Float64Array.of(weight), { op: 'sum', name: 'samples', signal: this.signal })
    const usedAnywhere = this.options.findUnusedParameters
      ? this.group.allReduce(used, { op: 'max', name: 'used parameters', signal: this.signal })
      : null
    // A rejected op rejects all that follow; each is awaited below, so none may count as unhandled meanwhile.
    weightSum.catch(() => {})
    usedAnywhere?.catch(() => {})

    const flat = this.buckets.flatten(gradients, scale)
    const inRing: Array<Promise<Float32Array>> = []
    for (const [k, bucket] of flat.entries()) {
      const read = this.clock.enter('readback')
      const bytes = await this.buckets.readback(bucket)
      read()
      const communicated = this.clock.enter('communication')
      const reduced = this.reducer.reduceBucket(k, bytes, { own: weight, sum: weightSum })
      reduced.then(communicated, communicated)
      inRing.push(reduced)
    }
    const waited = this.clock.enterWait()
    this.totalWeight += (await weightSum)[0] as number
    if (usedAnywhere) merge(this.used, await usedAnywhere)
    else this.used.fill(1)
    const reduced = await Promise.all(inRing)
    waited()
    this.totals = this.totals ? this.totals.map((total, k) => sum(total, reduced[k] as Float32Array)) : reduced
  }

  private stepAveraged(optimizer: Optimizer, totals: Float32Array[]): void {
    const divisor = this.options.gradientAverage === 'uniform' ? this.group.worldSize : this.totalWeight
    const scale = 1 / divisor
    const averaged = totals.map((total) => total.map((value) => value * scale))
    const gradients = this.buckets.unflatten(averaged)
    optimizer.apply(
      this.parameters,
      gradients.map((gradient, i) => (this.used[i] ? gradient : null)),
    )
    for (const gradient of gradients) gradient.dispose()
  }

  private stepAlone(optimizer: Optimizer): void {
    const averaged = this.local.average(this.options.gradientAverage === 'uniform')
    if (!averaged) this.refuseStep()
    optimizer.apply(this.parameters, averaged)
    for (const gradient of averaged) gradient?.dispose()
  }

  private refuseStep(): never {
    throw new RondoError(
      'BAD_ARGUMENT',
      'optimizer.step(): there is no gradient to apply. Call fabric.backward(() => loss) before it, and let the last micro-batch run outside noBackwardSync.',
      { rank: this.group.rank },
    )
  }
}

function sum(total: Float32Array, more: Float32Array): Float32Array {
  for (let i = 0; i < total.length; i++) total[i] = (total[i] as number) + (more[i] as number)
  return total
}

function merge(used: Uint8Array, more: Uint8Array): void {
  for (let i = 0; i < used.length; i++) used[i] = (used[i] as number) | (more[i] as number)
}
