/**
 * The base of callbacks: hooks around training, each optional, and state that comes back from ranks and is kept in
 * checkpoints. A plain object with some of these methods serves as well. Names are those of Lightning's `Callback`.
 * Hooks run on every rank in the same order, and may be async; each is awaited before training goes on.
 */
import type { Optimizer, tf } from '@rondo/engine'
import type { AnyBatch, AnyOutput, Awaitable, Stage } from '../hooks.ts'
import type { RondoModule } from '../module/module.ts'
import { assignPlainFields, plainFields } from '../state/plain.ts'
import type { TrainerState } from '../state/state.ts'
import type { Trainer } from '../trainer.ts'

/** What can be asked to act at each point of fit, validate, test and predict: extend it, or pass an object with some of its hooks. */
export class Callback {
  /**
   * true: called in each hook after everything else, when what is logged is published; in `onTrainBatchEnd` only after
   * steps, and on every rank, with null for what a rank without data lacks.
   */
  get watchesMetrics(): boolean {
    return false
  }
  /** A verb begins, on every rank: make here what depends on the data or the world. */
  setup?(trainer: Trainer, module: RondoModule, stage: Stage): Awaitable<void>
  /** The verb is over, also after an error. */
  teardown?(trainer: Trainer, module: RondoModule, stage: Stage): Awaitable<void>
  /** Some rank failed; called on every rank. */
  onException?(trainer: Trainer, module: RondoModule, error: unknown): Awaitable<void>
  /** Fitting begins. */
  onFitStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** Fitting is over. */
  onFitEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** The sanity check begins. */
  onSanityCheckStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** The sanity check is over. */
  onSanityCheckEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** Training begins. */
  onTrainStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** Training is over. */
  onTrainEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** An epoch of training begins. */
  onTrainEpochStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** An epoch of training is over. */
  onTrainEpochEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** Validation begins. */
  onValidationStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** Validation is over. */
  onValidationEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** An epoch of validation begins. */
  onValidationEpochStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** An epoch of validation is over. */
  onValidationEpochEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** Testing begins. */
  onTestStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** Testing is over. */
  onTestEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** An epoch of testing begins. */
  onTestEpochStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** An epoch of testing is over. */
  onTestEpochEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** Prediction begins. */
  onPredictStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** Prediction is over. */
  onPredictEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** An epoch of prediction begins. */
  onPredictEpochStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** An epoch of prediction is over. */
  onPredictEpochEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /**
   * The loss is there and gradients are not. Synchronous: TensorFlow.js records operations only while a function runs.
   * @param loss a scalar tensor, to be looked at and not disposed of
   */
  onBeforeBackward?(trainer: Trainer, module: RondoModule, loss: tf.Scalar): void
  /** Gradients are about to be forgotten. */
  onBeforeZeroGrad?(trainer: Trainer, module: RondoModule, optimizer: Optimizer): Awaitable<void>
  /** The gradients of a batch are there, averaged if this is a step. */
  onAfterBackward?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /** The averaged and clipped gradients are about to be used. */
  onBeforeOptimizerStep?(trainer: Trainer, module: RondoModule, optimizer: Optimizer): Awaitable<void>
  /** A batch of training is about to be used. */
  onTrainBatchStart?(trainer: Trainer, module: RondoModule, batch: AnyBatch, batchIndex: number): Awaitable<void>
  /**
   * `outputs` is `{ loss }`, a number, on this rank. Not called for a batch that this rank does not have: callbacks that
   * agree on something with the other ranks here need `watchesMetrics`.
   */
  onTrainBatchEnd?(
    trainer: Trainer,
    module: RondoModule,
    outputs: { loss: number },
    batch: AnyBatch,
    batchIndex: number,
  ): Awaitable<void>
  /** A batch of validation is about to be used. */
  onValidationBatchStart?(
    trainer: Trainer,
    module: RondoModule,
    batch: AnyBatch,
    batchIndex: number,
    loaderIndex: number,
  ): Awaitable<void>
  /** A batch of validation is done. */
  onValidationBatchEnd?(
    trainer: Trainer,
    module: RondoModule,
    outputs: AnyOutput,
    batch: AnyBatch,
    batchIndex: number,
    loaderIndex: number,
  ): Awaitable<void>
  /** A batch of testing is about to be used. */
  onTestBatchStart?(
    trainer: Trainer,
    module: RondoModule,
    batch: AnyBatch,
    batchIndex: number,
    loaderIndex: number,
  ): Awaitable<void>
  /** A batch of testing is done. */
  onTestBatchEnd?(
    trainer: Trainer,
    module: RondoModule,
    outputs: AnyOutput,
    batch: AnyBatch,
    batchIndex: number,
    loaderIndex: number,
  ): Awaitable<void>
  /** A batch of prediction is about to be used. */
  onPredictBatchStart?(
    trainer: Trainer,
    module: RondoModule,
    batch: AnyBatch,
    batchIndex: number,
    loaderIndex: number,
  ): Awaitable<void>
  /** A batch of prediction is done. */
  onPredictBatchEnd?(
    trainer: Trainer,
    module: RondoModule,
    outputs: AnyOutput,
    batch: AnyBatch,
    batchIndex: number,
    loaderIndex: number,
  ): Awaitable<void>

  /** A checkpoint is about to be written, on rank 0; plain data may be put into `checkpoint.extra`. */
  onSaveCheckpoint?(trainer: Trainer, module: RondoModule, checkpoint: TrainerState): Awaitable<void>
  /** A fit goes on from a checkpoint, on every rank; `checkpoint.extra` has what was put there. */
  onLoadCheckpoint?(trainer: Trainer, module: RondoModule, checkpoint: TrainerState): Awaitable<void>

  /** Under what its state is kept in a checkpoint; default the class's name. Two of one class may tell themselves apart. */
  get stateKey(): string {
    return this.constructor.name
  }

  /**
   * What has to survive: plain data. By default all fields that are numbers, texts, booleans, typed arrays, or arrays
   * and plain objects of these.
   */
  stateDict(): Record<string, unknown> {
    return plainFields(this)
  }

  /** Takes over what `stateDict` gave. */
  loadStateDict(state: Record<string, unknown>): void {
    assignPlainFields(this, state)
  }
}
