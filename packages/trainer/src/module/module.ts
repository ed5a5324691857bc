/**
 * A model with its training written beside it: steps, optimizer, hooks. Semantics are Lightning's `LightningModule`;
 * steps that are differentiated are synchronous, because TensorFlow.js records operations only while a function runs.
 * Not for: running it (trainer.ts).
 */
import { type LrScheduler, type ModuleLike, type Optimizer, type ReduceLROnPlateau, tf } from '@rondo/engine'
import type { ClipOptions } from '@rondo/fabric'
import { RondoError } from '@rondo/protocol'
import type { AnyBatch, AnyOutput, Awaitable, Stage } from '../hooks.ts'
import type { LoaderSource } from '../loaders/source.ts'
import type { LogOptions, LogValue } from '../logging/log-options.ts'
import type { ManualOptimization } from '../loops/manual.ts'
import type { Metric } from '../metrics/metric.ts'
import { isPlainData } from '../state/plain.ts'
import type { TrainerState } from '../state/state.ts'
import type { Trainer } from '../trainer.ts'
import type { ManualOptimizer } from './manual-optimizer.ts'
import type { OptimizerConfig } from './optimizer-config.ts'
import { runtimeOf } from './runtime.ts'
import { heldModels, heldVariables } from './variables.ts'

/**
 * The loss as a scalar tensor, the mean over the batch; alone or as `loss` of an object. With `trainingStepEnd` anything
 * that it makes the loss of; with `automaticOptimization = false` nothing, or a promise.
 */
export type StepOutput = tf.Tensor | { loss: tf.Tensor } | AnyOutput

/** Subclass it. Fields may hold tfjs models, layers, variables and plain data; they are found by themselves. */
export class RondoModule implements ModuleLike {
  /** false: `trainingStep` calls `manualBackward` and steps its optimizers itself, and may be async. */
  automaticOptimization = true
  /** false: `prepareData` runs on global rank 0 alone, and not once on each node. */
  prepareDataPerNode = true
  /** What `saveHyperparameters` was given. */
  readonly hparams: Record<string, unknown> = {}

  /** Makes what was not made in the constructor; called once, on every rank, before anything else needs it. */
  configureModel?(): Awaitable<void>
  /** Called while gradients are recorded: synchronous, returns the mean loss. */
  trainingStep?(batch: AnyBatch, batchIndex: number): StepOutput
  /**
   * Gets what `trainingStep` returned, joined on axis 0 over the parts of the batch that a strategy made (most make one),
   * and returns the loss, which is differentiated through to the parts.
   */
  trainingStepEnd?(outputs: AnyOutput): StepOutput
  /** As `trainingStepEnd`, without gradients; what it returns goes to the hooks. */
  validationStepEnd?(outputs: AnyOutput): AnyOutput
  /** As `validationStepEnd`, in the test loop. */
  testStepEnd?(outputs: AnyOutput): AnyOutput
  /** Runs without gradients. Tensors are freed afterwards, unless the method is async: then it frees its own. */
  validationStep?(batch: AnyBatch, batchIndex: number, loaderIndex: number): AnyOutput
  /** As `validationStep`, in the test loop. */
  testStep?(batch: AnyBatch, batchIndex: number, loaderIndex: number): AnyOutput
  /** The optimizer, alone or with an `lrScheduler`; or several, for a module that optimizes by hand. */
  configureOptimizers?(): Awaitable<OptimizerConfig>

