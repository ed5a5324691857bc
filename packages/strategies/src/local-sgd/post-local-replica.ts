/**
 * A DDP replica whose nodes go their own ways after a number of steps: its hook keeps gradients inside the node, and
 * here the weights of all ranks are averaged every few steps (PyTorch's PeriodicModelAverager). Not for: the hook.
 */
import type { Optimizer, Parameter } from '@rondo/engine'
import type { AveragedGradients, Replica, StepReport, StrategyContext } from '../strategy.ts'
import { WeightAverage } from './weight-average.ts'

export interface PostLocalOptions {
  /** Steps that are plain DDP. */
  start: number
  /** Steps between averages after that. */
  period: number
}

export class PostLocalReplica implements Replica {
  private readonly inner: Replica
  private readonly weights: WeightAverage
  private readonly options: PostLocalOptions
  private steps = 0

  constructor(inner: Replica, parameters: readonly Parameter[], context: StrategyContext, options: PostLocalOptions) {
    this.inner = inner
    this.weights = new WeightAverage(parameters, context)
    this.options = options
  }

  get lastStep(): StepReport | null {
    return this.inner.lastStep
  }

  get wire(): string {
    return `${this.inner.wire}, weights as f32 every ${this.options.period} steps`
  }

  backward(lossFn: () => unknown, samples: number, synchronise: boolean): Promise<number> {
    return this.inner.backward(lossFn, samples, synchronise)
  }

  async averagedGradients(): Promise<AveragedGradients | null> {
    return (await this.inner.averagedGradients?.()) ?? null
  }

  async step(optimizer: Optimizer): Promise<void> {
    await this.inner.step(optimizer)
    this.steps += 1
    if (this.steps <= this.options.start) return
    this.weights.count(this.inner.lastStep?.samples ?? 0)
    if ((this.steps - this.options.start) % this.options.period === 0) await this.weights.average()
  }

  zeroGrad(): void {
    this.inner.zeroGrad()
  }

  dispose(): void {
    this.inner.dispose()
  }

  async syncWeights(): Promise<void> {
    if (this.weights.due) await this.weights.average()
  }
}
