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

export class Callback {
  /**
   * true: called in each hook after everything else, when what is logged is published; in `onTrainBatchEnd` only after
   * steps, and on every rank, with null for what a rank without data lacks.
   */
  get watchesMetrics(): boolean {
    return false
  }
  setup?(trainer: Trainer, module: RondoModule, stage: Stage): Awaitable<void>
  teardown?(trainer: Trainer, module: RondoModule, stage: Stage): Awaitable<void>
  /** Some rank failed; called on every rank. */
  onException?(trainer: Trainer, module: RondoModule, error: unknown): Awaitable<void>
  onFitStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onFitEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onSanityCheckStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onSanityCheckEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onTrainStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onTrainEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onTrainEpochStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onTrainEpochEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onValidationStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onValidationEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onValidationEpochStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onValidationEpochEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onTestStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onTestEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onTestEpochStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onTestEpochEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onPredictStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onPredictEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onPredictEpochStart?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onPredictEpochEnd?(trainer: Trainer, module: RondoModule): Awaitable<void>
  /**
   * The loss is there and gradients are not. Synchronous: TensorFlow.js records operations only while a function runs.
   * @param loss a scalar tensor, to be looked at and not disposed of
   */
  onBeforeBackward?(trainer: Trainer, module: RondoModule, loss: tf.Scalar): void
  onBeforeZeroGrad?(trainer: Trainer, module: RondoModule, optimizer: Optimizer): Awaitable<void>
  onAfterBackward?(trainer: Trainer, module: RondoModule): Awaitable<void>
  onBeforeOptimizerStep?(trainer: Trainer, module: RondoModule, optimizer: Optimizer): Awaitable<void>
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
  onValidationBatchStart?(
    trainer: Trainer,
    module: RondoModule,
    batch: AnyBatch,
    batchIndex: number,
    loaderIndex: number,
  ): Awaitable<void>
  onValidationBatchEnd?(
    trainer: Trainer,
    module: RondoModule,
    outputs: AnyOutput,
    batch: AnyBatch,
    batchIndex: number,
    loaderIndex: number,
  ): Awaitable<void>
  onTestBatchStart?(
    trainer: Trainer,
    module: RondoModule,
    batch: AnyBatch,
    batchIndex: number,
    loaderIndex: number,
  ): Awaitable<void>
  onTestBatchEnd?(
    trainer: Trainer,
    module: RondoModule,
    outputs: AnyOutput,
    batch: AnyBatch,
    batchIndex: number,
    loaderIndex: number,
  ): Awaitable<void>
  onPredictBatchStart?(
    trainer: Trainer,
    module: RondoModule,
    batch: AnyBatch,
    batchIndex: number,
    loaderIndex: number,
  ): Awaitable<void>
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