  /** Download and the like: once on each node, before the other ranks go on. */
  prepareData?(): Awaitable<void>
  /** Loaders of training data. */
  trainDataloader?(): Awaitable<LoaderSource>
  /** Loaders of validation data. */
  valDataloader?(): Awaitable<LoaderSource>
  /** Loaders of test data. */
  testDataloader?(): Awaitable<LoaderSource>
  /** Loaders of what `predict` is for. */
  predictDataloader?(): Awaitable<LoaderSource>
  /** A verb begins, on every rank: make here what depends on the data or the world. */
  setup?(stage: Stage): Awaitable<void>
  /** The verb is over, also after an error. */
  teardown?(stage: Stage): Awaitable<void>
  /** Some rank failed; called on every rank. */
  onException?(error: unknown): Awaitable<void>
  /** Fitting begins. */
  onFitStart?(): Awaitable<void>
  /** Fitting is over. */
  onFitEnd?(): Awaitable<void>
  /** The sanity check begins. */
  onSanityCheckStart?(): Awaitable<void>
  /** The sanity check is over. */
  onSanityCheckEnd?(): Awaitable<void>
  /** Training begins. */
  onTrainStart?(): Awaitable<void>
  /** Training is over. */
  onTrainEnd?(): Awaitable<void>
  /** An epoch of training begins. */
  onTrainEpochStart?(): Awaitable<void>
  /** An epoch of training is over. */
  onTrainEpochEnd?(): Awaitable<void>
  /** Validation begins. */
  onValidationStart?(): Awaitable<void>
  /** Validation is over. */
  onValidationEnd?(): Awaitable<void>
  /** An epoch of validation begins. */
  onValidationEpochStart?(): Awaitable<void>
  /** An epoch of validation is over. */
  onValidationEpochEnd?(): Awaitable<void>
  /** Testing begins. */
  onTestStart?(): Awaitable<void>
  /** Testing is over. */
  onTestEnd?(): Awaitable<void>
  /** An epoch of testing begins. */
  onTestEpochStart?(): Awaitable<void>
  /** An epoch of testing is over. */
  onTestEpochEnd?(): Awaitable<void>
  /** Prediction begins. */
  onPredictStart?(): Awaitable<void>
  /** Prediction is over. */
  onPredictEnd?(): Awaitable<void>
  /** An epoch of prediction begins. */
  onPredictEpochStart?(): Awaitable<void>
  /** An epoch of prediction is over. */
  onPredictEpochEnd?(): Awaitable<void>
  /** Synchronous, as `trainingStep`. */
  onBeforeBackward?(loss: tf.Scalar): void
  /** Gradients are about to be forgotten. */
  onBeforeZeroGrad?(optimizer: Optimizer): Awaitable<void>
  /** The gradients of a batch are there, averaged if this is a step. */
  onAfterBackward?(): Awaitable<void>
  /** The averaged and clipped gradients are about to be used. */
  onBeforeOptimizerStep?(optimizer: Optimizer): Awaitable<void>
  /** A checkpoint is about to be written, on rank 0; plain data may be put into `checkpoint.extra`. */
  onSaveCheckpoint?(checkpoint: TrainerState): Awaitable<void>
  /** A fit goes on from a checkpoint; `checkpoint.extra` has what was put there. */
  onLoadCheckpoint?(checkpoint: TrainerState): Awaitable<void>
  /** A batch of training is about to be used. */
  onTrainBatchStart?(batch: AnyBatch, batchIndex: number): Awaitable<void>
  /** A batch of training is done. */
  onTrainBatchEnd?(outputs: { loss: number }, batch: AnyBatch, batchIndex: number): Awaitable<void>
  /** A batch of validation is about to be used. */
  onValidationBatchStart?(batch: AnyBatch, batchIndex: number, loaderIndex: number): Awaitable<void>
  /** A batch of validation is done. */
  onValidationBatchEnd?(outputs: AnyOutput, batch: AnyBatch, batchIndex: number, loaderIndex: number): Awaitable<void>
  /** A batch of testing is about to be used. */
  onTestBatchStart?(batch: AnyBatch, batchIndex: number, loaderIndex: number): Awaitable<void>
  /** A batch of testing is done. */
  onTestBatchEnd?(outputs: AnyOutput, batch: AnyBatch, batchIndex: number, loaderIndex: number): Awaitable<void>
  /** A batch of prediction is about to be used. */
  onPredictBatchStart?(batch: AnyBatch, batchIndex: number, loaderIndex: number): Awaitable<void>
  /** A batch of prediction is done. */
  onPredictBatchEnd?(outputs: AnyOutput, batch: AnyBatch, batchIndex: number, loaderIndex: number): Awaitable<void>

  /**
   * Applies the one tfjs model that the module holds; in `trainingStep` its layers behave as in training. Override it
   * for anything else.
   * @throws BAD_ARGUMENT when the module holds no model, or several
   */
  // biome-ignore lint/suspicious/noExplicitAny: an own forward takes and returns what it likes
  forward(...inputs: any[]): any {
    const models = heldModels(this)
    const [only] = models
    if (models.length !== 1 || only === undefined) {
      const found = models.length === 0 ? 'none' : models.map(({ field }) => field).join(' and ')
      throw new RondoError(
        'BAD_ARGUMENT',
        `${this.constructor.name}.forward(): by default it applies the one tf.LayersModel in the module's fields, and found ${found}. Define forward(x) in the class.`,
      )
    }
    return only.model.apply(inputs.length === 1 ? inputs[0] : inputs, { training: this.training })
  }

  /** What `predict` gives for a batch: `forward` of its first column. */
  predictStep(batch: AnyBatch, _batchIndex: number, _loaderIndex: number): AnyOutput {
    return this.forward(Array.isArray(batch) ? batch[0] : batch)
  }

  /** Trainable variables in the module's fields, by path. */
  parameters(): Record<string, tf.Variable> {
    return heldVariables(this).parameters
  }

  /** Variables that are saved and broadcast, but not trained, by path. */
  buffers(): Record<string, tf.Variable> {
    return heldVariables(this).buffers
  }

