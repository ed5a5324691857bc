/**
 * What a strategy is: the rule by which ranks share one training job. It makes replicas, one for each model
 * that a script sets up; the replica does the distributed part of backward and step. Not for: verbs that
 * people call (fabric) or moving bytes (collectives).
 */
import type { ProcessGroup } from '@rondo/collectives'
import type { HalfType, LossScaler, Model, NamedTensor, Optimizer } from '@rondo/engine'
import type { SpanSink, StepTimes } from '@rondo/protocol'
import type { CommHookOptions } from './ddp/hooks/resolve.ts'

export interface StrategyContext {
  group: ProcessGroup
  /** Ends every wait of the strategy. */
  signal: AbortSignal
  /** Is told what went on when, if the run has a timeline. */
  spans?: SpanSink | null
  /** Gives ranks whose device is lost another one; absent where a loss ends the run. */
  devices?: DeviceRecovery
  /** Ranks of this rank's node, itself included, ascending; absent: all ranks are on one. */
  nodeRanks?: readonly number[]
  /** Absent: float32 throughout. */
  precision?: StepPrecision
}

/** How a training keeps its numbers, as far as gradients and steps go. */
export interface StepPrecision {
  /** Of gradients between ranks, where the script chose no communication hook; null for float32. */
  gradientFormat: HalfType | null
  /** Multiplies losses, and leaves out steps whose gradients overflow; null where losses stay as they are. */
  scaler: LossScaler | null
}

/** Σ(g·n)/Σn as the next step will use it, over all trainable parameters together. */
export interface AveragedGradients {
  /** (Σ|g|^p)^(1/p) in float64, for p above 0; the largest |g| for Infinity. */
  norm(p: number): number
  /** Names of the parameters with a gradient that is infinite or no number. */
  nonFinite(): string[]
  multiply(factor: number): void
  /** Puts every value between −limit and limit; NaN stays. */
  clamp(limit: number): void
}

/** How ranks go on when one of them loses its device. */
export interface DeviceRecovery {
  /** Collective, once a model: true, on all ranks alike, when any of them computes on a device that can be lost. */
  watch(): Promise<boolean>
  /** This rank's device is lost, and nothing has taken its place. */
  readonly isLost: boolean
  /** Whether an operation that just failed did so because the device is gone. */
  failedByLoss(): Promise<boolean>
  /**
   * Collective: those ranks get new devices, and all models and optimizers from the first rank that kept its own.
   * Rejects on all ranks alike when that cannot be.
   */
  recover(lostRanks: readonly number[]): Promise<void>
}

/** Milliseconds of one optimizer step, and how much of the communication was hidden behind other work. */
export interface StepReport {
  times: StepTimes
  hiddenMs: number
  /** Samples of this rank in the step. */
  samples: number
  /** The gradients overflowed somewhere, so all ranks left the step out. */
  skipped?: true
}

/** What a replica keeps between steps beside weights and optimizer, equal on all ranks. */
export interface ReplicaState {
  /** Who wrote it: only the same strategy takes it over. */
  strategy: string
  tensors: NamedTensor[]
}

/** One model set up on this rank, with its peers on the others. */
export interface Replica {
  /** The numbers of the last optimizer step; null before the first. */
  readonly lastStep: StepReport | null
  /** Meets the others in every synchronisation to see who lost a device (`StrategyContext.devices`). */
  readonly watchesDevices?: boolean
  /** What travels and in which format: "f32", "weights as f16, every 64 steps". */
  readonly wire: string
  /**
   * Runs `lossFn` forward and backward and adds its gradient, weighted by `samples`, to what the next step
   * uses. `lossFn` returns a scalar: the mean over its samples. With `synchronise` all contributions since
   * the last synchronisation are summed over the ranks. Returns this rank's loss.
   */
  backward(lossFn: () => unknown, samples: number, synchronise: boolean): Promise<number>
  /**
   * What the next step will use, to be looked at and changed; null when there is no synchronised gradient. Absent where
   * none can be had.
   */
  averagedGradients?(): Promise<AveragedGradients | null>
  /** The next step will do nothing, because a rank lost its device since zeroGrad. */
  readonly skipsNextStep?: boolean
  /** Lets the optimizer use Σ(g·n)/Σn. Throws BAD_ARGUMENT when no synchronised gradient is there. */
  step(optimizer: Optimizer): Promise<void>
  /** Forgets all gradients. */
  zeroGrad(): void
  dispose(): void
  /** Makes the weights of all ranks equal now; absent where they always are. Collective. */
  syncWeights?(): Promise<void>
  /** Right after `syncWeights`; absent where there is nothing to keep. */
  state?(): ReplicaState
  /** The weights were replaced from outside, with what was saved beside them or null. Collective. */
  restore?(saved: ReplicaState | null): Promise<void>
  /** Averages gradients by a communication hook from now on; absent where none travel. Throws for a second one. */
  registerCommHook?(options: CommHookOptions): void
}

/** What a strategy object may say in the place of Fabric's options of the same meaning (Lightning's `Strategy`). */
export interface OwnSettings {
  readonly accelerator?: string
  readonly precision?: string | number
  /** A CheckpointIO plugin. */
  readonly checkpointIO?: object
  /** A ClusterEnvironment plugin. */
  readonly environment?: object
}

export interface Strategy extends OwnSettings {
  readonly name: string
  /** False where every backward exchanges gradients, whatever it is told. */
  readonly skipsBackwardSync?: boolean
  /** Deals model and optimizer to the ranks together: they cannot be set up one by one. */
  readonly jointSetup?: boolean
  /** Checks that all ranks hold the same parameters, then makes rank 0's values everyone's. */
  setupModel(model: Model, context: StrategyContext): Promise<Replica>
}
