/**
 * An optimizer as `this.optimizers()` gives it to a module that steps by itself: backward adds up its gradients here,
 * and `step` brings them to the other ranks. Semantics: Lightning's `LightningOptimizer`. Not for: whose turn it is
 * (loops/manual.ts).
 */
import { LinearLoss, type Optimizer, type Parameter, tf } from '@rondo/engine'
import type { ClipOptions, FabricModel, FabricOptimizer } from '@rondo/fabric'
import { RondoError } from '@rondo/protocol'

/** How a step is made; the loops give it. */
export type ManualStep = (optimizer: ManualOptimizer) => Promise<void>

/** What `this.optimizers()` gives in a module that optimizes by hand. */
export class ManualOptimizer {
  /** How the next step clips; forgotten after it. */
  clipping: ClipOptions | null = null
  readonly optimizer: Optimizer
  /** Those that it moves, in order. */
  readonly parameters: readonly Parameter[]
  readonly model: FabricModel
  readonly inner: FabricOptimizer
  private readonly makeStep: ManualStep
  /** Σ g·n by parameter; null where none came. */
  private sums: Array<tf.Tensor | null> = []
  private weight = 0
  private calls = 0

  constructor(model: FabricModel, inner: FabricOptimizer, makeStep: ManualStep) {
    this.model = model
    this.inner = inner
    this.optimizer = inner.optimizer
    this.parameters = model.parameters().filter(({ trainable }) => trainable)
    this.makeStep = makeStep
  }

  /** Step size of the next step. */
  get learningRate(): number {
    return this.optimizer.learningRate
  }

  set learningRate(value: number) {
    this.optimizer.learningRate = value
  }

  /**
   * Averages what backward added over the ranks, weighted by samples, and moves the parameters. Collective. Gradients
   * stay until `zeroGrad`, as in PyTorch.
   * @throws BAD_ARGUMENT when there is none
   */
  async step(): Promise<void> {
    if (this.calls === 0) {
      throw new RondoError(
        'BAD_ARGUMENT',
        'optimizer.step(): there is no gradient to apply. Call await this.manualBackward(() => loss) before it, and after zeroGrad().',
      )
    }
    await this.makeStep(this)
  }

  /** Forgets the gradients of this optimizer's parameters. */
  zeroGrad(): void {
    tf.dispose(this.sums.filter((sum) => sum !== null))
    this.sums = []
    this.weight = 0
    this.calls = 0
  }

  /** Adds d loss / d variable, weighted by n; the tensors stay the caller's. */
  add(gradients: ReadonlyMap<tf.Variable, tf.Tensor>, n: number): void {
    this.sums = this.parameters.map(({ variable }, i) => {
      const before = this.sums[i] ?? null
      const gradient = gradients.get(variable)
      if (gradient === undefined) return before
      const sum = tf.tidy(() => {
        const weighted = tf.mul(gradient, n)
        return before ? tf.add(before, weighted) : weighted
      })
      before?.dispose()
      return sum
    })
    this.weight += n
    this.calls += 1
  }

  /** Samples behind the gradients, by backward call. */
  get samples(): number {
    return this.weight / Math.max(1, this.calls)
  }

  /**
   * The sum over the backward calls of their mean gradients, as a loss that has it. So whatever a strategy does with a
   * loss, it does with these gradients.
   */
  asLoss(loss: number): LinearLoss {
    const scale = this.calls / this.weight
    return new LinearLoss(
      loss,
      this.parameters.flatMap(({ variable }, i) => {
        const sum = this.sums[i]
        return sum ? [{ variable, gradient: tf.mul(sum, scale) }] : []
      }),
    )
  }
}
