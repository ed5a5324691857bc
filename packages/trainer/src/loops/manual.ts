/**
 * Manual optimization: `trainingStep` calls backward and steps its optimizers itself, in any order and number. Each
 * optimizer's gradients add up on the rank and travel when it steps. Semantics: Lightning's
 * `automatic_optimization = False`. Not for: the loop around it (train-epoch.ts).
 */
import { type LrScheduler, type Parameter, type ReduceLROnPlateau, tf } from '@rondo/engine'
import type { ClipOptions, FabricModel, FabricOptimizer } from '@rondo/fabric'
import { RondoError } from '@rondo/protocol'
import type { LrSchedule } from '../module/lr-schedule.ts'
import { ManualOptimizer } from '../module/manual-optimizer.ts'
import type { Run } from '../run.ts'
import type { Backward } from './backward.ts'

export class ManualOptimization {
  readonly optimizers: readonly ManualOptimizer[]
  readonly schedulers: ReadonlyArray<LrScheduler | ReduceLROnPlateau>
  private readonly run: Run
  private readonly differentiation: Backward
  /** Those that backward feeds alone; null for all. */
  private toggled: ManualOptimizer | null = null

  constructor(
    run: Run,
    differentiation: Backward,
    pairs: ReadonlyArray<readonly [FabricModel, FabricOptimizer]>,
    schedules: ReadonlyArray<LrSchedule | null>,
  ) {
    this.run = run
    this.differentiation = differentiation
    this.optimizers = pairs.map(
      ([model, optimizer]) => new ManualOptimizer(model, optimizer, (which) => this.step(which)),
    )
    this.schedulers = schedules.flatMap((schedule) => (schedule ? [schedule.scheduler] : []))
  }

  /**
   * Differentiates `lossFn` and adds its gradients to the optimizers'. Returns the loss.
   * @throws BAD_ARGUMENT when the loss depends on none of their parameters
   */
  async backward(lossFn: () => unknown, samples: number): Promise<number> {
    const { run } = this
    const fed = this.toggled ? [this.toggled] : this.optimizers
    const parameters = [...new Map(fed.flatMap((one) => one.parameters.map((p) => [p.variable, p] as const))).values()]
    const { loss, gradients } = await this.differentiation.apart(() => this.lossOf(lossFn), parameters, samples)
    try {
      if (gradients.length === 0) throw dependsOnNothing(parameters)
      const used = new Map(gradients.map(({ variable, gradient }) => [variable, gradient]))
      for (const one of fed) one.add(used, samples)
    } finally {
      tf.dispose(gradients.map(({ gradient }) => gradient))
    }
    await this.differentiation.agree()
    run.trainer.lastLoss = loss
    await run.trainResults.settle(run.trainer.lastLoss)
    await run.hook('onAfterBackward')
    return run.trainer.lastLoss
  }

  toggle(optimizer: unknown): void {
    const found = this.optimizers.find((one) => one === optimizer || one.optimizer === optimizer)
    if (found) {
      this.toggled = found
      return
    }
    throw new RondoError(
      'BAD_ARGUMENT',
      'toggleOptimizer(optimizer): it is none of this module. Allowed are those that this.optimizers() gives. Pass one of them.',
    )
  }

  /** The next step of `optimizer` clips its averaged gradients; the options are Fabric's. */
  clip(optimizer: ManualOptimizer, options: ClipOptions): void {
    optimizer.clipping = options
  }

  untoggle(): void {
    this.toggled = null
  }

  /** Frees all gradients. */
  dispose(): void {
    for (const optimizer of this.optimizers) optimizer.zeroGrad()
  }

  private async step(which: ManualOptimizer): Promise<void> {
    const { run } = this
    const { fabric, trainer } = run
    which.inner.zeroGrad()
    const known = which.asLoss(trainer.lastLoss)
    try {
      await fabric.backward(() => known.value(), { model: which.model, samples: which.samples })
    } finally {
      known.dispose()
    }
    await run.hook('onBeforeOptimizerStep', which.inner.optimizer)
    const { clipping } = which
    which.clipping = null
    if (clipping) await fabric.clipGradients(which.model, which.inner, { errorIfNonfinite: false, ...clipping })
    await which.inner.step()
    trainer.globalStep += 1
  }

  private lossOf(lossFn: () => unknown): unknown {
    const loss = lossFn()
    if (loss instanceof tf.Tensor) {
      this.run.trainResults.markLoss(loss)
      this.run.beforeBackward(loss)
    }
    return loss
  }
}

function dependsOnNothing(parameters: readonly Parameter[]): RondoError {
  return new RondoError(
    'UNUSED_PARAMETER',
    `manualBackward(fn): the loss depends on none of ${parameters
      .slice(0, 4)
      .map(({ name }) => name)
      .join(
        ', ',
      )}${parameters.length > 4 ? ' …' : ''}. It must use a parameter of the optimizer that is toggled, or of any. Compute it inside of the function, from the parameters.`,
  )
}