  /** Keeps plain data with the checkpoints, as `hparams`; what was kept before stays unless it is named again. */
  saveHyperparameters(values: Readonly<Record<string, unknown>>): void {
    if (typeof values !== 'object' || values === null || !isPlainData(values)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `saveHyperparameters(${typeof values === 'object' ? 'values' : String(values)}): allowed is an object of plain data (numbers, texts, booleans, lists and objects of these). Leave out what is none.`,
      )
    }
    Object.assign(this.hparams, structuredClone(values))
  }

  /** Keeps `value` as a variable that is not trained, in field `name`. */
  registerBuffer(name: string, value: tf.Tensor): tf.Variable {
    if (typeof name !== 'string' || name === '' || name in this) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `registerBuffer("${String(name)}", tensor): the name must be a text, and no field or method of the module yet. Choose another name.`,
      )
    }
    const variable = tf.variable(value, false)
    Object.defineProperty(this, name, { value: variable, enumerable: true, writable: true, configurable: true })
    return variable
  }

  /**
   * Records a value: a number, or a tensor of one element, which is read after the step. See LogOptions.
   * @throws BAD_ARGUMENT outside of a running trainer, in predict, and for options that exclude each other
   */
  log(name: string, value: LogValue | Metric, options: LogOptions = {}): void {
    const runtime = runtimeOf(this)
    if (runtime === null) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `log("${String(name)}", …): no trainer runs this module now. Allowed is log in the steps and hooks of fit, validate and test. Call it there.`,
      )
    }
    runtime.log(name, value, options)
  }

  /** Records several values with the same options. */
  logDict(values: Readonly<Record<string, LogValue>>, options: LogOptions = {}): void {
    for (const [name, value] of Object.entries(values)) this.log(name, value, options)
  }

  /**
   * The optimizer that steps, or a list where `configureOptimizers` gave several.
   * @throws BAD_ARGUMENT outside of `trainingStep` of a module with automaticOptimization = false
   */
  optimizers(): ManualOptimizer | ManualOptimizer[] {
    const { optimizers } = manualOf(this, 'optimizers()')
    return optimizers.length === 1 ? (optimizers[0] as ManualOptimizer) : [...optimizers]
  }

  /** The scheduler, a list of several, or null without any. By hand, `step()` is the module's to call. */
  lrSchedulers(): LrScheduler | ReduceLROnPlateau | Array<LrScheduler | ReduceLROnPlateau> | null {
    const { schedulers } = manualOf(this, 'lrSchedulers()')
    return schedulers.length > 1 ? [...schedulers] : (schedulers[0] ?? null)
  }

  /**
   * Differentiates `lossFn`, synchronous as every loss, and adds its gradients to those of the optimizers; they travel to
   * the other ranks when an optimizer steps. Returns this rank's loss.
   * @param options `samples`: the weight of this rank; default the batch's leading dimension
   */
  manualBackward(lossFn: () => unknown, options: { samples?: number } = {}): Promise<number> {
    const samples = options.samples ?? runtimeOf(this)?.batchSize() ?? 1
    return manualOf(this, 'manualBackward(fn)').backward(lossFn, samples)
  }

  /**
   * The next `step` of the optimizer clips its gradients, once they are averaged over the ranks: `{ maxNorm }` or
   * `{ clipVal }`, as in `fabric.clipGradients`.
   */
  clipGradients(optimizer: ManualOptimizer, options: ClipOptions): void {
    manualOf(this, 'clipGradients(optimizer, options)').clip(optimizer, options)
  }

  /** Until `untoggleOptimizer`, backward gives gradients to the parameters of this optimizer alone. */
  toggleOptimizer(optimizer: ManualOptimizer): void {
    manualOf(this, 'toggleOptimizer(optimizer)').toggle(optimizer)
  }

  /** Gives all parameters their gradients again. */
  untoggleOptimizer(_optimizer?: ManualOptimizer): void {
    manualOf(this, 'untoggleOptimizer(optimizer)').untoggle()
  }

  /** Whether layers behave as in training: true in `trainingStep`. */
  get training(): boolean {
    return runtimeOf(this)?.training ?? false
  }

  /** The trainer that runs this module. Throws BAD_ARGUMENT when none does. */
  get trainer(): Trainer {
    const runtime = runtimeOf(this)
    if (runtime) return runtime.trainer
    throw new RondoError(
      'BAD_ARGUMENT',
      `${this.constructor.name}.trainer: no trainer runs this module now. Allowed is its use in steps and hooks. Ask the Trainer object itself elsewhere.`,
    )
  }

  /** Number of the epoch, from 0; 0 without a trainer. */
  get currentEpoch(): number {
    return runtimeOf(this)?.trainer.currentEpoch ?? 0
  }

  /** Optimizer steps so far; 0 without a trainer. */
  get globalStep(): number {
    return runtimeOf(this)?.trainer.globalStep ?? 0
  }

  /** This rank; 0 without a trainer. */
  get globalRank(): number {
    return runtimeOf(this)?.trainer.globalRank ?? 0
  }
}

function manualOf(module: RondoModule, call: string): ManualOptimization {
  const manual = runtimeOf(module)?.manual
  if (manual) return manual
  throw new RondoError(
    'BAD_ARGUMENT',
    `${module.constructor.name}.${call}: ${module.automaticOptimization ? 'automaticOptimization is true, so the trainer steps by itself' : 'no fit is under way'}. Allowed is its use in a fit of a module with automaticOptimization = false. ${module.automaticOptimization ? 'Set that field' : 'Call it in trainingStep'}.`,
  )
}
