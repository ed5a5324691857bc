/**
 * One rank's copy of a model under DDP: gradients of each backward are kept as Σ g·n, summed over the ranks
 * bucket by bucket, and divided by Σn for the optimizer. Buckets travel while earlier layers are computed, or, with
 * `overlap: false`, while the next bucket is read. Not for: choosing options or the initial broadcast (ddp.ts).
 */
import type { ProcessGroup } from '@rondo/collectives'
import { computeGradients, type GradientBuckets, type Optimizer, type Parameter, tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { DeviceRecovery, Replica, StepReport, StrategyContext } from '../strategy.ts'
import { BucketExchange, type ExchangeParts } from './bucket-exchange.ts'
import type { DdpSettings } from './ddp.ts'
import { BucketReducer } from './hooks/bucket-reducer.ts'
import type { CommHook } from './hooks/comm-hook.ts'
import { type CommHookOptions, makeCommHook } from './hooks/resolve.ts'
import { LocalGradients } from './local-gradients.ts'
import { overlappedBackward } from './overlapped-backward.ts'
import { StepClock } from './step-clock.ts'

export interface DdpReplicaOptions {
  context: StrategyContext
  parameters: readonly Parameter[]
  buckets: GradientBuckets
  options: DdpSettings
  /** How buckets are averaged; null for plain float32 sums. */
  hook: CommHook | null
  /** Where a rank's device can be lost, who sees to it. */
  devices: DeviceRecovery | null
}

export class DdpReplica implements Replica {
  private readonly group: ProcessGroup
  private readonly parameters: readonly Parameter[]
  private readonly buckets: GradientBuckets
  private readonly options: DdpSettings
  private readonly reducer: BucketReducer
  private readonly local: LocalGradients
  private readonly clock: StepClock
  private readonly exchangeParts: ExchangeParts
  /** Σ over ranks and synchronisations of Σ g·n, one array a bucket; null before the first. */
  private totals: Float32Array[] | null = null
  /** Σn behind `totals`. */
  private totalWeight = 0
  /** Per trainable parameter: 1 when any rank had a gradient since zeroGrad. */
  private used: Uint8Array
  private samples = 0
  private readonly devices: DeviceRecovery | null
  /** A rank lost its device since zeroGrad: the step is left out on all ranks. */
  private void = false
  lastStep: StepReport | null = null

  constructor({ context, parameters, buckets, options, hook, devices }: DdpReplicaOptions) {
    this.devices = devices
    this.group = context.group
    this.parameters = parameters
    this.buckets = buckets
    this.options = options
    this.local = new LocalGradients()
    this.clock = new StepClock(context.spans ?? null)
    this.reducer = new BucketReducer(context, parameters, buckets, hook)
    this.exchangeParts = {
      group: context.group,
      signal: context.signal,
      buckets,
      reducer: this.reducer,
      clock: this.clock,
      findUnused: options.findUnusedParameters,
      devices,
    }
    this.used = new Uint8Array(parameters.length)
  }

  get watchesDevices(): boolean {
    return this.devices !== null
  }

  get wire(): string {
    return this.reducer.wire
  }

  registerCommHook(options: CommHookOptions): void {
    this.reducer.register(makeCommHook(options))
  }

  async backward(lossFn: () => unknown, samples: number, synchronise: boolean): Promise<number> {
    this.clock.startStep()
    const weight = this.options.gradientAverage === 'uniform' ? 1 : samples
    const exchanges = synchronise && this.group.worldSize > 1
    this.samples += samples
    if (exchanges && this.options.overlap) {
      const { loss, exchange } = await this.backwardOverlapped(lossFn, weight)
      await this.collect(exchange)
      return loss
    }
    const loss = await this.backwardAtOnce(lossFn, weight)
    if (exchanges) await this.synchronise()
    return loss
  }

  async step(optimizer: Optimizer): Promise<void> {
    if (!this.totals && this.group.worldSize > 1 && !this.void) this.refuseStep()
    const done = this.clock.enter('apply', 'apply')
    if (this.void) this.samples = 0
    else if (this.group.worldSize === 1) this.stepAlone(optimizer)
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
    this.void = false
  }

  dispose(): void {
    this.zeroGrad()
  }

  private async backwardOverlapped(
    lossFn: () => unknown,
    weight: number,
  ): Promise<{ loss: number; exchange: BucketExchange }> {
    const { parameters, local, buckets, clock } = this
    let begun: BucketExchange | null = null
    const begin = (total: number, used: Uint8Array): BucketExchange => {
      begun = new BucketExchange(this.exchangeParts, total, used)
      return begun
    }
    const findUnused = this.options.findUnusedParameters
    try {
      if (this.devices?.isLost) return this.withoutDevice(begin(0, new Uint8Array(parameters.length)))
      return await overlappedBackward({ lossFn, parameters, findUnused, weight, local, buckets, clock, begin })
    } catch (error) {
      if (!(await this.devices?.failedByLoss())) throw error
      return this.withoutDevice(begun ?? begin(0, new Uint8Array(parameters.length)))
    }
  }

  /** What a rank without a device still does for the others: it takes part, with nothing. */
  private withoutDevice(exchange: BucketExchange): { loss: number; exchange: BucketExchange } {
    exchange.sendRest()
    return { loss: Number.NaN, exchange }
  }

  /** The plain way: all gradients, then the loss; nothing travels meanwhile. NaN when the device is gone. */
  private async backwardAtOnce(lossFn: () => unknown, weight: number): Promise<number> {
    if (this.devices?.isLost) return Number.NaN
    const done = this.clock.enter('compute', 'forward and backward')
    try {
      const { loss, gradients, unused } = computeGradients(lossFn, this.parameters, {
        findUnused: this.options.findUnusedParameters,
      })
      this.local.add(gradients, weight, unused)
      return await loss
    } catch (error) {
      if (await this.devices?.failedByLoss()) return Number.NaN
      throw error
    } finally {
      done()
    }
  }

  /** Sums what was added since the last synchronisation over all ranks. */
  private async synchronise(): Promise<void> {
    const { gradients, scale, weight, used } = this.local.take()
    const exchange = new BucketExchange(this.exchangeParts, weight, used)
    if (this.devices?.isLost) {
      tf.dispose(gradients)
      exchange.sendRest()
    } else {
      for (const [k, bucket] of this.buckets.flatten(gradients, scale).entries()) await exchange.send(k, bucket)
    }
    await this.collect(exchange)
  }

  private async collect(exchange: BucketExchange): Promise<void> {
    const { totals, weight, used, lostRanks } = await exchange.finish()
    if (lostRanks.length > 0) {
      this.zeroGrad()
      this.void = true
      await this.devices?.recover(lostRanks)
      return
    }
    if (this.void) return
    this.totalWeight += weight
    merge(this.used, used)
    this.totals = this.totals ? this.totals.map((total, k) => sum(total, totals[k] as Float32Array)) : totals
  }

  private stepAveraged(optimizer: Optimizer, totals: Float32Array[]): void {
    const divisor = this.options.gradientAverage === 'uniform' ? this.group.worldSize : this.totalWeight
    optimizer.applyBuckets(this.parameters, this.buckets, totals, { scale: 1 / divisor, used: this.used })
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
