/** Fabric, and the page side that runs ranks. Scripts import from `rondo`, not from here. */
export {
  type CheckpointContent,
  CheckpointIO,
  type CheckpointState,
  type LoadOptions,
  SafetensorsIO,
  type SaveFilter,
  type SaveOptions,
} from './checkpoint/index.ts'
export { RankGroup } from './collectives/groups.ts'
export { type ArrayData, collectives } from './collectives/namespace.ts'
export { currentRankContext, RankContext, type RankContextOptions, type RunFiles, setRankContext } from './context.ts'
export { type ParseOptions, parseCpuDevices, parseDevices, parseGpus } from './devices.ts'
export { env } from './env.ts'
export type { RankEnvironment } from './environment.ts'
export { exit } from './exit.ts'
export { Fabric } from './fabric.ts'
export { type Batch, FabricDataLoader, type LoaderOptions } from './fabric-loader.ts'
export { FabricModel, FabricOptimizer } from './fabric-model.ts'
export { CommandQueue, type RankCommand } from './jobs/commands.ts'
export { abortJob, disposeJob, type JobOptions, nextRankContext, regroup } from './jobs/jobs.ts'
export { callLaunched, type LaunchHeader, registerLaunchable } from './launch/call.ts'
export {
  currentLauncher,
  type Launcher,
  type LaunchFunction,
  type LaunchRequest,
  type SlotStatus,
  setLauncher,
} from './launch/launcher.ts'
export {
  debugLauncher,
  type NotebookLauncherOptions,
  notebookLauncher,
} from './launch/notebook-launcher.ts'
export { type Launched, launchOnRanks, type OnRanksOptions } from './launch/on-ranks.ts'
export type { FabricCallback } from './logging/callbacks.ts'
export { attachLoggers } from './logging/logger-host.ts'
export { checkFabricOptions, type FabricOptions, requestedDevices } from './options.ts'
export { ClusterEnvironment, PrecisionPlugin } from './plugins/kinds.ts'
export { MixedPrecision, type MixedPrecisionOptions } from './plugins/mixed-precision.ts'
export { PRECISIONS, type Precision, parsePrecision } from './precision.ts'
export { withRank, withRankAtOnce } from './rank-of-refusal.ts'
export { rankZeroOnly } from './rank-zero-only.ts'
export type { SetupModuleOptions, SetupOptions } from './setup/models.ts'
export type { SetUpModel } from './setup/module-methods.ts'
export { slotDirectory } from './slots/directory.ts'
export { findUsableDevices, leastBusySlots } from './slots/usable.ts'
export { Throughput, type ThroughputOptions, type ThroughputUpdate } from './throughput.ts'
export type { BackwardOptions } from './training/backward.ts'
export type { ClipOptions } from './training/clip-gradients.ts'
