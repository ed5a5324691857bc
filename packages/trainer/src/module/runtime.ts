/**
 * What a module knows while a trainer runs it. Kept beside the module and not in it: a module's fields are the user's,
 * and must stay data that can cross to other ranks.
 */
import type { LogOptions, LogValue } from '../logging/log-options.ts'
import type { ManualOptimization } from '../loops/manual.ts'
import type { Metric } from '../metrics/metric.ts'
import type { Trainer } from '../trainer.ts'

export interface ModuleRuntime {
  readonly trainer: Trainer
  /** True inside `trainingStep`: layers behave as in training. */
  training: boolean
  /** What a module that optimizes by hand has to step with; null in all others. */
  manual: ManualOptimization | null
  /** Samples of the batch under way. */
  batchSize(): number
  log(name: string, value: LogValue | Metric, options: LogOptions): void
}

const runtimes = new WeakMap<object, ModuleRuntime>()

/** Ties a module to the trainer that runs it; null unties it. */
export function attachRuntime(module: object, runtime: ModuleRuntime | null): void {
  if (runtime === null) runtimes.delete(module)
  else runtimes.set(module, runtime)
}

/** null while no trainer runs the module. */
export function runtimeOf(module: object): ModuleRuntime | null {
  return runtimes.get(module) ?? null
}
