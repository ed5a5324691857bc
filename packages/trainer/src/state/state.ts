/**
 * All that a verb leaves behind, as plain data with typed arrays: what ranks send back to the notebook, and what
 * checkpoints hold. Not for: the file format (checkpoint.ts).
 */
import { type LossScalerState, type NamedTensor, type OptimizerState, readTensors, writeTensors } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { ReplicaState } from '@rondo/strategies'
import { callOn } from '../hooks.ts'
import type { MetricBoard } from '../logging/metrics.ts'
import { namedVariables } from '../loops/prepare.ts'
import type { RondoModule } from '../module/module.ts'
import type { Trainer } from '../trainer.ts'
import type { FitProgress } from './progress.ts'

export interface TrainerState {
  /** Version of this layout. */
  format: 3
  currentEpoch: number
  globalStep: number
  /** Parameters and buffers by structural name, in order. */
  weights: NamedTensor[]
  optimizers: OptimizerState[]
  /** Those of ranks 1, 2, … where each has its own: strategies whose ranks train alone. */
  rankOptimizers: OptimizerState[][]
  /** What the strategy keeps beside them, such as DiLoCo's outer momentum. */
  replicas: ReplicaState[]
  /** null in precisions without one. */
  lossScaler: LossScalerState | null
  /** What the module gave to `saveHyperparameters`. */
  hyperParameters: Record<string, unknown>
  /** What each callback's `stateDict` gave, by `callbackKeys`. */
  callbacks: Record<string, Record<string, unknown>>
  board: MetricBoard
  worldSize: number
  /** Where the fit is; null before the first one. */
  progress: FitProgress | null
  /** Plain data that hooks put there in `onSaveCheckpoint`, for `onLoadCheckpoint`. */
  extra: Record<string, unknown>
}

/** What a state is taken for: a weights-only one carries no optimizer. */
export interface CaptureOptions {
  weights?: boolean
  optimizers?: boolean
  /** What each rank goes on with, by rank. */
  ranks?: FitProgress['ranks']
  replicas?: ReplicaState[]
  rankOptimizers?: OptimizerState[][]
  lossScaler?: LossScalerState | null
}

/** Reads everything off the device. Not collective: replicas are equal. */
export async function captureState(
  trainer: Trainer,
  module: RondoModule,
  {
    weights = true,
    optimizers = true,
    ranks = [],
    replicas = [],
    rankOptimizers = [],
    lossScaler = null,
  }: CaptureOptions = {},
): Promise<TrainerState> {
  return {
    format: 3,
    currentEpoch: trainer.currentEpoch,
    globalStep: trainer.globalStep,
    weights: weights ? await captureWeights(module) : [],
    optimizers: optimizers ? await Promise.all(trainer.optimizers.map((optimizer) => optimizer.state())) : [],
    callbacks: callbackStates(trainer),
    board: structuredClone(trainer.board),
    worldSize: trainer.worldSize,
    progress: trainer.progress === null ? null : { ...trainer.progress, ranks },
    replicas,
    rankOptimizers,
    lossScaler,
    hyperParameters: structuredClone(module.hparams),
    extra: {},
  }
}

/** What goes into a file: hooks may add to it. */
export async function captureCheckpoint(
  trainer: Trainer,
  module: RondoModule,
  options: CaptureOptions,
): Promise<TrainerState> {
  const state = await captureState(trainer, module, options)
  await callOn(module, 'onSaveCheckpoint', [state])
  for (const callback of trainer.callbacks) await callOn(callback, 'onSaveCheckpoint', [trainer, module, state])
  return state
}

/** Tells hooks what a file has, once everything else of it is back. */
export async function announceLoaded(trainer: Trainer, module: RondoModule, state: TrainerState): Promise<void> {
  await callOn(module, 'onLoadCheckpoint', [state])
  for (const callback of trainer.callbacks) await callOn(callback, 'onLoadCheckpoint', [trainer, module, state])
}

async function captureWeights(module: RondoModule): Promise<NamedTensor[]> {
  const all = namedVariables({ module })
  const values = await readTensors(all.map(({ variable }) => variable))
  return all.map(({ name, variable }, i) => ({ name, shape: variable.shape, data: values[i] as NamedTensor['data'] }))
}

/** State of every callback, by key. */
function callbackStates(trainer: Trainer): TrainerState['callbacks'] {
  const keys = callbackKeys(trainer.callbacks)
  const states: TrainerState['callbacks'] = {}
  trainer.callbacks.forEach((callback, i) => {
    const state = callback.stateDict?.()
    if (state && Object.keys(state).length > 0) states[keys[i] as string] = state
  })
  return states
}

/** `stateKey` or class names, numbered where one is used twice: the same on every rank and in every run. */
function callbackKeys(callbacks: ReadonlyArray<object & { stateKey?: unknown }>): string[] {
  const seen = new Map<string, number>()
  return callbacks.map((callback) => {
    const name = typeof callback.stateKey === 'string' ? callback.stateKey : callback.constructor.name || 'callback'
    const count = seen.get(name) ?? 0
    seen.set(name, count + 1)
    return count === 0 ? name : `${name}#${count}`
  })
}

/** Puts weights back. @throws BAD_FILE naming what is missing, unexpected or of another shape */
export function restoreWeights(module: RondoModule, weights: readonly NamedTensor[], from: string): void {
  const all = namedVariables({ module })
  const saved = new Map(weights.map((tensor) => [tensor.name, tensor]))
  const missing = all.filter(({ name }) => !saved.has(name)).map(({ name }) => name)
  const known = new Set(all.map(({ name }) => name))
  const unexpected = weights.filter(({ name }) => !known.has(name)).map(({ name }) => name)
  const shapes = all.flatMap(({ name, variable }) => {
    const shape = saved.get(name)?.shape
    return shape && shape.join() !== variable.shape.join()
      ? [`${name} is [${shape.join(', ')}] there and [${variable.shape.join(', ')}] in the model`]
      : []
  })
  if (missing.length > 0 || unexpected.length > 0 || shapes.length > 0) {
    throw new RondoError(
      'BAD_FILE',
      `Weights of ${from} do not fit ${module.constructor.name}: missing ${list(missing)}; unexpected ${list(unexpected)}; other shapes: ${list(shapes)}. They must be those of the same model. Make its layers in the constructor or in configureModel().`,
    )
  }
  writeTensors(
    all.map(({ variable }) => variable),
    all.map(({ name }) => (saved.get(name) as NamedTensor).data as Float32Array),
  )
}

/** Puts metrics, counters and the callbacks' state back. */
export function restoreProgress(trainer: Trainer, state: TrainerState): void {
  trainer.currentEpoch = state.currentEpoch
  trainer.globalStep = state.globalStep
  trainer.board = structuredClone(state.board)
  trainer.progress = state.progress
  const keys = callbackKeys(trainer.callbacks)
  trainer.callbacks.forEach((callback, i) => {
    const own = state.callbacks[keys[i] as string]
    if (own) callback.loadStateDict?.(own)
  })
}

function list(names: readonly string[]): string {
  if (names.length === 0) return 'nothing'
  return names.slice(0, 6).join(', ') + (names.length > 6 ? ` and ${names.length - 6} more` : '')
}
