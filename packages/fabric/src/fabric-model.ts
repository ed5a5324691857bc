/**
 * A model and an optimizer after `fabric.setup`: thin wrappers that send every forward and every step
 * through the strategy. Not for: averaging (strategies) or optimizer arithmetic (engine).
 */
import type { HalfType, Model, Optimizer, Parameter, tf } from '@rondo/engine'
import { forwardUnder, parametersOf, weightsHash } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { OwnCommHook, Replica } from '@rondo/strategies'

/** What `setup` accepts as a model: a tfjs LayersModel, or an object with `forward` and `parameters()`. */
export type UserModel = Model

/** A model whose gradients are averaged over the ranks. */
export class FabricModel<M extends UserModel = UserModel> {
  /** The model as the script built it: for `predict`, `summary` and everything that trains nothing. */
  readonly module: M
  readonly replica: Replica
  /** What products and layer borders are rounded to; null for float32. */
  readonly halfType: HalfType | null
  /** Methods beside `forward` that may compute with the weights. */
  readonly forwardMethods = new Set<string>()

  constructor(module: M, replica: Replica, halfType: HalfType | null = null) {
    this.module = module
    this.replica = replica
    this.halfType = halfType
  }

  /**
   * Runs the model forward, in the precision of the Fabric that set it up, with layers in training mode unless
   * `training` is false.
   */
  forward(input: tf.Tensor | tf.Tensor[], options: { training?: boolean } = {}): tf.Tensor {
    const model = this.module
    return forwardUnder(this.halfType, input, (cast) => {
      if ('forward' in model && typeof model.forward === 'function') return model.forward(cast) as tf.Tensor
      return (model as tf.LayersModel).apply(cast, { training: options.training ?? true }) as tf.Tensor
    })
  }

  /**
   * Lets a method other than `forward` compute with the weights: its gradient is averaged like forward's.
   * Throws BAD_ARGUMENT when the module has no such method.
   */
  markForwardMethod(name: string): void {
    if (typeof (this.module as unknown as Record<string, unknown>)[name] === 'function') {
      this.forwardMethods.add(name)
      return
    }
    throw new RondoError(
      'BAD_ARGUMENT',
      `markForwardMethod(${JSON.stringify(name)}): ${this.module.constructor.name} has no method of that name. Allowed are the names of its methods. Correct the name.`,
    )
  }

  /** Parameters in order, by structural path. */
  parameters(): Parameter[] {
    return parametersOf(this.module)
  }

  /**
   * Makes the weights of all ranks equal now; collective. DDP's always are, so nothing happens there; with local_sgd
   * and diloco call it before weights are used for more than training. Saving and the end of a script do it too.
   */
  async syncWeights(): Promise<void> {
    await this.replica.syncWeights?.()
  }

  /**
   * Averages gradients by a communication hook from now on, as DDPStrategy's ddpCommHook, ddpCommState and
   * ddpCommWrapper; on all ranks alike, before training. Throws CONFLICT when the model has a hook.
   */
  registerCommHook(hook: string | OwnCommHook, options: { state?: unknown; wrapper?: string } = {}): void {
    if (this.replica.registerCommHook === undefined) {
      throw new RondoError(
        'UNSUPPORTED',
        'registerCommHook(): this strategy sends no gradients, so there is nothing to hook into. Use strategy "ddp".',
      )
    }
    this.replica.registerCommHook({ hook, state: options.state, wrapper: options.wrapper })
  }

  /** SHA-256, hexadecimal, over all parameter bytes in order: equal on all ranks. */
  weightsHash(): Promise<string> {
    return weightsHash(this.parameters())
  }
}

/** Told of every step that was made. */
type AfterStep = (optimizer: FabricOptimizer, replica: Replica) => Promise<void>

/** An optimizer that uses averaged gradients only. */
export class FabricOptimizer {
  readonly optimizer: Optimizer
  private readonly findReplica: () => Replica
  private readonly afterStep: AfterStep

  /** `findReplica` is asked when a step is made: an optimizer that is set up alone may be there before its model. */
  constructor(optimizer: Optimizer, findReplica: () => Replica, afterStep: AfterStep) {
    this.optimizer = optimizer
    this.findReplica = findReplica
    this.afterStep = afterStep
  }

  /** Applies the averaged gradient. Throws BAD_ARGUMENT when there is none. */
  async step(): Promise<void> {
    const replica = this.findReplica()
    await replica.step(this.optimizer)
    await this.afterStep(this, replica)
  }

  /** Forgets all gradients; call it before each batch, or before each group of micro-batches. */
  zeroGrad(): void {
    this.findReplica().zeroGrad()
  }

  /** Step size of the next step. */
  get learningRate(): number {
    return this.optimizer.learningRate
  }

  set learningRate(value: number) {
    this.optimizer.learningRate = value
  }

  /** Momentum, or β₁ of Adam; undefined where there is none. Schedulers move it. */
  get momentum(): number | undefined {
    return this.optimizer.momentum
  }

  set momentum(value: number) {
    this.optimizer.momentum = value
  }

  /** tfjs's shortcut would skip the average. */
  minimize(): never {
    throw shortcut('minimize')
  }

  /** tfjs's shortcut would skip the average. */
  applyGradients(): never {
    throw shortcut('applyGradients')
  }
}

function shortcut(call: string): RondoError {
  return new RondoError(
    'UNSUPPORTED',
    `optimizer.${call}() would use this rank's gradient alone, without the average over ranks. Call fabric.backward(() => loss) and then optimizer.step().`,
  )
}
