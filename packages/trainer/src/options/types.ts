/**
 * The trainer's arguments as people give them, and as the loops read them. Names and defaults are Lightning's. Not
 * for: what is allowed (arguments.ts) or which default counts (options.ts).
 */
import type { Logger } from '@rondo/loggers'
import type { Strategy } from '@rondo/strategies'
import type { Callback } from '../callbacks/callback.ts'
import type { Duration } from './duration.ts'
import type { BatchCount } from './limits.ts'

export type ClipAlgorithm = 'norm' | 'value'

/** Spellings of Lightning 1.x; each becomes today's argument, or is refused with the reason. */
export interface LegacyTrainerOptions {
  /** A count, a list, a string of slot numbers, −1 for all, null for the CPU. Read as 1.x did; see parseGpus. */
  gpus?: number | string | readonly number[] | null
  /** Ranks of `accelerator: "ddp_cpu"`; ignored elsewhere. */
  numProcesses?: number
  /** An older name of `accelerator` where that chose the strategy. */
  distributedBackend?: string
  /** Today: useDistributedSampler. */
  replaceSamplerDdp?: boolean
  /** With `gpus: k`: the k least busy slots. */
  autoSelectGpus?: boolean
  /** `O0` to `O3`. Today: precision. */
  ampLevel?: string
  /** Today: fit(…, { ckptPath }). */
  resumeFromCheckpoint?: string | null
  /** `top`, `full`, or null for none. Today: enableModelSummary. */
  weightsSummary?: string | null
  /** Batches between two drawings; 0 for no bar. Today: enableProgressBar. */
  progressBarRefreshRate?: number
  /** Today: enableCheckpointing. */
  checkpointCallback?: boolean
}

/** Arguments of a Trainer, all optional; names and defaults are Lightning's. */
export interface TrainerOptions extends LegacyTrainerOptions {
  accelerator?: string
  strategy?: string | Strategy
  devices?: number | string | readonly number[]
  numNodes?: number
  precision?: string | number
  /** Plugins of Fabric, or a name of 1.x that means a strategy (`"ddp_sharded"`). */
  plugins?: string | object | ReadonlyArray<string | object> | null
  /** true: the run's own metrics; false: none; or loggers of one's own, written to on rank 0. */
  logger?: boolean | Logger | readonly Logger[]
  callbacks?: Partial<Callback> | ReadonlyArray<Partial<Callback>>
  /** n batches of each loop in one epoch, without logger, checkpoint, early stop and sanity check; true is 1. */
  fastDevRun?: boolean | number
  /** Default 1000 where neither maxSteps nor maxTime is given, else no end; −1 is no end. */
  maxEpochs?: number
  minEpochs?: number
  maxSteps?: number
  minSteps?: number
  maxTime?: Duration | null
  limitTrainBatches?: BatchCount
  limitValBatches?: BatchCount
  limitTestBatches?: BatchCount
  limitPredictBatches?: BatchCount
  /** Train on the first so many batches, unshuffled, and validate on the same. */
  overfitBatches?: BatchCount
  /** How often to validate within an epoch: a fraction of it, or every so many batches. */
  valCheckInterval?: BatchCount
  checkValEveryNEpoch?: number
  /** Validation batches before training; −1 for all. */
  numSanityValSteps?: number
  logEveryNSteps?: number
  accumulateGradBatches?: number
  /** Largest norm, or largest absolute value, of gradients; null for no clipping. */
  gradientClipVal?: number | null
  /** Default `norm`. */
  gradientClipAlgorithm?: ClipAlgorithm
  useDistributedSampler?: boolean
  /** Deal the same global batch by measured speed: a faster rank gets more of it. */
  balanceBatches?: boolean
  /** A data module or module makes its loaders anew every so many epochs; 0 is never. */
  reloadDataloadersEveryNEpochs?: number
  /** false pads evaluation data so that ranks get equally many; some samples then count twice. */
  exactEvaluation?: boolean
  gradientAverage?: 'weighted' | 'uniform'
  /** Refuse kernels that round differently from run to run; "warn" only tells. */
  deterministic?: boolean | 'warn'
  /** Accepted, without effect: TensorFlow.js has no kernels to choose from. */
  benchmark?: boolean
  /** Accepted, without effect: evaluation never records gradients. */
  inferenceMode?: boolean
  /** Times each part of the loops: `simple`, `advanced`, or a profiler of one's own. */
  profiler?: 'simple' | 'advanced' | object | null
  /** Names the first operation that gives NaN. */
  detectAnomaly?: boolean
  /** Turn off everything that costs time beside training. */
  barebones?: boolean
  /** Share the moments of batch normalisation over ranks in training. */
  syncBatchnorm?: boolean
  /** Folder for checkpoints, relative to the run's. */
  defaultRootDir?: string
  enableCheckpointing?: boolean
  enableProgressBar?: boolean
  enableModelSummary?: boolean
}

export interface ResolvedTrainerOptions {
  logger: boolean | readonly Logger[]
  /** Batches of each loop of a fastDevRun; 0 when it is none. */
  fastDevRun: number
  /** Infinity for no end. */
  maxEpochs: number
  minEpochs: number
  maxSteps: number
  minSteps: number
  /** Milliseconds; Infinity for no end. */
  maxTimeMs: number
  limits: Record<'train' | 'validate' | 'test' | 'predict', BatchCount>
  overfitBatches: BatchCount
  valCheckInterval: BatchCount
  checkValEveryNEpoch: number
  numSanityValSteps: number
  logEveryNSteps: number
  accumulateGradBatches: number
  /** null for no clipping. */
  gradientClipVal: number | null
  gradientClipAlgorithm: ClipAlgorithm
  useDistributedSampler: boolean
  balanceBatches: boolean
  reloadDataloadersEveryNEpochs: number
  exactEvaluation: boolean
  gradientAverage: 'weighted' | 'uniform'
  deterministic: boolean | 'warn'
  benchmark: boolean
  inferenceMode: boolean
  profiler: 'simple' | 'advanced' | object | null
  detectAnomaly: boolean
  barebones: boolean
  syncBatchnorm: boolean
  /** Plugin objects, for Fabric. */
  plugins: readonly object[]
  defaultRootDir: string
  enableCheckpointing: boolean
  enableProgressBar: boolean
  enableModelSummary: boolean
  /** `gpus: k` with autoSelectGpus: how many of the least busy slots, −1 for all; null when slots are named. */
  autoSelect: number | null
  /** A file that `fit` goes on from when it is given none. */
  resumeFromCheckpoint: string | null
}
