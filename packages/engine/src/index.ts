/** The engine: everything that touches tfjs. Other rooms import `tf` from here, never tfjs itself. */
export { coreCount, describeDevice } from './accelerator/describe.ts'
export { keepDeterministic } from './accelerator/deterministic.ts'
export { ACCELERATOR_CHOICES, type NormalisedAccelerator, normaliseAccelerator } from './accelerator/names.ts'
export { type SelectedAccelerator, type SelectOptions, selectAccelerator } from './accelerator/select.ts'
export { deviceLoss, failedByLoss, replaceLostDevice } from './accelerator/webgpu-backend.ts'
export { type Finding, KernelWatch } from './anomaly/kernel-watch.ts'
export { SyncedBatchNorm } from './batch-norm/synced-batch-norm.ts'
export type { BatchNormLayer } from './batch-norm/synced-layer.ts'
export type { NumericArray, SafetensorsType } from './files/dtypes.ts'
export {
  decodeSafetensors,
  encodeSafetensors,
  type NamedTensor,
  type SafetensorsContent,
  safetensorsParts,
} from './files/safetensors.ts'
export { recordAcross, type WayBack } from './gradients/across-ranks.ts'
export { type AsyncRecording, currentRecording } from './gradients/async-recording.ts'
export { type BucketOptions, GradientBuckets } from './gradients/buckets.ts'
export { computeGradients, type GradientOptions, type Gradients, readScalar } from './gradients/compute.ts'
export { type AsyncGradients, computeGradientsAsync } from './gradients/compute-async.ts'
export { type KnownGradient, LinearLoss } from './gradients/linear-loss.ts'
export { type ReadyGradient, SteppedBackward } from './gradients/stepped-backward.ts'
export { computesOnHost } from './host-memory.ts'
export { type Model, type ModuleLike, type Parameter, parametersOf, type Variables } from './model/parameters.ts'
export {
  type ParameterSignature,
  readTensors,
  signatureOf,
  type TensorData,
  weightsHash,
  writeTensors,
} from './model/tensors.ts'
export type { AdamOptions } from './optimizers/adam.ts'
export { adam, adamw, adoptOptimizer, optimizerOfKind, rmsprop, sgd } from './optimizers/create.ts'
export { Optimizer, type OptimizerState } from './optimizers/optimizer.ts'
export type { RmsPropOptions } from './optimizers/rmsprop.ts'
export type { SgdOptions } from './optimizers/sgd.ts'
export type { HalfType } from './precision/half.ts'
export { LossScaler, type LossScalerOptions, type LossScalerState } from './precision/loss-scaler.ts'
export { forwardUnder, underPrecision } from './precision/policy.ts'
export { roundWeights } from './precision/round.ts'
export { type HalfArithmetic, halfArithmetic } from './precision/shader-f16.ts'
export {
  CosineAnnealingLR,
  type CosineAnnealingLrOptions,
  CosineAnnealingWarmRestarts,
  type CosineWarmRestartsOptions,
} from './schedulers/cosine-lr.ts'
export { ExponentialLR, MultiStepLR, type MultiStepLrOptions, StepLR, type StepLrOptions } from './schedulers/decay.ts'
export { LambdaLR, type LrLambda } from './schedulers/lambda-lr.ts'
export { LinearLR, type LinearLrOptions } from './schedulers/linear-lr.ts'
export { OneCycleLR, type OneCycleLrOptions } from './schedulers/one-cycle-lr.ts'
export { ReduceLROnPlateau, type ReduceLrOnPlateauOptions } from './schedulers/reduce-on-plateau.ts'
export { LrScheduler, type Scheduled, type SchedulerState } from './schedulers/scheduler.ts'
export { SequentialLR, type SequentialLrOptions } from './schedulers/sequential-lr.ts'
export { SWALR, type SwaLrOptions } from './schedulers/swa-lr.ts'
export { Random, type RandomState } from './seeds/random.ts'
export {
  randomState,
  restoreRandomState,
  seedEverything,
  seededRandom,
  unseedEverything,
} from './seeds/seed-everything.ts'
export { type WorkerSeeds, workerSeedStream, workerSeeds } from './seeds/worker-seeds.ts'
export { recordTensors, type TensorRecord } from './tensor-record.ts'
export { tf } from './tfjs.ts'
export { typeAs } from './type-as.ts'
