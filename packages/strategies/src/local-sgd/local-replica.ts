/**
 * One rank's copy of a model when gradients stay at home: every step uses this rank's own Σ(g·n)/Σn, and what brings
 * the ranks together again follows the step. Not for: that second part (averages, outer steps).
 */
import { computeGradients, GradientBuckets, type Optimizer, type Parameter } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { LocalGradients } from '../ddp/local-gradients.ts'
import { StepClock } from '../ddp/step-clock.ts'
import { GradientSums } from '../gradient-sums.ts'
import type { AveragedGradients, Replica, ReplicaState, StepReport } from '../strategy.ts'

/** How ranks come together. Every rank calls each method after the same number of steps. */
export interface Meeting {
  readonly wire: string
  /** Follows each optimizer step, which used `samples` of this rank. */
  afterStep(samples: number, clock: StepClock): Promise<void>
  /** Makes all weights equal now; nothing happens when nothing was trained since. Collective. */
  syncWeights(): Promise<void>
  state?(): ReplicaState
  restore?(saved: ReplicaState | null): Promise<void>
}

export interface LocalReplicaOptions {
  parameters: readonly Parameter[]
  findUnusedParameters: boolean
  meeting: Meeting
  rank: number
}

export class LocalReplica implements Replica {
  private readonly options: LocalReplicaOptions
  private readonly local = new LocalGradients()
  /** This rank's gradients in host memory, once somebody asked for them there. */
  private readonly sums: GradientSums
  private readonly clock = new StepClock()
  private samples = 0
  lastStep: StepReport | null = null

  constructor(options: LocalReplicaOptions) {
    this.options = options
    const { parameters } = options
    const buckets = new GradientBuckets(parameters)
    this.sums = new GradientSums({ parameters, buckets, uniformOver: null, scaler: null })
  }

  get wire(): string {
    return this.options.meeting.wire
  }

  async backward(lossFn: () => unknown, samples: number): Promise<number> {
    this.clock.startStep()
    const done = this.clock.enter('compute', 'forward and backward')
    const { loss, gradients, unused } = computeGradients(lossFn, this.options.parameters, {
      findUnused: this.options.findUnusedParameters,
    })
    this.local.add(gradients, samples, unused)
    this.samples += samples
    const value = await loss
    done()
    return value
  }

  async averagedGradients(): Promise<AveragedGradients | null> {
    await this.sums.takeLocal(this.local)
    return this.sums.isEmpty ? null : this.sums
  }

  async step(optimizer: Optimizer): Promise<void> {
    const done = this.clock.enter('apply', 'optimizer step')
    try {
      // What was clipped lies in host memory; what comes after it joins it there.
      if (!this.sums.isEmpty) await this.sums.takeLocal(this.local)
      this.apply(optimizer)
    } finally {
      done()
    }
    const { samples } = this
    this.samples = 0
    await this.options.meeting.afterStep(samples, this.clock)
    this.lastStep = { ...this.clock.finishStep(), samples }
  }

  zeroGrad(): void {
    this.local.clear()
    this.sums.clear()
  }

  dispose(): void {
    this.zeroGrad()
  }

  syncWeights(): Promise<void> {
    return this.options.meeting.syncWeights()
  }

  state(): ReplicaState {
    return this.options.meeting.state?.() ?? { strategy: '', tensors: [] }
  }

  async restore(saved: ReplicaState | null): Promise<void> {
    await this.options.meeting.restore?.(saved)
  }

  private apply(optimizer: Optimizer): void {
    const averaged = this.sums.isEmpty ? this.local.average(false) : []
    if (averaged === null) {
      throw new RondoError(
        'BAD_ARGUMENT',
        'optimizer.step(): there is no gradient to apply. Call fabric.backward(() => loss) before it.',
        { rank: this.options.rank },
      )
    }
    // A rank that ran out of data takes part in the meetings and learns nothing.
    if (this.samples > 0) {
      if (this.sums.isEmpty) optimizer.apply(this.options.parameters, averaged)
      else this.sums.apply(optimizer)
    }
    for (const gradient of averaged) gradient?.dispose()
  }
}
