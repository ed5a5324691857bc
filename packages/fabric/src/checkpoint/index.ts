/** Saving and loading; what other rooms and files of Fabric use of it. */
export { type CheckpointContent, CheckpointIO, SafetensorsIO } from './checkpoint-io.ts'
export type { CheckpointState } from './entries.ts'
export type { SaveFilter } from './filter.ts'
export { type CheckpointHost, checkpointHost, chosenCheckpointIO } from './host.ts'
export { type LoadOptions, loadCheckpoint } from './load.ts'
export { loadRawCheckpoint } from './load-raw.ts'
export type { Download } from './place.ts'
export { type SaveOptions, saveCheckpoint } from './save.ts'
