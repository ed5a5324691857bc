/**
 * One rank's copy of a model under DDP: gradients of each backward are kept as Σ g·n, summed over the ranks
 * bucket by bucket, and divided by Σn for the optimizer. Buckets travel while earlier layers are computed, or, with
 * `overlap: false`, while the next bucket is read. Not for: choosing options or the initial broadcast (ddp.ts).
 */
import type { ProcessGroup } from '@rondo/collectives'
import {
  computeGradients,
  type GradientBuckets,
  type LossScaler,
  type Optimizer,
  type Parameter,
  tf,
} from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { GradientSums } from '../gradient-sums.ts'
import type { AveragedGradients, DeviceRecovery, Replica, StepReport, StrategyContext } from '../strategy.ts'
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
  /** The same until a hook is registered; null for plain float32 sums. */
  fallback: CommHook | null
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
  /** Σ over ranks and synchronisations; of one rank only once they have to be in host memory. */
  private readonly sums: GradientSums
  private readonly scaler: LossScaler | null
  /** Whether gradients since zeroGrad overflowed on any rank; null when nobody has looked. */
  private overflowed: boolean | null = null
  private samples = 0
  private readonly devices: DeviceRecovery | null
  /** A rank lost its device since zeroGrad: the step is left out on all ranks. */
  private void = false
  lastStep: StepReport | null = null

  constructor({ context, parameters, buckets, options, hook, fallback, devices }: DdpReplicaOptions) {
    this.devices = devices
    this.group = context.group
    this.parameters = parameters
    this.buckets = buckets
    this.options = options
    this.local = new LocalGradients()
    this.clock = new StepClock(context.spans ?? null)
    this.reducer = new BucketReducer(context, parameters, buckets, hook, fallback)
    this.exchangeParts = {
      group: context.group,
      signal: context.signal,
      buckets,
      reducer: this.reducer,
      clock: this.clock,
      findUnused: options.findUnusedParameters,
      devices,
    }
    this.scaler = context.precision?.scaler ?? null
    const uniformOver = options.gradientAverage === 'uniform' ? context.group.worldSize : null
    this.sums = new GradientSums({ parameters, buckets, uniformOver, scaler: this.scaler })
  }

  get watchesDevices(): boolean {
    return this.devices !== null
  }

  get skipsNextStep(): boolean {
    return this.void
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
    const scale = this.scaler?.scale ?? 1
    const scaled = scale === 1 ? lossFn : (): unknown => times(lossFn(), scale)
    if (exchanges && this.options.overlap) {
      const { loss, exchange } = await this.backwardOverlapped(scaled, weight)
      await this.collect(exchange)
      return loss / scale
    }
    const loss = await this.backwardAtOnce(scaled, weight)
    if (exchanges) await this.synchronise()
    return loss / scale
  }

  async averagedGradients(): Promise<AveragedGradients | null> {
    if (this.void) return null
    if (this.group.worldSize === 1) await this.sums.takeLocal(this.local)
    if (this.sums.isEmpty) return null
    // Before anybody clips: that would hide an infinity.
    if (this.scaler) this.overflowed ??= !this.sums.isFinite()
    return this.sums
  }

  async step(optimizer: Optimizer): Promise<void> {
    const done = this.clock.enter('apply', 'apply')
    let skipped = false
    try {
      if (this.void) this.samples = 0
      else if (this.group.worldSize === 1 && !this.scaler && this.sums.isEmpty) this.stepAlone(optimizer)
      else {
        if ((await this.averagedGradients()) === null) this.refuseStep()
        skipped = this.overflowed === true
        if (!skipped) this.sums.apply(optimizer)
        this.scaler?.update(skipped)
      }
    } finally {
      done()
    }
    this.lastStep = { ...this.clock.finishStep(), samples: this.samples, ...(skipped ? { skipped } : {}) }
    this.samples = 0
  }

  zeroGrad(): void {
    this.local.clear()
    this.sums.clear()
    this.overflowed = null
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
    const { totals, weight, used, lostRanks, overflowed } = await exchange.finish()
    if (lostRanks.length > 0) {
      this.zeroGrad()
      this.void = true
      await this.devices?.recover(lostRanks)
      return
    }
    if (this.void) return
    this.sums.add(totals, weight, used)
    // One infinity stays one whatever is added to it; without any, the new sums are yet to be looked at.
    this.overflowed = overflowed || this.overflowed === true || null
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

/** What is no tensor is refused where losses are looked at. */
function times(loss: unknown, scale: number): unknown {
  return loss instanceof tf.Tensor ? tf.mul(loss, scale) : loss
}
